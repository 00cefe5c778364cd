// SPDX-License-Identifier: Apache-2.0
// Which machines are together at which step, from records written down here.
#include "debug/divergence.h"

#include <gtest/gtest.h>

namespace rookery {
namespace {

using Kind = TraceRecord::Kind;

// Commits at these addresses, from a step on.
std::vector<TraceRecord> commits(std::initializer_list<u64> addresses, u64 from = 0) {
  std::vector<TraceRecord> records;
  for (const u64 pc : addresses) {
    TraceRecord record;
    record.icount = from + records.size();
    record.pc = pc;
    records.push_back(record);
  }
  return records;
}

DivergenceReport compared(std::initializer_list<std::vector<TraceRecord>> lanes) {
  Divergence divergence(static_cast<u32>(lanes.size()));
  u32 lane = 0;
  for (const auto& records : lanes) divergence.add(lane++, records);
  for (u32 i = 0; i < lane; ++i) divergence.end(i);
  divergence.advance();
  return divergence.report();
}

TEST(Divergence, MachinesThatDoTheSameStayTogether) {
  const auto same = commits({0x100, 0x104, 0x108, 0x100, 0x104});
  const DivergenceReport report = compared({same, same, same});
  EXPECT_EQ(report.steps, 5u);
  EXPECT_EQ(report.lane_steps, 15u);
  EXPECT_EQ(report.groups, 5u);
  EXPECT_EQ(report.lanes(), 3.0);
  EXPECT_TRUE(report.splits.empty());
  ASSERT_EQ(report.blocks.size(), 1u);
  EXPECT_EQ(report.blocks[0].va, 0x100u);
  EXPECT_EQ(report.blocks[0].lane_steps, 15u);
}

TEST(Divergence, ASplitIsWhereTheyPartAndCountsTheFewer) {
  const auto taken = commits({0x100, 0x104, 0x200, 0x300});
  const auto other = commits({0x100, 0x104, 0x108, 0x300});
  const DivergenceReport report = compared({taken, other, taken, taken});
  ASSERT_EQ(report.splits.size(), 1u);
  EXPECT_EQ(report.splits[0].va, 0x104u);
  EXPECT_EQ(report.splits[0].times, 1u);
  EXPECT_EQ(report.splits[0].lanes, 1u);
  EXPECT_EQ(report.splits[0].first_step, 1u);
  // Two groups in the third step; in the fourth they have met again.
  EXPECT_EQ(report.lane_steps, 16u);
  EXPECT_EQ(report.groups, 5u);
}

TEST(Divergence, BlocksBeginWhereSomethingLeads) {
  auto records = commits({0x100, 0x104, 0x400, 0x404});
  records[1].kind = Kind::exception;  // at 0x104, to a handler at 0x400
  TraceRecord interrupt;
  interrupt.kind = Kind::interrupt;
  interrupt.icount = 4;
  interrupt.pc = 0x408;
  records.push_back(interrupt);
  const auto handler = commits({0x408}, 4);  // what it was to execute anyway
  records.insert(records.end(), handler.begin(), handler.end());
  const DivergenceReport report = compared({records});
  ASSERT_EQ(report.blocks.size(), 3u);
  EXPECT_EQ(report.blocks[0].va, 0x100u);
  EXPECT_EQ(report.blocks[1].va, 0x400u);
  EXPECT_EQ(report.blocks[2].va, 0x408u);
  EXPECT_EQ(report.blocks[2].lane_steps, 1u);
  EXPECT_EQ(report.steps, 5u);
}

TEST(Divergence, OneThatIsOverLeavesTheOthersTogether) {
  const DivergenceReport report = compared(
      {commits({0x100, 0x104}), commits({0x100, 0x104, 0x108}), commits({0x100, 0x104, 0x108})});
  EXPECT_EQ(report.steps, 3u);
  EXPECT_EQ(report.lane_steps, 8u);
  EXPECT_EQ(report.groups, 3u);
  EXPECT_TRUE(report.splits.empty());
}

// Where the records are cut changes nothing.
TEST(Divergence, RecordsComeInPieces) {
  std::vector<TraceRecord> one;
  std::vector<TraceRecord> other;
  for (u64 step = 0; step < 1000; ++step) {
    TraceRecord record;
    record.icount = step;
    record.pc = 0x100 + 4 * (step * 7 % 13);
    one.push_back(record);
    if (step % 50 > 40) record.pc += 0x1000;
    other.push_back(record);
  }
  const DivergenceReport whole = compared({one, other});
  EXPECT_EQ(whole.lane_steps, 2000u);
  EXPECT_EQ(whole.groups, 1000u + 180);
  Divergence divergence(2);
  for (u64 at = 0; at < 1000; at += 10) {
    divergence.add(0, std::span(one).subspan(at, 10));
    if (at % 30 == 0) divergence.advance();
    divergence.add(1, std::span(other).subspan(at, 10));
    divergence.advance();
  }
  divergence.end(0);
  divergence.end(1);
  divergence.advance();
  const DivergenceReport pieces = divergence.report();
  EXPECT_EQ(pieces.steps, whole.steps);
  EXPECT_EQ(pieces.lane_steps, whole.lane_steps);
  EXPECT_EQ(pieces.groups, whole.groups);
  ASSERT_EQ(pieces.splits.size(), whole.splits.size());
  for (std::size_t i = 0; i < whole.splits.size(); ++i) {
    EXPECT_EQ(pieces.splits[i].va, whole.splits[i].va);
    EXPECT_EQ(pieces.splits[i].times, whole.splits[i].times);
  }
}

}  // namespace
}  // namespace rookery
