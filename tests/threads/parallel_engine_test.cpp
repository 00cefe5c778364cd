// SPDX-License-Identifier: Apache-2.0
// The engine that a fleet has on the CPU: machines on several threads, of which none may feel the
// others. Each of them runs another number of steps.
#include <algorithm>
#include <memory>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bench/measure.h"
#include "engine/checkpoint.h"
#include "engine/cpu/cpu_engine.h"
#include "fleet/parallel_engine.h"

namespace rookery {
namespace {

constexpr u32 kThreads = 3;
constexpr u32 kMachines = 8;
constexpr u64 kSlice = 20'000;

class ParallelEngineTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto kernel = std::ranges::find_if(bench_kernels(), [](const BenchKernel& found) {
      return found.name == "integer" && found.flavour == "sv32";
    });
    auto workload = bench::plan_kernel(*kernel);
    ASSERT_TRUE(workload) << workload.error().text();
    workload_ = *std::move(workload);
  }

  std::unique_ptr<Engine> make(u32 machines) {
    auto engine = create_parallel_engine(bench::engine_config(workload_, machines),
                                         create_cpu_engine, kThreads);
    if (!engine || !bench::load(**engine, workload_, false)) return nullptr;
    return *std::move(engine);
  }

  // The hash after each machine's own number of steps, by itself and on this thread alone.
  std::vector<u64> hashes_alone() {
    std::vector<u64> hashes;
    for (u32 vm = 0; vm < kMachines; ++vm) {
      auto engine = create_cpu_engine(bench::engine_config(workload_, 1));
      if (!engine || !bench::load(**engine, workload_, false)) return {};
      if (!bench::run_exactly(**engine, steps_of(vm))) return {};
      hashes.push_back((*engine)->state_hash(0).value_or(0));
    }
    return hashes;
  }

  static u64 steps_of(u32 vm) { return kSlice * (vm + 1) + vm; }

  bench::Workload workload_;
};

// Runs all machines to steps_of() each, in slices.
void run_all(Engine& engine) {
  for (u32 vm = 0; vm < kMachines; ++vm) {
    auto state = engine.read_state(vm);
    ASSERT_TRUE(state);
    ASSERT_TRUE(engine.stop_at(vm, icount_of(*state) + kSlice * (vm + 1) + vm));
  }
  for (u32 stopped = 0; stopped < kMachines;) {
    auto report = engine.run(kSlice);
    ASSERT_TRUE(report) << report.error().text();
    for (const Exit& exit : report->exits) stopped += exit.reason == isa::EXIT_COUNT ? 1 : 0;
  }
}

TEST_F(ParallelEngineTest, MachinesAreWhatTheyAreAlone) {
  const auto engine = make(kMachines);
  ASSERT_NE(engine, nullptr);
  run_all(*engine);
  std::vector<u32> all(kMachines);
  for (u32 vm = 0; vm < kMachines; ++vm) all[vm] = vm;
  auto hashes = engine->state_hashes(all);
  ASSERT_TRUE(hashes);
  EXPECT_EQ(*hashes, hashes_alone());
  EXPECT_THAT(*hashes, testing::Each(testing::Ne(0)));
}

TEST_F(ParallelEngineTest, MachinesThatAreResetGoTheSameWay) {
  const auto engine = make(kMachines);
  ASSERT_NE(engine, nullptr);
  auto loaded = take_loaded_machine(*engine, 0);
  ASSERT_TRUE(loaded) << loaded.error().text();
  std::vector<u32> all(kMachines);
  for (u32 vm = 0; vm < kMachines; ++vm) all[vm] = vm;
  std::vector<u64> before;
  for (u32 round = 0; round < 3; ++round) {
    run_all(*engine);
    auto hashes = engine->state_hashes(all);
    ASSERT_TRUE(hashes);
    if (round > 0) {
      EXPECT_EQ(*hashes, before);
    }
    before = *hashes;
    ASSERT_TRUE(engine->reset(all, *loaded));
  }
}

}  // namespace
}  // namespace rookery
