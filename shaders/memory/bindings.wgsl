// SPDX-License-Identifier: Apache-2.0
// GPU only: the buffers of a shard, one bind group. The host's side is src/engine/gpu/shard.h.
//
// Arrays with an entry for each machine are field-major: word w of machine vm is at w * vm_count + vm, so
// that neighbouring lanes touch neighbouring words.

#import "isa/constants.wgsl"
#import "memory/opaque_count.wgsl"
#import "memory/pools.wgsl"

struct Params {
  vm_count: u32,
  budget: u32,      // steps each machine may make in this dispatch
  ram_pages: u32,   // of each machine
  base_map: u32,    // where in `base` the map starts
  hot_steps: u32,   // steps between two looks at what is slow (interpreter.wgsl)
  window: u32,      // steps between two moments at which machines wait for each other
  rounds: u32,      // of hot and slow stage in a window: who needs more falls behind the others
  windows: u32,     // that each machine may begin
  block_shift: u32,        // log2 of the machines that share a block (memory/blocks.wgsl)
  pool_blocks: vec4<u32>,  // of each pool, its stack included
}

struct Texts {
  count: u32,    // 0: none
  classes: u32,  // of bytes that make no difference to each other
  class_of: array<vec4<u32>, 16>,  // for each byte, a byte
  table: array<vec4<u32>, TEXT_TABLE_VECTORS>,  // for each state and class, a byte
}

const TEXT_TABLE_VECTORS: u32 = TEXT_TABLE_BYTES / 16u;

@group(0) @binding(0) var<uniform> params: Params;
// Pages that all machines share and none changes: the boot image. Page 0 is all zeros. Behind them, for each page
// of guest RAM, its page here.
@group(0) @binding(1) var<storage, read> base: array<u32>;
// Private pages are in the pools, bindings 3 and 10 to 12 (memory/pools.wgsl).
// For each page of guest RAM of each machine: the block of its pool that it is in, or 0 while it is not private.
@group(0) @binding(4) var<storage, read_write> page_map: array<u32>;
// The machines' state, isa/state.def.
@group(0) @binding(5) var<storage, read_write> state: array<u32>;
// What passes between each machine and the host: HOST_IO_WORDS words each, HOST_* of isa/constants.def.
@group(0) @binding(6) var<storage, read_write> host_io: array<u32>;
// CONTROL_* of isa/constants.def, then what memory/block_supply.wgsl keeps.
@group(0) @binding(7) var<storage, read_write> control: array<atomic<u32>>;
// The texts that stop a machine which prints them (machine/print.wgsl).
@group(0) @binding(9) var<uniform> texts: Texts;

// The machine that this invocation runs.
var<private> vm: u32;
