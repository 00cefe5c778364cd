// SPDX-License-Identifier: Apache-2.0
// CPU engines side by side, each on a thread of its own, as `rookery bench` runs them: nothing that
// they share may be written while they run, and none may feel the others.
#include <algorithm>
#include <atomic>
#include <latch>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bench/measure.h"
#include "engine/cpu/cpu_engine.h"

namespace rookery {
namespace {

using testing::Each;

constexpr u32 kThreads = 4;
constexpr u64 kSteps = 200'000;

bench::Workload integer_kernel() {
  const auto found = std::ranges::find_if(bench_kernels(), [](const BenchKernel& kernel) {
    return kernel.name == "integer" && kernel.flavour == "sv32";
  });
  auto workload = bench::plan_kernel(*found);
  EXPECT_TRUE(workload) << workload.error().text();
  return *std::move(workload);
}

// The state hash after kSteps of a fresh machine, or 0.
u64 hash_of_a_run(const bench::Workload& workload) {
  auto engine = create_cpu_engine(bench::engine_config(workload, 1));
  if (!engine || !bench::load(**engine, workload, false)) return 0;
  if (!bench::run_exactly(**engine, kSteps)) return 0;
  return (*engine)->state_hash(0).value_or(0);
}

TEST(CpuEnginesTest, ComputeTheSameSideBySideAsAlone) {
  const bench::Workload workload = integer_kernel();
  std::vector<u64> hashes(kThreads);
  {
    std::latch start(kThreads);
    std::vector<std::jthread> threads;
    for (u64& hash : hashes) {
      threads.emplace_back([&] {
        start.arrive_and_wait();  // the first engines of the process are made at the same time
        hash = hash_of_a_run(workload);
      });
    }
  }
  const u64 alone = hash_of_a_run(workload);
  EXPECT_NE(alone, 0u);
  EXPECT_THAT(hashes, Each(alone));
}

TEST(CpuEnginesTest, MeasureOnSeveralThreads) {
  bench::MeasureOptions options;
  options.seconds = 0.05;
  auto speed = bench::measure_cpu(integer_kernel(), kThreads, options);
  ASSERT_TRUE(speed) << speed.error().text();
  EXPECT_GT(speed->median, 0);
}

TEST(CpuEnginesTest, AllThreadsStopWhenAsked) {
  std::atomic<u32> asked = 0;
  bench::MeasureOptions options;
  options.seconds = 1000;
  options.stop_requested = [&] { return ++asked > 2 * kThreads; };
  EXPECT_FALSE(bench::measure_cpu(integer_kernel(), kThreads, options));
}

}  // namespace
}  // namespace rookery
