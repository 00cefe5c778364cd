// SPDX-License-Identifier: Apache-2.0
// How far machines that run side by side stay together, from the records of their traces: at every
// step, which of them are at the same instruction. A machine's step is its hart.icount, as a GPU's
// lanes make theirs at the same time.
//
// Not thread-safe.
#pragma once

#include <map>
#include <span>
#include <vector>

#include "engine/trace.h"

namespace rookery {

struct DivergenceReport {
  // Code from where a branch, jump or trap led to up to the next one that leads elsewhere.
  struct Block {
    u64 va = 0;
    u64 lane_steps = 0;  // by all machines together
    u64 groups = 0;      // how often machines, one or more at once, were at one of its instructions
    double lanes() const {  // together on the average
      return groups == 0 ? 0 : static_cast<double>(lane_steps) / static_cast<double>(groups);
    }
  };
  // An instruction from which machines that were there together went different ways.
  struct Split {
    u64 va = 0;
    u64 times = 0;
    u64 lanes = 0;  // that went another way than most, all times together
    u64 first_step = 0;
  };

  u64 steps = 0;  // that the machines were compared over
  u64 lane_steps = 0;
  u64 groups = 0;
  std::vector<Block> blocks;  // most lane_steps first
  std::vector<Split> splits;  // most lanes first
  double lanes() const {
    return groups == 0 ? 0 : static_cast<double>(lane_steps) / static_cast<double>(groups);
  }
};

class Divergence {
 public:
  explicit Divergence(u32 lanes) : lanes_(lanes) {}

  // What a machine did next: commits and exceptions, none left out. Interrupts are passed over.
  void add(u32 lane, std::span<const TraceRecord> records);
  // The machine will do nothing more.
  void end(u32 lane) { lanes_[lane].ended = true; }
  // Compares as many steps as all machines that go on have made.
  void advance();

  DivergenceReport report() const;

 private:
  struct Step {
    u64 number;
    u64 pc;
    u64 block;
  };
  struct Lane {
    std::vector<Step> steps;
    std::size_t next = 0;  // of `steps`, not yet compared
    u64 block = 0;
    u64 expected_pc = 0;  // if it stays in the block
    bool in_block = false;
    bool ended = false;
  };
  // A machine at the step that is compared.
  struct Present {
    u64 pc;
    u64 next_pc;
    u64 block;
    bool goes_on;  // next_pc is known
  };

  void compare(u64 step, std::vector<Present>& present);

  std::vector<Lane> lanes_;
  std::map<u64, DivergenceReport::Block> blocks_;
  std::map<u64, DivergenceReport::Split> splits_;
  u64 steps_ = 0;
};

}  // namespace rookery
