// SPDX-License-Identifier: Apache-2.0
// GPU only: the entry point `main` makes some machines of a shard what all of it were loaded as: their private pages
// go back (memory/block_supply.wgsl), their state becomes `loaded`.
//
// Bindings: below and those of memory/pools.wgsl; page_map, state, host_io and control are the interpreter's (memory/bindings.wgsl).
// Workgroup: `lanes` x 1 x 1; a dispatch may have two dimensions, counted row by row. An invocation owns one item
// of one machine: a page of RAM, or (the last item) its blocks and the words of state and host_io. Neighbours have
// the same item of neighbouring machines. `control` is shared and atomic; places of the stack are given out by it.

#import "memory/block_supply.wgsl"

struct ResetParams {
  machines: u32,     // to reset: the first of `vms`
  vm_count: u32,     // of the shard
  ram_pages: u32,    // of each machine
  state_words: u32,
  base_map: u32,
  block_shift: u32,
  pool_blocks: vec4<u32>,
}

@group(0) @binding(0) var<uniform> params: ResetParams;
// The machines to reset, by their numbers in the shard.
@group(0) @binding(1) var<storage, read> vms: array<u32>;
// The words of the state that they had first.
@group(0) @binding(2) var<storage, read> loaded: array<u32>;
@group(0) @binding(4) var<storage, read_write> page_map: array<u32>;
@group(0) @binding(5) var<storage, read_write> state: array<u32>;
@group(0) @binding(6) var<storage, read_write> host_io: array<u32>;
@group(0) @binding(7) var<storage, read_write> control: array<atomic<u32>>;

override lanes: u32;

@compute @workgroup_size(lanes)
fn main(@builtin(global_invocation_id) invocation: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let index = invocation.x + (invocation.y * groups.x * lanes);
  let item = index / params.machines;
  if (item > params.ram_pages) {
    return;
  }
  let vm = vms[index % params.machines];
  if (item == params.ram_pages) {
    pool_choose(vm);
    block_release(vm);
    for (var word = 0u; word < params.state_words; word++) {
      state[(word * params.vm_count) + vm] = loaded[word];
    }
    for (var word = 0u; word < HOST_INPUT; word++) {
      host_io[(vm * HOST_IO_WORDS) + word] = 0u;
    }
    return;
  }
  let entry = (item * params.vm_count) + vm;
  if (page_map[entry] != 0u) {
    page_map[entry] = 0u;
  }
}
