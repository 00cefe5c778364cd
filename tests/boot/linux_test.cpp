// SPDX-License-Identifier: Apache-2.0
// The default image, from its first instruction to power-off, on every engine: a scripted person
// waits for the prompt and types commands. State hashes are taken every kStride instructions all
// the way, so the CPU engine's and the GPU engine's whole sessions, typed input included, are
// compared, not only their output.
#include <chrono>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "boot/test_engines.h"
#include "debug/compare_engines.h"
#include "engine/forwarding_engine.h"
#include "machine/machine.h"

namespace rookery::test {
namespace {

using testing::HasSubstr;

constexpr u64 kStride = 1'000'000;
constexpr u64 kMaxInstructions = 60'000'000;

struct Landmark {
  u64 icount;
  u64 hash;
  bool operator==(const Landmark&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Landmark& mark) {
  return out << fmt::format("{:016x} at step {}", mark.hash, mark.icount);
}

// An engine of one machine that stops at every multiple of kStride to note the state's hash.
class NotingEngine final : public ForwardingEngine {
 public:
  NotingEngine(std::unique_ptr<Engine> engine, std::vector<Landmark>& landmarks)
      : ForwardingEngine(std::move(engine)), landmarks_(landmarks) {}

  Result<RunReport> run(u64 max_steps) override {
    Result<RunReport> report = engine_->run(std::min(max_steps, kStride - steps_ % kStride));
    if (!report) return report;
    steps_ += report->steps;
    if (report->steps != 0 && steps_ % kStride == 0) {
      Result<u64> hash = engine_->state_hash(0);
      if (!hash) return std::unexpected(std::move(hash.error()));
      landmarks_.push_back({steps_, *hash});
    }
    return report;
  }

 private:
  std::vector<Landmark>& landmarks_;
  u64 steps_ = 0;
};

// Has everything typed at hand from the start: the machine types a line whenever the guest waits
// for one.
class ScriptedHost final : public MachineHost {
 public:
  explicit ScriptedHost(std::string script) : script_(std::move(script)) {}

  u64 now_us() override {
    using namespace std::chrono;
    return static_cast<u64>(
        duration_cast<microseconds>(steady_clock::now().time_since_epoch()).count());
  }
  Result<void> print(std::string_view bytes) override {
    console += bytes;
    return {};
  }
  Result<TypedInput> read_typed() override { return TypedInput{std::exchange(script_, {}), true}; }
  void sleep(u64) override {}
  bool stop_requested() override { return false; }
  void saw_exit(const Exit&, u64) override {}

  std::string console;

