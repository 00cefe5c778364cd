// SPDX-License-Identifier: Apache-2.0
// Random machines: RAM full of random instructions, page tables and data that all machines of a
// corpus share, and for each case a random state to start from. What they execute is meant to reach
// everything: valid and invalid encodings, CSRs, traps and returns in all modes, delegation, Sv32
// with good and bad page tables, atomics, self-modifying code, devices, timers. They seldom end by
// themselves: trap handlers set them off again somewhere else.
//
// Layout of RAM, in pages: 0 trap handlers; then code; then page tables; then data.
#pragma once

#include <vector>

#include "engine/engine.h"

namespace rookery::fuzz {

inline constexpr u32 kRamPages = 256;
inline constexpr u64 kRamBytes = u64{kRamPages} * isa::PAGE_BYTES;

// Cases are numbered from 0; so many that follow each other share a corpus.
inline constexpr u64 kCorpusCases = 16'384;

struct Corpus {
  Xlen xlen = Xlen::rv32;
  u64 seed = 0;
  u64 number = 0;
  std::vector<u8> ram;  // kRamBytes
};

// The corpus of case `number`. The same for the same width and seed, on every host.
Corpus make_corpus(Xlen xlen, u64 seed, u64 number);

// Where case `number`, which is one of this corpus, starts. Its RAM is the corpus'.
MachineState make_case(const Corpus& corpus, u64 number);

}  // namespace rookery::fuzz
