// SPDX-License-Identifier: Apache-2.0
// GPU only: makes pages of guest RAM private.
//
// Who imports this declares params (base_map, and what memory/block_supply.wgsl wants), base, page_map, host_io and
// control (memory/bindings.wgsl).

#import "memory/block_supply.wgsl"
#import "memory/opaque_count.wgsl"

// Gives a machine whose pool is chosen a copy of a page that it shares with others. The block that it is in, or 0:
// block_refusal says why.
fn page_copy(vm: u32, number: u32) -> u32 {
  let block = block_take(vm);
  if (block == 0u) {
    return 0u;
  }
  let copy = block_fold(block, vm);
  let original = base[params.base_map + number] << PAGE_WORD_SHIFT;
  let words = opaque_count(PAGE_WORDS);
  for (var i = 0u; i < words; i++) {
    pool_store(block_word(copy, i << 2u), base[original + i]);
  }
  page_map[(number * params.vm_count) + vm] = block;
  return block;
}
