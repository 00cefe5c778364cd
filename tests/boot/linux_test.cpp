// SPDX-License-Identifier: Apache-2.0
// The images that come with Rookery, from their first instruction to power-off, on every engine: a
// scripted person waits for the prompt and types commands. State hashes are taken every kStride
// instructions all the way, so the CPU engine's and the GPU engine's whole sessions, typed input
// included, are compared, not only their output.
#include <chrono>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "boot/test_engines.h"
#include "debug/compare_engines.h"
#include "engine/forwarding_engine.h"
#include "machine/image_description.h"
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

constexpr const char* kSv32Image = ROOKERY_SOURCE_DIR "/images/default/image.json";
constexpr const char* kNommuImage = ROOKERY_SOURCE_DIR "/images/nommu/image.json";

// `more_words` end the kernel's command line.
Result<BootImage> planned_image(const char* path, std::string_view more_words = "") {
  Result<ImageDescription> description = read_image_description(path);
  if (!description) return std::unexpected(std::move(description.error()));
  MachineConfig config;
  config.xlen = description->xlen;
  config.kernel_path = description->kernel_path;
  config.initrd_path = description->initrd_path;
  config.append = description->command_line;
  if (!more_words.empty()) config.append += fmt::format(" {}", more_words);
  config.ram_bytes = description->ram_bytes;
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

Session run_session(const char* image_path, MakeEngine make_engine, std::string script,
                    std::string_view more_words = "") {
  Session session;
  Result<BootImage> image = planned_image(image_path, more_words);
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

void expect_answers(const Session& session, const char* mmu) {
  ASSERT_EQ(session.error, "") << session.console;
  const std::string& console = session.console;
  EXPECT_EQ(session.end.reason, EndReason::shutdown) << console;
  EXPECT_EQ(session.end.status, 7u) << console;
  EXPECT_THAT(console, HasSubstr("Linux version 6.12"));
  EXPECT_THAT(console, testing::ContainsRegex("Linux [^ ]+ 6\\.12.* riscv32"));
  EXPECT_THAT(console, HasSubstr("sum=864197518 rest=30"));
  EXPECT_THAT(console, testing::ContainsRegex("isa[ \t]*: rv32ima"));
  EXPECT_THAT(console, testing::ContainsRegex(fmt::format("mmu[ \t]*: {}", mmu)));
  EXPECT_THAT(console, HasSubstr("\n3\r\n"));
  EXPECT_THAT(console, HasSubstr("kernel"));
  EXPECT_THAT(console, HasSubstr("devices"));
}

// The session on the CPU engine, once a process.
const Session& cpu_session() {
  static const Session session = run_session(kSv32Image, make_cpu_engine, kScript);
  return session;
}

TEST(LinuxCpu, BootsAndAnswersWhatIsTyped) {
  expect_answers(cpu_session(), "sv32");
  std::cout << fmt::format("{} instructions, {} landmarks.\n", cpu_session().instructions,
                           cpu_session().landmarks.size());
}

TEST(LinuxCpu, PowersOffWithoutAStatus) {
  const Session session = run_session(kSv32Image, make_cpu_engine, "poweroff\n");
  ASSERT_EQ(session.error, "");
  EXPECT_EQ(session.end.reason, EndReason::shutdown);
  EXPECT_EQ(session.end.status, 0u);
  EXPECT_FALSE(session.end.failed);
}

TEST(LinuxCpu, ASessionRepeatsExactly) {
  const Session again = run_session(kSv32Image, make_cpu_engine, kScript);
  EXPECT_EQ(again.landmarks, cpu_session().landmarks);
  EXPECT_EQ(again.instructions, cpu_session().instructions);
  EXPECT_EQ(again.console, cpu_session().console);
}

// A kernel in M-mode and programs in U-mode, without page tables.
TEST(NommuLinuxCpu, BootsAndAnswersWhatIsTyped) {
  const Session session = run_session(kNommuImage, make_cpu_engine, kScript);
  expect_answers(session, "none");
  EXPECT_LT(session.instructions, 30'000'000u);
}

TEST(NommuLinuxCpu, RunsPipesAndSubshellsWithoutFork) {
  const Session session = run_session(kNommuImage, make_cpu_engine,
                                      "echo $(echo in; (cd /tmp && pwd)) | sed s/in/out/\n"
                                      "seq 3 >/tmp/n; sort -r /tmp/n | tr '\\n' ,; echo .\n"
                                      "icount true\n"
                                      "awk 'BEGIN { print \"status\", system(\"exit 3\") }'\n"
                                      "poweroff\n");
  ASSERT_EQ(session.error, "");
  EXPECT_THAT(session.console, HasSubstr("out /tmp\r\n"));
  EXPECT_THAT(session.console, HasSubstr("3,2,1,.\r\n"));
  EXPECT_THAT(session.console, testing::ContainsRegex("[0-9],[0-9]+ instructions\r\n"));
  EXPECT_THAT(session.console, HasSubstr("\nstatus 3\r\n"));
  EXPECT_EQ(session.end.reason, EndReason::shutdown);
  EXPECT_EQ(session.end.status, 0u);
}

// Where the boots part, with both states; empty if nowhere.
std::string first_difference(const char* image_path, u64 max_steps,
                             std::string_view more_words = "") {
  const Result<BootImage> image = planned_image(image_path, more_words);
  if (!image) return image.error().text();
  const EngineConfig config = {.xlen = image->xlen, .ram_bytes = image->ram_bytes};
  auto cpu = make_cpu_engine(config);
  auto gpu = make_gpu_engine(config);
  if (!cpu || !gpu || !load_boot_image(**cpu, *image) || !load_boot_image(**gpu, *image))
    return "The engines cannot be made.";
  return compare_engines(**cpu, **gpu, {.max_steps = max_steps, .stride = kStride / 4}).difference;
}

// A sentence if there is no adapter to run the GPU engine on.
std::string missing_adapter() {
  const EngineConfig small = {.ram_bytes = isa::PAGE_BYTES};
  const auto probe = make_gpu_engine(small);
  return !probe && probe.error().kind == ErrorKind::usage ? probe.error().text() : "";
}

TEST(LinuxGpu, TheWholeSessionIsTheSameAsOnTheCpu) {
  if (const std::string missing = missing_adapter(); !missing.empty()) GTEST_SKIP() << missing;
  const Session session = run_session(kSv32Image, make_gpu_engine, kScript);
  if (session.landmarks != cpu_session().landmarks) {
    EXPECT_EQ(session.landmarks, cpu_session().landmarks);
    ADD_FAILURE() << first_difference(kSv32Image, 8 * kStride);
  }
  expect_answers(session, "sv32");
  EXPECT_EQ(session.console, cpu_session().console);
  EXPECT_EQ(session.instructions, cpu_session().instructions);
}

// Short and quiet: a software adapter takes its time for each instruction.
TEST(NommuLinuxGpu, TheWholeSessionIsTheSameAsOnTheCpu) {
  if (const std::string missing = missing_adapter(); !missing.empty()) GTEST_SKIP() << missing;
  constexpr const char* kShortScript = "echo sum=$((123456789 * 7 - 5))\npoweroff 7\n";
  const Session cpu = run_session(kNommuImage, make_cpu_engine, kShortScript, "quiet");
  const Session gpu = run_session(kNommuImage, make_gpu_engine, kShortScript, "quiet");
  ASSERT_EQ(gpu.error, "") << gpu.console;
  if (gpu.landmarks != cpu.landmarks) {
    EXPECT_EQ(gpu.landmarks, cpu.landmarks);
    ADD_FAILURE() << first_difference(kNommuImage, 8 * kStride, "quiet");
  }
  EXPECT_THAT(gpu.console, HasSubstr("sum=864197518"));
  EXPECT_EQ(gpu.end.reason, EndReason::shutdown);
  EXPECT_EQ(gpu.end.status, 7u);
  EXPECT_EQ(gpu.console, cpu.console);
  EXPECT_EQ(gpu.instructions, cpu.instructions);
}

}  // namespace
}  // namespace rookery::test
