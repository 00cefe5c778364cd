// SPDX-License-Identifier: Apache-2.0
// GPU only: how private pages lie in the pools.
//
// Neighbouring machines form groups of 1 << params.block_shift. A block of a pool has a page for each machine of one
// group, word by word in turn, so that neighbours who touch the same word of the same page touch one stretch of
// memory. The first page that each machine of a group stores to is in the group's first block, and so on.
//
// Who imports this declares params.block_shift.

#import "isa/constants.wgsl"
#import "memory/pools.wgsl"

const PAGE_WORD_SHIFT: u32 = 10u;

// Where the page of a machine in a block starts, as a word of the pool.
fn block_fold(block: u32, vm: u32) -> u32 {
  let lane = vm & ((1u << params.block_shift) - 1u);
  return (block << (PAGE_WORD_SHIFT + params.block_shift)) + (lane << BLOCK_RUN_SHIFT);
}

// A word of a page in a block, by its byte in the page.
fn block_word(fold: u32, offset: u32) -> u32 {
  let word = (offset & (PAGE_BYTES - 1u)) >> 2u;
  let run = word >> BLOCK_RUN_SHIFT;
  return fold + (run << (BLOCK_RUN_SHIFT + params.block_shift)) + (word & ((1u << BLOCK_RUN_SHIFT) - 1u));
}
