// SPDX-License-Identifier: Apache-2.0
// Profiles (Engine::set_profile()) are the same on both engines and agree with the trace; and a
// profile changes nothing.
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "boot/bare_programs.h"
#include "boot/test_engines.h"
#include "debug/compare_engines.h"
#include "engine/whole_machine.h"

namespace rookery::test {
namespace {

using Kind = TraceRecord::Kind;

#define ASSERT_GOOD(expression)                                  \
  if (const auto& good_result = (expression); !good_result) {    \
    FAIL() << #expression << ": " << good_result.error().text(); \
  }

struct Profiled {
  Profile profile;
  u64 hash = 0;
  u64 icount = 0;
  std::vector<TraceRecord> records;  // if it was traced too
};

// In pieces, for where a run is cut must not matter.
Result<Profiled> profiled(Engine& engine, const WholeMachine& machine, u64 target, u64 piece,
                          bool traces) {
  Result<void> ok = put_machine(engine, 0, machine);
  if (ok) ok = engine.set_profile(0, true);
  if (ok) ok = engine.set_trace(0, traces ? std::optional(TraceOptions{}) : std::nullopt);
  if (!ok) return std::unexpected(std::move(ok.error()));
  Profiled result;
  bool exited = false;
  while (!exited) {
    const Result<u64> now = icount(engine, 0);
    if (!now) return std::unexpected(now.error());
    result.icount = *now;
    if (*now >= target) break;
    const Result<RunReport> report = engine.run(std::min(piece, target - *now));
    if (!report) return std::unexpected(report.error());
    for (const TraceRecord& record : engine.take_trace(0)) result.records.push_back(record);
    engine.take_console(0);
    exited = !report->exits.empty();
  }
  result.icount = *icount(engine, 0);
  const Result<Profile> profile = engine.read_profile(0);
  if (!profile) return std::unexpected(profile.error());
  result.profile = *profile;
  result.hash = *engine.state_hash(0);
  ok = engine.set_profile(0, false);
  if (ok) ok = engine.set_trace(0, std::nullopt);
  if (!ok) return std::unexpected(std::move(ok.error()));
  return result;
}

// What the records of a run say about it.
void expect_agrees(const Profile& profile, const std::vector<TraceRecord>& records, u64 steps) {
  u64 retired = 0;
  u64 loads = 0;
  u64 stores = 0;
  u64 exceptions = 0;
  u64 interrupts = 0;
  for (const TraceRecord& record : records) {
    const u32 opcode = (record.ins >> 2) & 31;
    retired += record.kind == Kind::commit ? 1 : 0;
    loads += record.kind == Kind::commit && opcode == 0 ? 1 : 0;
    stores += record.kind == Kind::commit && opcode == 8 ? 1 : 0;
    exceptions += record.kind == Kind::exception ? 1 : 0;
    interrupts += record.kind == Kind::interrupt ? 1 : 0;
  }
  EXPECT_EQ(profile.retired(), retired);
  EXPECT_EQ(profile.loads, loads);
  EXPECT_EQ(profile.stores, stores);
  EXPECT_LE(profile.taken, profile.branches);
  u64 counted_exceptions = 0;
  u64 counted_interrupts = 0;
  for (const u64 count : profile.exceptions) counted_exceptions += count;
  for (const u64 count : profile.interrupts) counted_interrupts += count;
  EXPECT_EQ(counted_exceptions, exceptions);
  EXPECT_EQ(counted_interrupts, interrupts);
  // All steps are in blocks, but for those of the one that was being executed.
  u64 in_blocks = profile.lost_steps;
  for (const Profile::Block& block : profile.blocks) in_blocks += block.steps;
  EXPECT_LE(in_blocks, steps);
  EXPECT_GE(in_blocks + 1024, steps);
}

void compare_profiles(Xlen xlen) {
  const std::vector<BareProgram> all = bare_programs(xlen);
  if (all.empty()) GTEST_SKIP() << "No bare programs were built: there is no cross compiler.";
  const EngineConfig config = {.xlen = xlen, .ram_bytes = kBareRamBytes};
  auto gpu = make_gpu_engine(config);
  if (!gpu && gpu.error().kind == ErrorKind::usage) GTEST_SKIP() << gpu.error().text();
  ASSERT_GOOD(gpu);
  auto cpu = make_cpu_engine(config);
  ASSERT_GOOD(cpu);
  const u64 steps = is_software(tested_adapter()) ? 8'000 : 1'000'000;
  u64 misses = 0;
  for (const BareProgram& program : all) {
    SCOPED_TRACE(program.name);
    const Result<WholeMachine> machine = load(program);
    ASSERT_GOOD(machine);
    ASSERT_GOOD(put_machine(**cpu, 0, *machine));
    ASSERT_GOOD(run_until(**cpu, 0, steps));
    const u64 plain_hash = *(*cpu)->state_hash(0);
    const Result<Profiled> traced = profiled(**cpu, *machine, steps, 1'000'000, true);
    ASSERT_GOOD(traced);
    const Result<Profiled> expected = profiled(**cpu, *machine, steps, 997, false);
    ASSERT_GOOD(expected);
    const Result<Profiled> actual = profiled(**gpu, *machine, steps, 3'001, false);
    ASSERT_GOOD(actual);
    EXPECT_EQ(traced->hash, plain_hash);
    EXPECT_EQ(actual->hash, plain_hash);
    EXPECT_TRUE(traced->profile == expected->profile);
    expect_agrees(traced->profile, traced->records, traced->icount);
    EXPECT_TRUE(expected->profile == actual->profile);
    EXPECT_EQ(expected->profile.retired(), actual->profile.retired());
    EXPECT_EQ(expected->profile.tlb_misses, actual->profile.tlb_misses);
    EXPECT_EQ(expected->profile.blocks.size(), actual->profile.blocks.size());
    for (const u64 count : actual->profile.tlb_misses) misses += count;
  }
  EXPECT_GT(misses, 0u);
}

TEST(ProfileRv32, BareProgramsHaveTheSameCounts) { compare_profiles(Xlen::rv32); }
TEST(ProfileRv64, BareProgramsHaveTheSameCounts) { compare_profiles(Xlen::rv64); }

}  // namespace
}  // namespace rookery::test