 private:
  std::string script_;
};

using MakeEngine = Result<std::unique_ptr<Engine>> (*)(const EngineConfig&);

MachineConfig default_config() {
  MachineConfig config;
  config.kernel_path = ROOKERY_SOURCE_DIR "/images/default/Image.zst";
  config.initrd_path = ROOKERY_SOURCE_DIR "/images/default/initramfs.cpio.zst";
  config.append = "earlycon=sbi console=ttyS0";
  return config;
}

Result<BootImage> default_image() {
  const MachineConfig config = default_config();
  Result<BootFiles> files = read_boot_files(config);
  if (!files) return std::unexpected(std::move(files.error()));
  return plan_boot(config, std::move(*files));
}

struct Session {
  std::string error;  // empty: none
  RunEnd end;
  std::string console;
  std::vector<Landmark> landmarks;
  u64 instructions = 0;
};

Session run_session(MakeEngine make_engine, std::string script) {
  Session session;
  Result<BootImage> image = default_image();
  if (!image) return session.error = image.error().text(), session;
  const EngineConfig config = {.xlen = image->xlen, .ram_bytes = image->ram_bytes};
  ScriptedHost host(std::move(script));
  const auto factory = [&]() -> Result<std::unique_ptr<Engine>> {
    Result<std::unique_ptr<Engine>> engine = make_engine(config);
    if (!engine) return engine;
    return std::make_unique<NotingEngine>(std::move(*engine), session.landmarks);
  };
  RunOptions options;
  options.input = InputMode::piped;
  options.max_instructions = kMaxInstructions;
  auto machine = Machine::create(std::move(*image), factory, options, host);
  if (!machine) return session.error = machine.error().text(), session;
  Result<RunEnd> end = (*machine)->run();
  session.console = std::move(host.console);
  session.instructions = (*machine)->instructions();
  if (!end) return session.error = end.error().text(), session;
  session.end = *end;
  return session;
}

constexpr const char* kScript =
    "uname -a\n"
    "echo sum=$((123456789 * 7 - 5)) rest=$((1000003 % 97))\n"
    "cat /proc/cpuinfo\n"
    "ls /sys\n"
    "for i in 1 2 3; do echo line $i; done | wc -l\n"
    "poweroff 7\n";

void expect_answers(const Session& session) {
  ASSERT_EQ(session.error, "") << session.console;
  const std::string& console = session.console;
  EXPECT_EQ(session.end.reason, EndReason::shutdown) << console;
  EXPECT_EQ(session.end.status, 7u) << console;
  EXPECT_THAT(console, HasSubstr("Linux version 6.12"));
  EXPECT_THAT(console, testing::ContainsRegex("Linux [^ ]+ 6\\.12.* riscv32"));
  EXPECT_THAT(console, HasSubstr("sum=864197518 rest=30"));
  EXPECT_THAT(console, testing::ContainsRegex("isa[ \t]*: rv32ima"));
  EXPECT_THAT(console, testing::ContainsRegex("mmu[ \t]*: sv32"));
  EXPECT_THAT(console, HasSubstr("kernel"));
  EXPECT_THAT(console, HasSubstr("devices"));
}

// The session on the CPU engine, once a process.
const Session& cpu_session() {
  static const Session session = run_session(make_cpu_engine, kScript);
  return session;
}

TEST(LinuxCpu, BootsAndAnswersWhatIsTyped) {
  expect_answers(cpu_session());
  std::cout << fmt::format("{} instructions, {} landmarks.\n", cpu_session().instructions,
                           cpu_session().landmarks.size());
}

TEST(LinuxCpu, PowersOffWithoutAStatus) {
  const Session session = run_session(make_cpu_engine, "poweroff\n");
  ASSERT_EQ(session.error, "");
  EXPECT_EQ(session.end.reason, EndReason::shutdown);
  EXPECT_EQ(session.end.status, 0u);
  EXPECT_FALSE(session.end.failed);
}

TEST(LinuxCpu, ASessionRepeatsExactly) {
  const Session again = run_session(make_cpu_engine, kScript);
  EXPECT_EQ(again.landmarks, cpu_session().landmarks);
  EXPECT_EQ(again.instructions, cpu_session().instructions);
  EXPECT_EQ(again.console, cpu_session().console);
}

// Where the boots part, with both states.
std::string first_difference() {
  const Result<BootImage> image = default_image();
  if (!image) return image.error().text();
  const EngineConfig config = {.xlen = image->xlen, .ram_bytes = image->ram_bytes};
  auto cpu = make_cpu_engine(config);
  auto gpu = make_gpu_engine(config);
  if (!cpu || !gpu || !load_boot_image(**cpu, *image) || !load_boot_image(**gpu, *image))
    return "The engines cannot be made.";
  return compare_engines(**cpu, **gpu, {.max_steps = 8 * kStride, .stride = kStride / 4})
      .difference;
}

TEST(LinuxGpu, TheWholeSessionIsTheSameAsOnTheCpu) {
  const EngineConfig small = {.ram_bytes = isa::PAGE_BYTES};
  if (auto probe = make_gpu_engine(small); !probe && probe.error().kind == ErrorKind::usage) {
    GTEST_SKIP() << probe.error().text();
  }
  const Session session = run_session(make_gpu_engine, kScript);
  if (session.landmarks != cpu_session().landmarks) {
    EXPECT_EQ(session.landmarks, cpu_session().landmarks);
    ADD_FAILURE() << first_difference();
  }
  expect_answers(session);
  EXPECT_EQ(session.console, cpu_session().console);
  EXPECT_EQ(session.instructions, cpu_session().instructions);
}

}  // namespace
}  // namespace rookery::test
