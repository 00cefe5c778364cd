// SPDX-License-Identifier: Apache-2.0
// GPU only: the entry point `main` reads single words of a buffer, thousands at once.
//
// Bindings: below. Workgroup: `lanes` x 1 x 1; a dispatch may have two dimensions, counted row by row. An invocation
// owns one word of `found`.

@group(0) @binding(0) var<storage, read> words: array<u32>;
@group(0) @binding(1) var<storage, read> wanted: array<u32>;
@group(0) @binding(2) var<storage, read_write> found: array<u32>;
@group(0) @binding(3) var<uniform> count: u32;

override lanes: u32;

@compute @workgroup_size(lanes)
fn main(@builtin(global_invocation_id) invocation: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let index = invocation.x + (invocation.y * groups.x * lanes);
  if (index < count) {
    found[index] = words[wanted[index]];
  }
}
