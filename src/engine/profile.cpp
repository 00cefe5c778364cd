// SPDX-License-Identifier: Apache-2.0
#include "engine/profile.h"

#include <algorithm>
#include <tuple>

#include "isa/constants.h"

namespace rookery {

static_assert(isa::PROFILE_WORDS ==
              isa::PROFILE_TABLE + isa::PROFILE_BLOCKS * isa::PROFILE_BLOCK_WORDS);

Profile profile_of(std::span<const u32> words) {
  const auto count = [&](u32 at) { return (u64{words[at + 1]} << 32) | words[at]; };
  Profile profile;
  profile.alu = count(isa::PROFILE_ALU);
  profile.muldiv = count(isa::PROFILE_MULDIV);
  profile.loads = count(isa::PROFILE_LOAD);
  profile.stores = count(isa::PROFILE_STORE);
  profile.atomics = count(isa::PROFILE_ATOMIC);
  profile.branches = count(isa::PROFILE_BRANCH);
  profile.jumps = count(isa::PROFILE_JUMP);
  profile.csrs = count(isa::PROFILE_CSR);
  profile.system = count(isa::PROFILE_SYSTEM);
  profile.fences = count(isa::PROFILE_FENCE);
  profile.taken = count(isa::PROFILE_TAKEN);
  for (u32 i = 0; i < profile.tlb_misses.size(); ++i)
    profile.tlb_misses[i] = count(isa::PROFILE_TLB_MISSES + 2 * i);
  for (u32 i = 0; i < profile.exceptions.size(); ++i) {
    profile.exceptions[i] = count(isa::PROFILE_EXCEPTIONS + 2 * i);
    profile.interrupts[i] = count(isa::PROFILE_INTERRUPTS + 2 * i);
  }
  profile.lost_blocks = count(isa::PROFILE_LOST);
  profile.lost_steps = count(isa::PROFILE_LOST_STEPS);
  for (u32 i = 0; i < isa::PROFILE_BLOCKS; ++i) {
    const u32 at = isa::PROFILE_TABLE + i * isa::PROFILE_BLOCK_WORDS;
    const Profile::Block block{count(at), count(at + 2), count(at + 4)};
    if (block.times != 0) profile.blocks.push_back(block);
  }
  std::sort(profile.blocks.begin(), profile.blocks.end(),
            [](const Profile::Block& one, const Profile::Block& other) {
              return std::tie(other.steps, one.va) < std::tie(one.steps, other.va);
            });
  return profile;
}

}  // namespace rookery
