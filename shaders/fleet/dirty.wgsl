// SPDX-License-Identifier: Apache-2.0
// GPU only: the entry point `main` counts the private pages of some machines of a shard.
//
// Bindings: below; page_map is the interpreter's (memory/bindings.wgsl). Workgroup: `lanes` x 1 x 1; a dispatch may
// have two dimensions, counted row by row. An invocation owns DIRTY_RUN pages of one machine; neighbours have the
// same pages of neighbouring machines. `counts` is shared and atomic.

struct DirtyParams {
  machines: u32,   // to count: the first of `vms`
  vm_count: u32,   // of the shard
  ram_pages: u32,  // of each machine
  unused: u32,
}

const DIRTY_RUN: u32 = 64u;

@group(0) @binding(0) var<uniform> params: DirtyParams;
@group(0) @binding(1) var<storage, read> page_map: array<u32>;
@group(0) @binding(2) var<storage, read> vms: array<u32>;
// One for each machine of `vms`; zero before.
@group(0) @binding(3) var<storage, read_write> counts: array<atomic<u32>>;

override lanes: u32;

@compute @workgroup_size(lanes)
fn main(@builtin(global_invocation_id) invocation: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let index = invocation.x + (invocation.y * groups.x * lanes);
  let first = (index / params.machines) * DIRTY_RUN;
  if (first >= params.ram_pages) {
    return;
  }
  let slot = index % params.machines;
  let vm = vms[slot];
  let last = min(first + DIRTY_RUN, params.ram_pages);
  var count = 0u;
  for (var page = first; page < last; page++) {
    count += u32(page_map[(page * params.vm_count) + vm] != 0u);
  }
  if (count != 0u) {
    atomicAdd(&counts[slot], count);
  }
}
