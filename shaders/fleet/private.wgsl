// SPDX-License-Identifier: Apache-2.0
// GPU only: the entry point `main` makes pages of some machines of a shard private, as a store to them would.
//
// Bindings: below and those of memory/pools.wgsl; base, page_map, host_io and control are the interpreter's
// (memory/bindings.wgsl). Workgroup: `lanes` x 1 x 1; a dispatch may have two dimensions, counted row by row. An
// invocation owns one machine, if the first of its pages is the invocation's. `control` is shared and atomic.

#import "memory/copy_on_write.wgsl"

struct PrivateParams {
  pages: u32,      // to make private: the first of `wanted`
  vm_count: u32,   // of the shard
  ram_pages: u32,  // of each machine
  state_words: u32,
  base_map: u32,   // where in `base` the map starts
  block_shift: u32,
  pool_blocks: vec4<u32>,
}

@group(0) @binding(0) var<uniform> params: PrivateParams;
@group(0) @binding(1) var<storage, read> base: array<u32>;
// A machine and a page of its RAM each, those of one machine behind each other. The page's number becomes the block
// that it is in, 0 if the pool is full, or PAGE_COMING if another try is needed.
@group(0) @binding(2) var<storage, read_write> wanted: array<vec2<u32>>;
@group(0) @binding(4) var<storage, read_write> page_map: array<u32>;
@group(0) @binding(6) var<storage, read_write> host_io: array<u32>;
@group(0) @binding(7) var<storage, read_write> control: array<atomic<u32>>;

override lanes: u32;

@compute @workgroup_size(lanes)
fn main(@builtin(global_invocation_id) invocation: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let first = invocation.x + (invocation.y * groups.x * lanes);
  if (first >= params.pages) {
    return;
  }
  let vm = wanted[first].x;
  if (first != 0u) {
    if (wanted[first - 1u].x == vm) {
      return;
    }
  }
  pool_choose(vm);
  for (var i = first; i < params.pages; i++) {
    if (wanted[i].x != vm) {
      return;
    }
    let number = wanted[i].y;
    var block = page_map[(number * params.vm_count) + vm];
    if (block == 0u) {
      block = page_copy(vm, number);
      if (block == 0u) {
        block = select(0u, PAGE_COMING, block_refusal == BLOCK_COMING);
      }
    }
    wanted[i].y = block;
  }
}
