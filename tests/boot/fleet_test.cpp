// SPDX-License-Identifier: Apache-2.0
// Fleets of booted Linux machines on every engine: what is typed to each, what it prints, where it
// stops and what it is then are the same on all of them, however many run beside it.
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "boot/test_engines.h"
#include "fleet/fleet.h"
#include "machine/image_description.h"

namespace rookery::test {
namespace {

using testing::HasSubstr;

constexpr const char* kPrompt = "rookery:~# ";

#define ASSERT_GOOD(expression)                                  \
  if (const auto& good_result = (expression); !good_result) {    \
    FAIL() << #expression << ": " << good_result.error().text(); \
  }

Result<std::unique_ptr<Engine>> make_parallel_engine(const EngineConfig& config) {
  return create_parallel_engine(config, make_cpu_engine, 2);
}

// The default image at its prompt.
Result<Snapshot> booted_machine() {
  auto image = read_image_description(ROOKERY_SOURCE_DIR "/images/default/image.json");
  if (!image) return std::unexpected(std::move(image.error()));
  MachineConfig config;
  config.kernel_path = image->kernel_path;
  config.initrd_path = image->initrd_path;
  config.append = image->command_line;
  auto files = read_boot_files(config);
  if (!files) return std::unexpected(std::move(files.error()));
  auto planned = plan_boot(config, *std::move(files));
  if (!planned) return std::unexpected(std::move(planned.error()));
  Snapshot cold;
  cold.image = *std::move(planned);
  auto fleet = Fleet::fork(std::move(cold), make_cpu_engine, {.texts = {kPrompt}});
  if (!fleet) return std::unexpected(std::move(fleet.error()));
  while ((*fleet)->running() != 0) {
    auto stops = (*fleet)->run();
    if (!stops) return std::unexpected(std::move(stops.error()));
    for (const FleetStop& stop : *stops) {
      if (stop.reason != StopReason::text)
        return fail(ErrorKind::internal, "The boot ended with {}.", stop_name(stop.reason));
    }
  }
  return (*fleet)->lift(0);
}

class FleetTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    Result<Snapshot> booted = booted_machine();
    if (booted) {
      booted_ = new Snapshot(*std::move(booted));
    } else {
      ADD_FAILURE() << booted.error().text();
    }
  }
  static void TearDownTestSuite() { delete std::exchange(booted_, nullptr); }

  static Snapshot* booted_;
};
Snapshot* FleetTest::booted_ = nullptr;

