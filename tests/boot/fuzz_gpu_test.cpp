// SPDX-License-Identifier: Apache-2.0
// Fuzzing (src/fuzz/fuzz.h) of the GPU engine against the CPU engine: nothing differs, and a fault
// planted in a shader is found, named and reduced.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "boot/test_engines.h"
#include "fuzz/fuzz.h"
#include "fuzz/fuzz_host.h"

namespace rookery::test {
namespace {

using testing::ContainsRegex;

constexpr u64 kInstructions = 10'000'000;

// Skips the test without an adapter.
#define FUZZ(name, ...)                                                 \
  QuietFuzzHost name##_host;                                            \
  const Result<fuzz::FuzzReport> name##_result =                        \
      fuzz::fuzz_engines(make_cpu_engine, __VA_ARGS__, name##_host);    \
  if (!name##_result && name##_result.error().kind == ErrorKind::usage) \
    GTEST_SKIP() << name##_result.error().text();                       \
  ASSERT_TRUE(name##_result) << name##_result.error().text();           \
  const fuzz::FuzzReport& name = *name##_result

TEST(FuzzGpu, FindsNothingWrongRv32) {
  FUZZ(report, make_gpu_engine, {.instructions = kInstructions * 3 / 4, .machines = 2048});
  EXPECT_FALSE(report.differs) << report.difference;
  EXPECT_GE(report.instructions, kInstructions * 3 / 4);
}

TEST(FuzzGpu, FindsNothingWrongRv64) {
  FUZZ(report, make_gpu_engine,
       {.xlen = Xlen::rv64, .instructions = kInstructions / 4, .machines = 2048});
  EXPECT_FALSE(report.differs) << report.difference;
  EXPECT_GE(report.instructions, kInstructions / 4);
}

TEST(FuzzGpu, FindsAndReducesAWrongSltu) {
  const auto faulty = [](const EngineConfig& config) {
    return make_faulty_gpu_engine(config, "xlen/32.wgsl", "return u32(a < b);",
                                  "return u32(a <= b);");
  };
  FUZZ(report, faulty, {.instructions = 500'000, .machines = 128});
  ASSERT_TRUE(report.differs);
  EXPECT_THAT(report.difference, ContainsRegex("to 1 step of this machine"));
  EXPECT_THAT(report.difference, ContainsRegex("at pc 0x[0-9a-f]+: 0x[0-9a-f]+  slti?u "));
}

// Stores to pages that may only be read.
TEST(FuzzGpu, FindsAWrongPageFault) {
  const auto faulty = [](const EngineConfig& config) {
    return make_faulty_gpu_engine(config, "mmu/translate.wgsl", "return (pte & PTE_W) != 0u;",
                                  "return (pte & (PTE_W | PTE_R)) != 0u;");
  };
  FUZZ(report, faulty, {.instructions = 1'000'000, .machines = 256});
  ASSERT_TRUE(report.differs);
  EXPECT_THAT(report.difference, ContainsRegex("to 1 step of this machine"));
  EXPECT_THAT(report.difference, ContainsRegex("page table entry at 0x8"));
}

}  // namespace
}  // namespace rookery::test
