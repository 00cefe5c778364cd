// SPDX-License-Identifier: Apache-2.0
// What a profiled machine did, as counts. Both engines count the same (shaders/hooks/profile.wgsl).
#pragma once

#include <array>
#include <span>
#include <vector>

#include "base/types.h"

namespace rookery {

struct Profile {
  // Code from where a branch, jump or trap led to up to the next one that leads elsewhere.
  struct Block {
    u64 va = 0;
    u64 times = 0;
    u64 steps = 0;  // made in it, all times together
    bool operator==(const Block&) const = default;
  };

  // Instructions that retired.
  u64 alu = 0;
  u64 muldiv = 0;
  u64 loads = 0;
  u64 stores = 0;
  u64 atomics = 0;
  u64 branches = 0;
  u64 jumps = 0;
  u64 csrs = 0;
  u64 system = 0;
  u64 fences = 0;

  u64 taken = 0;                        // of the branches
  std::array<u64, 3> tlb_misses = {};   // fetch, load, store
  std::array<u64, 16> exceptions = {};  // by cause
  std::array<u64, 16> interrupts = {};
  std::vector<Block> blocks;  // most steps first
  // Blocks that the table had no place for: how often, and their steps.
  u64 lost_blocks = 0;
  u64 lost_steps = 0;

  u64 retired() const {
    return alu + muldiv + loads + stores + atomics + branches + jumps + csrs + system + fences;
  }
  bool operator==(const Profile&) const = default;
};

// What isa::PROFILE_WORDS words of an engine say.
Profile profile_of(std::span<const u32> words);

}  // namespace rookery
