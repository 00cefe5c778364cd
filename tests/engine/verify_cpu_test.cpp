// SPDX-License-Identifier: Apache-2.0
// verify_engines() on the CPU engine twice, the second time with a known mistake: Linux with typed
// input, reboots and idle time in between, so that what a host does has to be done again while
// narrowing.
#include "debug/verify.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "debug/compare_engines.h"
#include "engine/cpu/cpu_engine.h"
#include "engine/forwarding_engine.h"

namespace rookery::test {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;

constexpr u64 kNever = ~u64{0};

// A CPU engine that, having made step `wrong_step`, changes sscratch or a byte of RAM.
class WrongEngine final : public ForwardingEngine {
 public:
  WrongEngine(std::unique_ptr<Engine> engine, u64 wrong_step, u32 wrong_pa)
      : ForwardingEngine(std::move(engine)), wrong_step_(wrong_step), wrong_pa_(wrong_pa) {}

  std::string_view name() const override { return "wrong"; }
  Result<RunReport> run(u64 max_steps) override {
    const u64 now = *icount(*engine_, 0);
    if (now >= wrong_step_ || max_steps < wrong_step_ - now) return engine_->run(max_steps);
    Result<RunReport> report = engine_->run(wrong_step_ - now);
    if (*icount(*engine_, 0) != wrong_step_) return report;  // it exited before
    if (wrong_pa_ != 0) {
      u8 byte = 0;
      EXPECT_TRUE(engine_->read_ram(0, wrong_pa_, {&byte, 1}));
      byte ^= 0x10;
      EXPECT_TRUE(engine_->write_ram(0, wrong_pa_, {&byte, 1}));
    } else {
      Result<MachineState> state = engine_->read_state(0);
      std::visit([](auto& s) { s.hart.sscratch ^= 0x40; }, *state);
      EXPECT_TRUE(engine_->write_state(0, *state));
    }
    return report;
  }

 private:
  u64 wrong_step_;
  u32 wrong_pa_;
};

class Host final : public VerifyHost {
 public:
  u64 now_us() override { return now_us_ += 10; }
  bool stop_requested() override { return comparisons >= stop_after; }
  void compared(const VerifyProgress& progress) override { comparisons = progress.comparisons; }
  void narrowing(const std::string& what) override { seen = what; }

  u64 comparisons = 0;
  u64 stop_after = kNever;
  std::string seen;

 private:
  u64 now_us_ = 0;
};

constexpr const char* kSession =
    "echo one; sleep 1\n"
    "reboot\n"
    "echo two; sleep 1; sleep 1\n"
    "poweroff 5\n";

struct Mistake {
  u32 life = 1;
  u64 step = kNever;
  u32 pa = 0;  // 0: in a register
};

class Verify : public testing::Test {
 protected:
  Result<VerifyReport> verify(const Mistake& mistake, const VerifyOptions& options) {
    MachineConfig config;
    config.kernel_path = ROOKERY_SOURCE_DIR "/images/default/Image.zst";
    config.initrd_path = ROOKERY_SOURCE_DIR "/images/default/initramfs.cpio.zst";
    config.append = "earlycon=sbi console=ttyS0";
    Result<BootFiles> files = read_boot_files(config);
    if (!files) return std::unexpected(std::move(files.error()));
    const Result<BootImage> image = plan_boot(config, std::move(*files));
    if (!image) return std::unexpected(image.error());
    const EngineConfig engine_config = {.xlen = image->xlen, .ram_bytes = image->ram_bytes};
    u32 life = 0;
    const auto make_wrong = [&, mistake]() -> Result<std::unique_ptr<Engine>> {
      Result<std::unique_ptr<Engine>> engine = create_cpu_engine(engine_config);
      if (!engine || ++life != mistake.life) return engine;
      return std::make_unique<WrongEngine>(std::move(*engine), mistake.step, mistake.pa);
    };
    return verify_engines(
        *image, [&] { return create_cpu_engine(engine_config); }, make_wrong, options, host);
  }

  static VerifyOptions typed(const std::string& script, u64 stride) {
    return {.stride = stride, .input = InputMode::piped, .typed = script};
  }

  Host host;
};

TEST_F(Verify, FindsNothingInEqualMachinesOverAReboot) {
  const Result<VerifyReport> report = verify({}, typed(kSession, 1'000'000));
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(report->difference, "");
  EXPECT_EQ(report->end.reason, EndReason::shutdown);
  EXPECT_EQ(report->end.status, 5u);
  EXPECT_GT(report->instructions, 12'000'000u);
  // Each million, both starts, the reboot and the end.
  EXPECT_EQ(report->comparisons, report->instructions / 1'000'000 + 4);
  EXPECT_EQ(host.seen, "");
}

TEST_F(Verify, FindsTheStepBeforeAnythingWasTyped) {
  const Result<VerifyReport> report = verify({.step = 3'456'789}, typed(kSession, 1'000'000));
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_THAT(report->summary, HasSubstr("step 3456789 differs"));
  EXPECT_THAT(report->difference, HasSubstr("equal was after step 3000000."));
  EXPECT_THAT(report->difference, ContainsRegex("What differs:\n[^\n]*\n  != hart.sscratch "));
  EXPECT_EQ(report->instructions, 3'000'000u);
  EXPECT_THAT(host.seen, HasSubstr("After step 4000000 their state hashes differ"));
}

// The shell idles for a second of guest time in the stretch: timers, skipped time, typed input.
TEST_F(Verify, FindsTheStepAfterWhatAHostDid) {
  const Result<VerifyReport> whole = verify({}, typed("sleep 1; true\npoweroff\n", 100'000'000));
  ASSERT_TRUE(whole) << whole.error().text();
  const u64 step = whole->instructions - 50'000;  // of the power-off
  const Result<VerifyReport> report =
      verify({.step = step}, typed("sleep 1; true\npoweroff\n", 100'000'000));
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_THAT(report->summary, HasSubstr(fmt::format("step {} differs", step)));
  EXPECT_THAT(report->difference, HasSubstr("equal was after step 0."));
}

TEST_F(Verify, FindsTheStepInAnotherLifeAndTheWordOfRam) {
  const u32 pa = isa::RAM_BASE + 0x1800006;  // nobody has used it so early
  const Result<VerifyReport> report =
      verify({.life = 2, .step = 1'234'567, .pa = pa}, typed(kSession, 500'000));
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_THAT(report->summary, HasSubstr("step 1234567 of boot 2 differs"));
  EXPECT_THAT(report->difference, HasSubstr("of boot 2"));
  EXPECT_THAT(report->difference, ContainsRegex("What differs:\n  != RAM 0x81800004 "));
}

TEST_F(Verify, StopsWhenAskedTo) {
  host.stop_after = 3;
  const Result<VerifyReport> report = verify({}, typed(kSession, 1'000'000));
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(report->end.reason, EndReason::stopped);
  EXPECT_EQ(report->difference, "");
  EXPECT_EQ(report->comparisons, 3u);
}

}  // namespace
}  // namespace rookery::test
