// SPDX-License-Identifier: Apache-2.0
// GPU only: the entry point `main` changes single words of a buffer, thousands at once.
//
// Bindings: below. Workgroup: `lanes` x 1 x 1; a dispatch may have two dimensions, counted row by row. An invocation
// owns one change; no two are of the same word.

@group(0) @binding(0) var<storage, read_write> words: array<u32>;
// The word, the bits of it that are kept, the bits that are flipped then.
@group(0) @binding(1) var<storage, read> changes: array<vec4<u32>>;
@group(0) @binding(2) var<uniform> count: u32;

override lanes: u32;

@compute @workgroup_size(lanes)
fn main(@builtin(global_invocation_id) invocation: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let index = invocation.x + (invocation.y * groups.x * lanes);
  if (index >= count) {
    return;
  }
  let change = changes[index];
  words[change.x] = (words[change.x] & change.y) ^ change.z;
}
