// SPDX-License-Identifier: Apache-2.0
// Every program of tests/bare on the CPU engine, where it has to pass, and on the GPU engine, which
// has to be in the same state as the CPU engine at every stride and at the end. On a software
// adapter long programs are compared for their first kSoftwareSteps steps; the test's output says
// which.
#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "boot/bare_programs.h"
#include "boot/test_engines.h"
#include "debug/compare_engines.h"
#include "engine/whole_machine.h"

namespace rookery::test {
namespace {

constexpr u64 kSoftwareSteps = 1'000'000;
constexpr u64 kStrides = 12;     // of each program
constexpr u64 kMinStride = 101;  // prime: it falls on no loop's own length
constexpr u32 kPassed = 1;       // what a program writes to tohost

bool passed(const std::optional<Exit>& exit) {
  return exit && exit->reason == isa::EXIT_HTIF && exit->arg0 == kPassed && exit->arg1 == 0;
}

void run_on_cpu(Xlen xlen) {
  const std::vector<BareProgram> all = bare_programs(xlen);
  if (all.empty()) GTEST_SKIP() << "No bare programs were built: there is no cross compiler.";
  for (const BareProgram& program : all) {
    SCOPED_TRACE(program.name);
    const Result<WholeMachine> machine = load(program);
    ASSERT_TRUE(machine) << machine.error().text();
    auto engine = make_cpu_engine({.xlen = xlen, .ram_bytes = kBareRamBytes});
    ASSERT_TRUE(engine) << engine.error().text();
    ASSERT_TRUE(put_machine(**engine, 0, *machine));
    const Result<Stop> stop = run_until(**engine, 0, program.steps);
    ASSERT_TRUE(stop) << stop.error().text();
    EXPECT_TRUE(passed(stop->exit))
        << "after " << *icount(**engine, 0) << " steps; it printed: " << stop->console;
  }
}

TEST(BareCpu, EveryRv32ProgramPasses) { run_on_cpu(Xlen::rv32); }
TEST(BareCpu, EveryRv64ProgramPasses) { run_on_cpu(Xlen::rv64); }

void run_on_gpu(Xlen xlen) {
  const std::vector<BareProgram> all = bare_programs(xlen);
  if (all.empty()) GTEST_SKIP() << "No bare programs were built: there is no cross compiler.";
  const EngineConfig config = {.xlen = xlen, .ram_bytes = kBareRamBytes};
  auto gpu = make_gpu_engine(config);
  if (!gpu && gpu.error().kind == ErrorKind::usage) GTEST_SKIP() << gpu.error().text();
  ASSERT_TRUE(gpu) << gpu.error().text();
  auto cpu = make_cpu_engine(config);
  ASSERT_TRUE(cpu) << cpu.error().text();
  u64 all_steps = 0;
  for (const BareProgram& program : all) {
    SCOPED_TRACE(program.name);
    const Result<WholeMachine> machine = load(program);
    ASSERT_TRUE(machine) << machine.error().text();
    ASSERT_TRUE(put_machine(**cpu, 0, *machine));
    const Result<Stop> stop = run_until(**cpu, 0, program.steps);
    ASSERT_TRUE(stop) << stop.error().text();
    const u64 steps = *icount(**cpu, 0);

    CompareOptions options;
    options.stride = std::max(steps / kStrides, kMinStride);
    options.max_steps = program.steps;
    if (is_software(tested_adapter()) && steps > kSoftwareSteps) {
      options.max_steps = kSoftwareSteps;
      std::cout << fmt::format("{}: the first {} of {} steps, on a software adapter.\n",
                               program.name, kSoftwareSteps, steps);
    }
    Result<void> ok = put_machine(**cpu, 0, *machine);
    if (ok) ok = put_machine(**gpu, 0, *machine);
    ASSERT_TRUE(ok) << ok.error().text();
    const Comparison comparison = compare_engines(**cpu, **gpu, options);
    EXPECT_EQ(comparison.difference, "");
    if (options.max_steps > steps) {
      EXPECT_TRUE(passed(comparison.exit)) << "after " << comparison.steps << " steps";
    }
    all_steps += comparison.steps;
  }
  std::cout << fmt::format("{} programs of RV{}, {} steps on {}.\n", all.size(),
                           static_cast<u32>(xlen), all_steps, (*gpu)->name());
}

TEST(BareGpuRv32, EveryProgramIsTheSameAsOnTheCpu) { run_on_gpu(Xlen::rv32); }
TEST(BareGpuRv64, EveryProgramIsTheSameAsOnTheCpu) { run_on_gpu(Xlen::rv64); }

}  // namespace
}  // namespace rookery::test
