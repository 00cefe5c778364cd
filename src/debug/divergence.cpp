// SPDX-License-Identifier: Apache-2.0
#include "debug/divergence.h"

#include <algorithm>
#include <limits>
#include <tuple>

namespace rookery {
namespace {

constexpr u64 kInstructionBytes = 4;

}  // namespace

void Divergence::add(u32 lane, std::span<const TraceRecord> records) {
  Lane& to = lanes_[lane];
  for (const TraceRecord& record : records) {
    if (record.kind == TraceRecord::Kind::interrupt) {
      to.in_block = false;
      continue;
    }
    if (!to.in_block || record.pc != to.expected_pc) to.block = record.pc;
    to.expected_pc = record.pc + kInstructionBytes;
    to.in_block = record.kind == TraceRecord::Kind::commit;
    to.steps.push_back({record.icount, record.pc, to.block});
  }
}

void Divergence::advance() {
  constexpr u64 kNever = std::numeric_limits<u64>::max();
  // Where a machine goes after a step is known from the step after it.
  u64 end = kNever;
  for (const Lane& lane : lanes_) {
    if (!lane.ended) end = std::min(end, lane.steps.empty() ? 0 : lane.steps.back().number);
  }
  const auto next_step = [&] {
    u64 step = kNever;
    for (const Lane& lane : lanes_) {
      if (lane.next < lane.steps.size()) step = std::min(step, lane.steps[lane.next].number);
    }
    return step;
  };
  std::vector<Present> present;
  for (u64 step = next_step(); step < end; step = next_step()) {
    present.clear();
    for (Lane& lane : lanes_) {
      if (lane.next == lane.steps.size() || lane.steps[lane.next].number != step) continue;
      const Step& here = lane.steps[lane.next];
      lane.next += 1;
      const bool goes_on = lane.next < lane.steps.size();
      present.push_back({here.pc, goes_on ? lane.steps[lane.next].pc : 0, here.block, goes_on});
    }
    compare(step, present);
  }
  for (Lane& lane : lanes_) {
    lane.steps.erase(lane.steps.begin(), lane.steps.begin() + static_cast<i64>(lane.next));
    lane.next = 0;
  }
}

void Divergence::compare(u64 step, std::vector<Present>& present) {
  const auto same_way = [](const Present& one, const Present& other) {
    return one.pc == other.pc && one.next_pc == other.next_pc && one.goes_on == other.goes_on;
  };
  steps_ += 1;
  const bool all_alike = std::ranges::all_of(
      present, [&](const Present& other) { return same_way(present.front(), other); });
  if (!all_alike) {
    std::ranges::sort(present, {}, [](const Present& one) {
      return std::tuple(one.pc, one.goes_on, one.next_pc);
    });
  }
  for (auto at = present.begin(); at != present.end();) {
    const auto group_end =
        std::find_if(at, present.end(), [&](const Present& other) { return other.pc != at->pc; });
    const auto lanes = static_cast<u64>(group_end - at);
    DivergenceReport::Block& block = blocks_[at->block];
    block.va = at->block;
    block.lane_steps += lanes;
    block.groups += 1;
    // Of those that go on, how many take the way that most take?
    u64 most = 0;
    u64 going_on = 0;
    for (auto way = at; way != group_end;) {
      const auto way_end = std::find_if(
          way, group_end, [&](const Present& other) { return !same_way(*way, other); });
      if (way->goes_on) {
        const auto count = static_cast<u64>(way_end - way);
        most = std::max(most, count);
        going_on += count;
      }
      way = way_end;
    }
    if (most != going_on) {
      DivergenceReport::Split& split = splits_[at->pc];
      if (split.times == 0) split = {.va = at->pc, .first_step = step};
      split.times += 1;
      split.lanes += going_on - most;
    }
    at = group_end;
  }
}

DivergenceReport Divergence::report() const {
  DivergenceReport report;
  report.steps = steps_;
  for (const auto& [va, block] : blocks_) {
    report.lane_steps += block.lane_steps;
    report.groups += block.groups;
    report.blocks.push_back(block);
  }
  for (const auto& [va, split] : splits_) report.splits.push_back(split);
  std::ranges::stable_sort(report.blocks, std::greater(), &DivergenceReport::Block::lane_steps);
  std::ranges::stable_sort(report.splits, std::greater(), &DivergenceReport::Split::lanes);
  return report;
}

}  // namespace rookery
