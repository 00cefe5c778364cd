// SPDX-License-Identifier: Apache-2.0
// GPU only: the entry point `main` adds up the state hashes of some machines of a shard, as
// src/engine/state_hash.h defines them, relative to the pages of the boot image: the host adds the sum of
// the terms of all base pages, which it knows.
//
// Bindings: below and those of memory/pools.wgsl; page_map and state are the interpreter's (memory/bindings.wgsl);
// all are read-only here.
// Workgroup: `lanes` x 1 x 1; a dispatch may have two dimensions, counted row by row. An invocation owns
// one item of one machine: a page of RAM, which costs something only if it is private, or (the last item)
// the words of the state. Neighbours have the same item of neighbouring machines, and machines that ran
// the same program have mostly the same private pages. `sums` is shared and atomic.

#import "hash/xxh32.wgsl"
#import "isa/constants.wgsl"
#import "memory/blocks.wgsl"
#import "memory/pools.wgsl"

struct HashParams {
  machines: u32,          // to hash: the first of `vms`
  vm_count: u32,          // of the shard
  ram_pages: u32,         // of each machine
  state_words: u32,
  seeds: vec2<u32>,       // of the two halves; a page's number, or state_number, is added to them
  state_number: u32,
  block_shift: u32,       // memory/blocks.wgsl
  host_words: vec4<u32>,  // words of the state that count as 0: they belong to the host
}

@group(0) @binding(0) var<uniform> params: HashParams;
@group(0) @binding(1) var<storage, read> page_map: array<u32>;
@group(0) @binding(7) var<storage, read> state: array<u32>;
// The machines to hash, by their numbers in the shard.
@group(0) @binding(4) var<storage, read> vms: array<u32>;
// For each page of RAM, the term of its base page.
@group(0) @binding(5) var<storage, read> base_terms: array<vec2<u32>>;
// Two for each machine of `vms`; zero before.
@group(0) @binding(6) var<storage, read_write> sums: array<atomic<u32>>;

override lanes: u32;

@compute @workgroup_size(lanes)
fn main(@builtin(global_invocation_id) invocation: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let index = invocation.x + (invocation.y * groups.x * lanes);
  let item = index / params.machines;
  let slot = index % params.machines;
  if (item > params.ram_pages) {
    return;
  }
  let vm = vms[slot];
  if (item == params.ram_pages) {
    add_term(slot, state_term(vm));
    return;
  }
  let block = page_map[(item * params.vm_count) + vm];
  if (block != 0u) {
    pool_choose(vm);
    add_term(slot, page_term(block_fold(block, vm), item) - base_terms[item]);
  }
}

fn add_term(slot: u32, term: vec2<u32>) {
  atomicAdd(&sums[slot * 2u], term.x);
  atomicAdd(&sums[(slot * 2u) + 1u], term.y);
}

// The term of the private page at `fold`, which is page `number` of RAM.
fn page_term(fold: u32, number: u32) -> vec2<u32> {
  var low = xxh32_begin(params.seeds.x + number);
  var high = xxh32_begin(params.seeds.y + number);
  var bits = vec4<u32>(0u);
  for (var at = 0u; at < PAGE_BYTES; at += 16u) {
    let words = vec4<u32>(pool_load(block_word(fold, at)), pool_load(block_word(fold, at + 4u)),
      pool_load(block_word(fold, at + 8u)), pool_load(block_word(fold, at + 12u)));
    low = xxh32_stripe(low, words);
    high = xxh32_stripe(high, words);
    bits |= words;
  }
  if (all(bits == vec4<u32>(0u))) {
    return vec2<u32>(0u);
  }
  return vec2<u32>(xxh32_end(xxh32_merge(low, PAGE_BYTES)), xxh32_end(xxh32_merge(high, PAGE_BYTES)));
}

fn state_term(vm: u32) -> vec2<u32> {
  let words = params.state_words;
  let stripes = words / 4u;
  var low = xxh32_begin(params.seeds.x + params.state_number);
  var high = xxh32_begin(params.seeds.y + params.state_number);
  for (var i = 0u; i < stripes; i++) {
    let at = i * 4u;
    let four = vec4<u32>(state_word(vm, at), state_word(vm, at + 1u), state_word(vm, at + 2u), state_word(vm, at + 3u));
    low = xxh32_stripe(low, four);
    high = xxh32_stripe(high, four);
  }
  var hash_low = xxh32_merge(low, words * 4u);
  var hash_high = xxh32_merge(high, words * 4u);
  for (var i = stripes * 4u; i < words; i++) {
    let word = state_word(vm, i);
    hash_low = xxh32_word(hash_low, word);
    hash_high = xxh32_word(hash_high, word);
  }
  return vec2<u32>(xxh32_end(hash_low), xxh32_end(hash_high));
}

// A word of a machine's state as the hash sees it.
fn state_word(vm: u32, word: u32) -> u32 {
  let is_the_hosts = any(params.host_words == vec4<u32>(word));
  return select(state[(word * params.vm_count) + vm], 0u, is_the_hosts);
}
