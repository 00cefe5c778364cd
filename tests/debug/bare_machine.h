// SPDX-License-Identifier: Apache-2.0
// A machine for a debugger to work on: a few instructions on the CPU engine, without console and
// device tree.
#pragma once

#include <initializer_list>
#include <memory>

#include <gtest/gtest.h>

#include "debug/debug_target.h"
#include "engine/checkpoint.h"
#include "engine/cpu/cpu_engine.h"

namespace rookery::test {

constexpr u64 kBareRamBytes = u64{1} << 20;
constexpr u32 kCodePa = isa::RAM_BASE;

// --- Instructions ---

constexpr u32 addi(u32 rd, u32 rs1, i32 immediate) {
  return (static_cast<u32>(immediate) << 20) | (rs1 << 15) | (rd << 7) | 0x13;
}
constexpr u32 load(u32 funct3, u32 rd, u32 rs1, i32 offset) {
  return (static_cast<u32>(offset) << 20) | (rs1 << 15) | (funct3 << 12) | (rd << 7) | 0x03;
}
constexpr u32 lw(u32 rd, u32 rs1, i32 offset) { return load(2, rd, rs1, offset); }
constexpr u32 sw(u32 rs2, u32 rs1, u32 offset) {
  return ((offset >> 5) << 25) | (rs2 << 20) | (rs1 << 15) | (2 << 12) | ((offset & 31) << 7) |
         0x23;
}
constexpr u32 amoadd_w(u32 rd, u32 rs2, u32 rs1) {
  return (rs2 << 20) | (rs1 << 15) | (2 << 12) | (rd << 7) | 0x2f;
}
constexpr u32 kLoopForever = 0x0000006f;
constexpr u32 kWfi = 0x10500073;
constexpr u32 kNop = 0x00000013;
constexpr u32 kIllegal = 0;

class BareMachine final : public debug::DebuggedMachine {
 public:
  BareMachine(Xlen xlen, std::initializer_list<u32> code) {
    auto engine = create_cpu_engine({.xlen = xlen, .ram_bytes = kBareRamBytes});
    EXPECT_TRUE(engine);
    engine_ = *std::move(engine);
    u32 pa = kCodePa;
    for (const u32 word : code) {
      put(pa, word);
      pa += 4;
    }
    change([](auto& s) {
      s.hart.pc = kCodePa;
      s.hart.privilege = 3;
      s.machine.ram_bytes = kBareRamBytes;
    });
  }

  Engine& engine() override { return *engine_; }
  u32 vm() const override { return 0; }
  Result<debug::Progress> run(u64 max_steps) override {
    constexpr u64 kDispatchSteps = 10'000;
    if (ends_at != 0 && icount() == ends_at) return debug::Progress{.ended = true};
    if (ends_at != 0) max_steps = std::min(max_steps, ends_at - icount());
    auto report = engine_->run(std::min(max_steps, kDispatchSteps));
    if (!report) return std::unexpected(std::move(report.error()));
    runs += 1;
    if (report->exits.empty()) return debug::Progress{report->steps, false};
    const Exit exit = report->exits.front();
    if (exit.reason != isa::EXIT_STOP_POINT) return debug::Progress{report->steps, true};
    if (auto done = engine_->resume(0); !done) return std::unexpected(std::move(done.error()));
    return debug::Progress{report->steps, false, exit.arg0};
  }
  Result<std::string> status() override { return "all is well"; }

  // From now on the machine goes back, to multiples of `spacing` steps, and ends after `end` steps.
  void go_back_from(u64 end, u64 spacing) {
    loaded_ = take_loaded_machine(*engine_, 0).value();
    ends_at = end;
    spacing_ = spacing;
  }
  bool can_go_back() const override { return loaded_.has_value(); }
  u64 count() override { return icount(); }
  Result<void> go_back(u64 count) override {
    goings_back += 1;
    if (auto done = restore_checkpoint(*engine_, 0, *loaded_, *loaded_); !done) return done;
    while (icount() < count / spacing_ * spacing_) {
      if (auto done = run(count / spacing_ * spacing_ - icount()); !done)
        return std::unexpected(std::move(done.error()));
    }
    return {};
  }

  Result<void> keep() override { return {}; }

  void put(u32 pa, u32 word) {
    const u8* const bytes = reinterpret_cast<const u8*>(&word);
    EXPECT_TRUE(engine_->write_ram(0, pa, {bytes, sizeof word}));
  }
  u32 word(u32 pa) {
    u32 word = 0;
    EXPECT_TRUE(engine_->read_ram(0, pa, {reinterpret_cast<u8*>(&word), sizeof word}));
    return word;
  }
  // Changes the state as `function` does it to a State<xlen>.
  template <class Function>
  void change(Function&& function) {
    auto state = engine_->read_state(0);
    ASSERT_TRUE(state);
    std::visit(function, *state);
    ASSERT_TRUE(engine_->write_state(0, *state));
  }
  u64 hash() { return engine_->state_hash(0).value_or(0); }
  u64 icount() { return icount_of(*engine_->read_state(0)); }

  u64 runs = 0;
  u64 goings_back = 0;
  u64 ends_at = 0;

 private:
  std::optional<Checkpoint> loaded_;
  u64 spacing_ = 1;
  std::unique_ptr<Engine> engine_;
};

}  // namespace rookery::test
