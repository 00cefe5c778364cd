// SPDX-License-Identifier: Apache-2.0
// Fuzzing (src/fuzz/fuzz.h) of the CPU engine: against itself nothing differs; against one with a
// fault the case is found, the instruction named and the machine reduced.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "engine/cpu/cpu_engine.h"
#include "engine/forwarding_engine.h"
#include "fuzz/fuzz.h"
#include "fuzz/fuzz_host.h"
#include "fuzz/random_machine.h"
#include "isa/decode.h"

namespace rookery::fuzz {
namespace {

using test::QuietFuzzHost;
using testing::ContainsRegex;
using testing::HasSubstr;

// An engine on which an instruction has the lowest bit of its result wrong, if it is odd: where
// code is executed at its physical address, and so many steps after somebody wrote the state.
class WrongEngine final : public ForwardingEngine {
 public:
  WrongEngine(std::unique_ptr<Engine> engine, std::string_view name, u64 patience_steps)
      : ForwardingEngine(std::move(engine)), name_(name), patience_steps_(patience_steps) {}

  Result<void> write_state(u32 vm, const MachineState& state) override {
    steps_ = 0;
    return engine_->write_state(vm, state);
  }

  Result<RunReport> run(u64 max_steps) override {
    RunReport all;
    for (u64 i = 0; i < max_steps; ++i) {
      std::vector<u32> wrong(config().vm_count);
      for (u32 vm = 0; vm < config().vm_count; ++vm) wrong[vm] = wrong_register(vm);
      Result<RunReport> report = engine_->run(1);
      if (!report) return report;
      all.exits.insert(all.exits.end(), report->exits.begin(), report->exits.end());
      if (report->steps == 0) break;
      all.steps += report->steps;
      if (++steps_ <= patience_steps_) continue;
      for (u32 vm = 0; vm < config().vm_count; ++vm) falsify(vm, wrong[vm]);
    }
    return all;
  }

 private:
  u32 wrong_register(u32 vm) {
    const MachineState state = *engine_->read_state(vm);
    const auto& s = std::get<isa::State<u32>>(state);
    const bool is_physical = s.hart.privilege == 3 || s.hart.satp == 0;
    const u32 offset = s.hart.pc - isa::RAM_BASE;
    if (!is_physical || s.machine.run_state != 0 || offset > kRamBytes - 4) return 0;
    u8 bytes[4];
    if (!engine_->read_ram(vm, s.hart.pc, bytes)) return 0;
    u32 word;
    std::memcpy(&word, bytes, sizeof word);
    const isa::Row* row = isa::find_row(Xlen::rv32, word);
    return row != nullptr && row->name == name_ ? (word >> 7) & 31 : 0;
  }

  void falsify(u32 vm, u32 number) {
    if (number == 0) return;
    MachineState state = *engine_->read_state(vm);
    auto& x = std::get<isa::State<u32>>(state).hart.x[number];
    if ((x & 1) == 0) return;
    x ^= 1;
    ASSERT_TRUE(engine_->write_state(vm, state));
  }

  std::string name_;
  u64 patience_steps_;
  u64 steps_ = 0;
};

MakeEngine wrong_engine(std::string_view name, u64 patience_steps) {
  return [=](const EngineConfig& config) -> Result<std::unique_ptr<Engine>> {
    auto engine = create_cpu_engine(config);
    if (!engine) return engine;
    return std::make_unique<WrongEngine>(std::move(*engine), name, patience_steps);
  };
}

TEST(FuzzCpu, FindsNothingWrongWithTheSameEngine) {
  for (const Xlen xlen : {Xlen::rv32, Xlen::rv64}) {
    QuietFuzzHost host;
    const FuzzOptions options = {.xlen = xlen, .seed = 3, .instructions = 200'000, .machines = 64};
    const Result<FuzzReport> report =
        fuzz_engines(create_cpu_engine, create_cpu_engine, options, host);
    ASSERT_TRUE(report) << report.error().text();
    EXPECT_FALSE(report->differs) << report->difference;
    EXPECT_GE(report->instructions, 200'000u);
    EXPECT_GE(report->cases, 100u);
    EXPECT_GT(report->sampled, 0u);
  }
}

TEST(FuzzCpu, FindsAndReducesAWrongInstruction) {
  const MakeEngine wrong = wrong_engine("mulhsu", 0);
  QuietFuzzHost host;
  FuzzOptions options = {.instructions = 100'000, .machines = 16, .steps = 1'000, .stride = 500};
  const Result<FuzzReport> report = fuzz_engines(create_cpu_engine, wrong, options, host);
  ASSERT_TRUE(report) << report.error().text();
  ASSERT_TRUE(report->differs);
  EXPECT_THAT(report->summary,
              ContainsRegex("^case [0-9]+ of seed 1 .RV32. differs at step [0-9]+"));
  EXPECT_THAT(report->difference, ContainsRegex("to 1 step of this machine"));
  EXPECT_THAT(report->difference, ContainsRegex("at pc 0x80[0-9a-f]+: 0x[0-9a-f]+  mulhsu "));
  // Of RAM, the instruction alone is left, and of the registers, its operands.
  EXPECT_THAT(
      report->difference,
      ContainsRegex("RAM that is not zero:\n  0x80[0-9a-f]+: 0x[0-9a-f]+  mulhsu [^\n]*\n$"));
  EXPECT_THAT(report->difference, testing::Not(HasSubstr("hart.mtvec")));

  // The case alone is the same.
  options.first_case = report->failing_case;
  options.cases = 1;
  const Result<FuzzReport> again = fuzz_engines(create_cpu_engine, wrong, options, host);
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(again->cases, 1u);
  EXPECT_EQ(again->difference, report->difference);
}

// As a stale decoded instruction would, the mistake needs a history.
TEST(FuzzCpu, ReducesARunThatOneStepDoesNotShow) {
  constexpr u64 kPatience = 30;
  QuietFuzzHost host;
  const FuzzOptions options = {.instructions = 100'000, .machines = 16, .stride = 500};
  const Result<FuzzReport> report =
      fuzz_engines(create_cpu_engine, wrong_engine("add", kPatience), options, host);
  ASSERT_TRUE(report) << report.error().text();
  ASSERT_TRUE(report->differs);
  EXPECT_THAT(report->difference, HasSubstr("It does not show when both machines are put at step"));
  const std::string reduced = "Reduced, in [0-9]+ trials, to 3[1-9] steps of this machine";
  EXPECT_THAT(report->difference, ContainsRegex(reduced));
  EXPECT_THAT(report->difference, HasSubstr("  add "));
}

}  // namespace
}  // namespace rookery::fuzz
