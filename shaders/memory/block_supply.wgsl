// SPDX-License-Identifier: Apache-2.0
// GPU only: how machines come by blocks (memory/blocks.wgsl) and give them back.
//
// `control` has an entry for each block that a group of machines may come to have: the block, and how many of the
// group have a page in it.
//
// Who imports this declares params (vm_count, ram_pages, block_shift, pool_blocks), host_io and control
// (memory/bindings.wgsl).

#import "memory/blocks.wgsl"

// Why block_take() found no page.
const BLOCK_COMING: u32 = 0u;  // a neighbour is about to have the block: the next try will find it
const BLOCK_NONE: u32 = 1u;    // the pool is full

var<private> block_refusal: u32;

// The entry of the block with page number `index`, in the order of coming, of a machine.
fn block_entry(vm: u32, index: u32) -> u32 {
  let table = CONTROL_EXITS + (params.vm_count * (EXIT_WORDS + 1u));
  return table + ((vm >> params.block_shift) * params.ram_pages) + index;
}

// A block of the chosen pool, or 0: the pool is full, and the host grows it or stops the machine.
//
// Blocks that were given back (block_release()) come first. Nobody adds to their stack while machines run, so
// nobody finds a place of it empty that the count says is filled. A count that was taken too far is put right at
// once; meanwhile others may miss a block that is there, and are stopped for nothing, at worst.
fn pool_take() -> u32 {
  let free = CONTROL_POOL_FREE + pool_number;
  let count = bitcast<i32>(atomicSub(&control[free], 1u));
  if (count > 0) {
    return pool_load(u32(count) - 1u);
  }
  atomicAdd(&control[free], 1u);
  let next = CONTROL_POOL_NEXT + pool_number;
  let block = atomicAdd(&control[next], 1u);
  if (block < params.pool_blocks[pool_number]) {
    return block;
  }
  atomicSub(&control[next], 1u);
  return 0u;
}

// The block with one more page for a machine whose pool is chosen, or 0: block_refusal says why.
fn block_take(vm: u32) -> u32 {
  let pages = (vm * HOST_IO_WORDS) + HOST_PAGES;
  let entry = block_entry(vm, host_io[pages]);
  let before = atomicAdd(&control[entry], 1u);
  var block = before >> BLOCK_USER_BITS;
  // Who comes first gets the block for all; nobody waits for it.
  block_refusal = BLOCK_NONE;
  if (before == 0u) {
    block = pool_take();
    atomicAdd(&control[entry], block << BLOCK_USER_BITS);
  }
  // Lanes of a subgroup have it now, and go on side by side.
  if ((block == 0u) && (before != 0u)) {
    block = atomicLoad(&control[entry]) >> BLOCK_USER_BITS;
    block_refusal = BLOCK_COMING;
  }
  if (block == 0u) {
    atomicSub(&control[entry], 1u);
    return 0u;
  }
  host_io[pages] += 1u;
  return block;
}

// Gives back all pages of a machine whose pool is chosen. Not while machines run.
fn block_release(vm: u32) {
  let pages = (vm * HOST_IO_WORDS) + HOST_PAGES;
  for (var index = host_io[pages]; index != 0u; index--) {
    let entry = block_entry(vm, index - 1u);
    let before = atomicSub(&control[entry], 1u);
    if ((before & ((1u << BLOCK_USER_BITS) - 1u)) == 1u) {
      atomicStore(&control[entry], 0u);
      pool_store(atomicAdd(&control[CONTROL_POOL_FREE + pool_number], 1u), before >> BLOCK_USER_BITS);
    }
  }
  host_io[pages] = 0u;
}
