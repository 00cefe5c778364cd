// SPDX-License-Identifier: Apache-2.0
// compare_engines() by itself: an engine that is wrong at a known step has to be found out at that
// step.
#include "debug/compare_engines.h"

#include <cstring>
#include <memory>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/cpu/cpu_engine.h"
#include "engine/forwarding_engine.h"
#include "engine/whole_machine.h"

namespace rookery::test {
namespace {

using testing::HasSubstr;

constexpr u64 kRamBytes = u64{64} << 10;
constexpr u64 kWrongStep = 7'123;  // the loop's store
constexpr u32 kCounterPa = isa::RAM_BASE + isa::PAGE_BYTES;

// A CPU engine that, having made step kWrongStep, changes something behind the machine's back.
class WrongEngine final : public ForwardingEngine {
 public:
  WrongEngine(std::unique_ptr<Engine> engine, bool in_ram)
      : ForwardingEngine(std::move(engine)), in_ram_(in_ram) {}

  std::string_view name() const override { return "wrong"; }
  Result<RunReport> run(u64 max_steps) override {
    const u64 now = *icount(*engine_, 0);
    if (now >= kWrongStep || now + max_steps < kWrongStep) return engine_->run(max_steps);
    Result<RunReport> report = engine_->run(kWrongStep - now);
    if (in_ram_) {
      const u8 byte = 0xee;
      EXPECT_TRUE(engine_->write_ram(0, kCounterPa + 8, {&byte, 1}));
    } else {
      Result<MachineState> state = engine_->read_state(0);
      std::visit([](auto& s) { s.hart.sscratch ^= 0x40; }, *state);
      EXPECT_TRUE(engine_->write_state(0, *state));
    }
    return report;
  }

 private:
  bool in_ram_;
};

// addi x6, x6, 1; sw x6, 0(x7); jal x0, -8
WholeMachine counting_machine() {
  const u32 code[] = {0x00130313, 0x0063a023, 0xff9ff06f};
  isa::State<u32> state;
  state.hart.pc = isa::RAM_BASE;
  state.hart.privilege = 3;
  state.hart.x[7] = kCounterPa;
  state.machine.ram_bytes = static_cast<u32>(kRamBytes);
  WholeMachine machine{state, std::vector<u8>(kRamBytes)};
  std::memcpy(machine.ram.data(), code, sizeof code);
  return machine;
}

class CompareEngines : public testing::Test {
 protected:
  Comparison compare(std::unique_ptr<Engine> other) {
    auto cpu = *create_cpu_engine({.ram_bytes = kRamBytes});
    EXPECT_TRUE(put_machine(*cpu, 0, counting_machine()));
    EXPECT_TRUE(put_machine(*other, 0, counting_machine()));
    return compare_engines(*cpu, *other, {.max_steps = 20'000, .stride = 3'000});
  }
  static std::unique_ptr<Engine> cpu() { return *create_cpu_engine({.ram_bytes = kRamBytes}); }
};

TEST_F(CompareEngines, FindsNoDifferenceBetweenEqualOnes) {
  const Comparison comparison = compare(cpu());
  EXPECT_EQ(comparison.difference, "");
  EXPECT_EQ(comparison.steps, 20'000u);
}

TEST_F(CompareEngines, NamesTheInstructionAndTheFieldThatDiffer) {
  const Comparison comparison = compare(std::make_unique<WrongEngine>(cpu(), false));
  EXPECT_EQ(comparison.steps, 6'000u) << "the last stride at which they were equal";
  EXPECT_THAT(comparison.difference,
              HasSubstr("step 7123, in M-mode, the instruction at pc 0x80000000: "
                        "0x00130313  addi t1,t1,1"));
  EXPECT_THAT(comparison.difference, HasSubstr("!= hart.sscratch"));
}

TEST_F(CompareEngines, NamesTheWordOfRamThatDiffers) {
  const Comparison comparison = compare(std::make_unique<WrongEngine>(cpu(), true));
  EXPECT_THAT(comparison.difference, HasSubstr("step 7123"));
  EXPECT_THAT(comparison.difference, HasSubstr("!= RAM 0x80001008"));
}

}  // namespace
}  // namespace rookery::test
