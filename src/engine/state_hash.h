// SPDX-License-Identifier: Apache-2.0
// The state hash: XXH3 over everything a machine is. Engines agree on it at equal hart.icount.
//
// The hash is the XXH3 of the state's words (without the host's own: run_state, exit arguments,
// wfi_exits) plus, modulo 2^64, the hash of each page of RAM that is not all zeros, seeded by its
// number. A sum, so that an engine may add pages in any order and keep the terms of pages that do
// not change.
#pragma once

#include <span>

#include "isa/state.h"

namespace rookery {

u64 hash_state(const isa::MachineState& state);

// The term of one page: 0 if all its bytes are.
u64 hash_page(u64 page_number, std::span<const u8, isa::PAGE_BYTES> page);

// The terms of `ram`, whose first page has number 0. The size is a multiple of a page.
u64 hash_ram(std::span<const u8> ram);

}  // namespace rookery