// What came of one machine.
struct Outcome {
  StopReason reason;
  u32 detail;
  u64 instructions;
  std::string console;
  u64 hash;
  bool operator==(const Outcome&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
  return out << stop_name(outcome.reason) << ' ' << outcome.detail << " after "
             << outcome.instructions << ", " << fmt::format("{:016x}", outcome.hash) << ":\n"
             << outcome.console;
}

// Runs until all stand still.
Result<std::map<u32, Outcome>> outcomes(Fleet& fleet) {
  std::map<u32, Outcome> all;
  while (fleet.running() != 0) {
    auto stops = fleet.run();
    if (!stops) return std::unexpected(std::move(stops.error()));
    for (const FleetStop& stop : *stops) {
      auto hash = fleet.state_hashes({&stop.vm, 1});
      if (!hash) return std::unexpected(std::move(hash.error()));
      all[stop.vm] = {stop.reason, stop.detail, stop.instructions, fleet.take_console(stop.vm),
                      hash->front()};
    }
  }
  return all;
}

#define FORK(name, make, ...)                                                 \
  auto name##_forked = Fleet::fork(*booted_, make, FleetConfig{__VA_ARGS__}); \
  if (!name##_forked && name##_forked.error().kind == ErrorKind::usage)       \
    GTEST_SKIP() << name##_forked.error().text();                             \
  ASSERT_GOOD(name##_forked);                                                 \
  Fleet& name = **name##_forked

// A line longer than the UART's FIFO and the queue behind it together.
std::string command(u32 number) {
  return fmt::format("echo {}; i={}; echo $((i * 7)); echo E''ND\n", std::string(300, 'x'), number);
}

TEST_F(FleetTest, MachinesDoOnTheGpuWhatTheyDoOnTheCpu) {
  ASSERT_NE(booted_, nullptr);
  FORK(gpu, make_gpu_engine, .machines = 5, .texts = {"END", kPrompt});
  FORK(cpu, make_parallel_engine, .machines = 3, .texts = {"END", kPrompt});
  for (u32 vm = 0; vm < gpu.size(); ++vm) {
    ASSERT_GOOD(gpu.type(vm, command(vm)));
    if (vm % 2 == 1) ASSERT_GOOD(gpu.stop_after(vm, 200'000 + vm));
  }
  auto on_gpu = outcomes(gpu);
  ASSERT_GOOD(on_gpu);
  ASSERT_EQ(on_gpu->size(), 5u);
  for (const u32 vm : {0u, 1u, 4u}) {
    SCOPED_TRACE(vm);
    const u32 own = vm % 3;  // another number there
    const u32 only[] = {own};
    ASSERT_GOOD(cpu.reset(only));
    for (u32 other = 0; other < 3; ++other) {
      if (other != own) ASSERT_GOOD(cpu.park(other));
    }
    ASSERT_GOOD(cpu.type(own, command(vm)));
    if (vm % 2 == 1) ASSERT_GOOD(cpu.stop_after(own, 200'000 + vm));
    auto on_cpu = outcomes(cpu);
    ASSERT_GOOD(on_cpu);
    EXPECT_EQ((*on_gpu)[vm], (*on_cpu)[own]);
  }
  EXPECT_EQ((*on_gpu)[0].reason, StopReason::text);
  EXPECT_EQ((*on_gpu)[0].detail, 0u);
  EXPECT_THAT((*on_gpu)[4].console, HasSubstr("\r\n28\r\nEND"));
  EXPECT_EQ((*on_gpu)[3].reason, StopReason::instructions);
  EXPECT_EQ((*on_gpu)[3].instructions, 200'003u);

  // A machine that stopped goes on; one that is reset begins again, beside it.
  const u32 again[] = {1};
  ASSERT_GOOD(gpu.reset(again));
  ASSERT_GOOD(gpu.type(1, command(1)));
  ASSERT_GOOD(gpu.go_on(0));
  ASSERT_GOOD(gpu.go_on(3));
  auto later = outcomes(gpu);
  ASSERT_GOOD(later);
  EXPECT_EQ((*later)[0].console, std::string("\r\n") + kPrompt);
  EXPECT_THAT((*later)[1].console, HasSubstr("\r\n7\r\nEND"));
  EXPECT_THAT((*later)[3].console, HasSubstr("\r\n21\r\nEND"));
}

TEST_F(FleetTest, AMachineGoesOnElsewhereAndComesBack) {
  ASSERT_NE(booted_, nullptr);
  FORK(gpu, make_gpu_engine, .machines = 2, .texts = {"END"});
  FORK(cpu, make_cpu_engine, .machines = 1, .texts = {"END"});
  for (const u32 vm : {0u, 1u}) {
    ASSERT_GOOD(gpu.type(vm, "ls /proc | sort; echo E''ND\n"));
    ASSERT_GOOD(gpu.stop_after(vm, 300'000));
  }
  ASSERT_GOOD(outcomes(gpu));
  const Result<Snapshot> lifted = gpu.lift(1);
  ASSERT_GOOD(lifted);
  EXPECT_EQ(lifted->instructions, booted_->instructions + 300'000);
  ASSERT_GOOD(cpu.put_back(0, *lifted));
  ASSERT_GOOD(cpu.stop_after(0, 500'000));
  ASSERT_GOOD(cpu.go_on(0));
  ASSERT_GOOD(outcomes(cpu));
  const Result<Snapshot> further = cpu.lift(0);
  ASSERT_GOOD(further);
  ASSERT_GOOD(gpu.put_back(1, *further));
  ASSERT_GOOD(gpu.stop_after(0, 700'000));
  ASSERT_GOOD(gpu.stop_after(1, 700'000));
  ASSERT_GOOD(gpu.go_on(0));
  ASSERT_GOOD(gpu.go_on(1));
  auto there = outcomes(gpu);
  ASSERT_GOOD(there);
  EXPECT_EQ((*there)[0].instructions, 700'000u);
  EXPECT_EQ((*there)[0].hash, (*there)[1].hash);
}

void check_rewind(Fleet& fleet) {
  ASSERT_FALSE(fleet.rewind());
  for (u32 vm = 0; vm < fleet.size(); ++vm) {
    ASSERT_GOOD(fleet.type(vm, command(vm)));
    ASSERT_GOOD(fleet.stop_after(vm, 250'000));
  }
  ASSERT_GOOD(outcomes(fleet));
  ASSERT_GOOD(fleet.checkpoint());
  std::vector<std::map<u32, Outcome>> courses;
  for (int round = 0; round < 2; ++round) {
    for (u32 vm = 0; vm < fleet.size(); ++vm) {
      ASSERT_GOOD(fleet.stop_after(vm, 400'000));
      ASSERT_GOOD(fleet.go_on(vm));
    }
    auto course = outcomes(fleet);
    ASSERT_GOOD(course);
    courses.push_back(*course);
    ASSERT_GOOD(fleet.rewind());
    EXPECT_EQ(fleet.running(), 0u);
  }
  EXPECT_EQ(courses[0], courses[1]);
  EXPECT_EQ(courses[0][0].instructions, 400'000u);
}

TEST_F(FleetTest, AllGoBackToWhereTheyStoodOnTheCpu) {
  ASSERT_NE(booted_, nullptr);
  FORK(fleet, make_parallel_engine, .machines = 3, .texts = {});
  check_rewind(fleet);
}

TEST_F(FleetTest, AllGoBackToWhereTheyStoodOnTheGpu) {
  ASSERT_NE(booted_, nullptr);
  FORK(fleet, make_gpu_engine, .machines = 3, .texts = {});
  check_rewind(fleet);
}

TEST_F(FleetTest, MachinesWaitForMemoryAndNoneIsLost) {
  ASSERT_NE(booted_, nullptr);
  // Half of them have room at a time.
  FORK(gpu, make_gpu_engine, .machines = 6, .pool_pages = 50, .max_pool_pages = 130,
       .texts = {"END"});
  FORK(cpu, make_parallel_engine, .machines = 6, .texts = {"END"});
  std::map<u32, Outcome> expected;
  for (u32 vm = 0; vm < 6; ++vm) ASSERT_GOOD(cpu.type(vm, command(vm)));
  auto on_cpu = outcomes(cpu);
  ASSERT_GOOD(on_cpu);
  for (u32 vm = 0; vm < 6; ++vm) ASSERT_GOOD(gpu.type(vm, command(vm)));
  u32 most_waiting = 0;
  u32 ended = 0;
  while (gpu.running() != 0) {
    const auto stops = gpu.run();
    ASSERT_GOOD(stops);
    most_waiting = std::max(most_waiting, gpu.waiting_for_memory());
    for (const FleetStop& stop : *stops) {
      const Outcome& there = (*on_cpu)[stop.vm];
      EXPECT_EQ(stop.instructions, there.instructions);
      EXPECT_EQ(gpu.take_console(stop.vm), there.console);
      EXPECT_EQ(gpu.state_hashes({&stop.vm, 1})->front(), there.hash);
      // Its pages are for others.
      ASSERT_GOOD(gpu.reset({&stop.vm, 1}));
      ASSERT_GOOD(gpu.park(stop.vm));
      ++ended;
    }
  }
  EXPECT_EQ(ended, 6u);
  EXPECT_GE(most_waiting, 2u);
}

TEST_F(FleetTest, SaysThatAMachineIsIdle) {
  ASSERT_NE(booted_, nullptr);
  FORK(fleet, make_cpu_engine, .machines = 1, .texts = {}, .idle_us = 100'000);
  ASSERT_GOOD(fleet.type(0, "echo hello; sleep 0.01; echo there; sleep 3; echo late\n"));
  auto first = outcomes(fleet);
  ASSERT_GOOD(first);
  EXPECT_EQ((*first)[0].reason, StopReason::idle);
  EXPECT_THAT((*first)[0].console, HasSubstr("hello\r\nthere\r\n"));
  EXPECT_THAT((*first)[0].console, testing::Not(HasSubstr("\r\nlate")));
}

}  // namespace
}  // namespace rookery::test
