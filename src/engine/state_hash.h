// SPDX-License-Identifier: Apache-2.0
// The state hash: 64 bits over everything a machine is. Engines agree on it at equal hart.icount.
//
// It is a sum of terms: one for the state's words (those of the host count as 0) and one for each
// page of RAM that is not all zeros. A term is two XXH32 of the same bytes with different seeds,
// the page's number among them, and the two are summed separately modulo 2^32: arithmetic that a
// GPU has, in any order, and terms of pages that do not change may be kept. Host side of
// shaders/hash/state_hash.wgsl.
#pragma once

#include <array>
#include <span>

#include "isa/state.h"

namespace rookery {

// A term, or a sum of terms.
struct StateHash {
  u32 low = 0;
  u32 high = 0;

  u64 value() const { return (u64{high} << 32) | low; }
  StateHash& operator+=(const StateHash& term) {
    low += term.low;
    high += term.high;
    return *this;
  }
};

// The seeds of `low` and `high`, to which the number of a page of RAM is added, or kStateNumber,
// which no page has, for the state's words.
inline constexpr std::array<u32, 2> kHashSeeds = {0, 0x9e3779b9};
inline constexpr u32 kStateNumber = 0xffffffff;

// The words of State<U> that belong to the host, which engines need not agree on: run_state,
// exit_arg0, exit_arg1, wfi_exits. Indices into words(), ascending.
std::array<u32, 4> host_words(isa::Xlen xlen);

StateHash hash_state(const isa::MachineState& state);

// The term of one page: zero if all its bytes are.
StateHash hash_page(u32 page_number, std::span<const u8, isa::PAGE_BYTES> page);

// The terms of `ram`, whose first page has number 0. The size is a multiple of a page.
StateHash hash_ram(std::span<const u8> ram);

}  // namespace rookery
