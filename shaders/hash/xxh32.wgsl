// SPDX-License-Identifier: Apache-2.0
// GPU only: XXH32 (the xxHash specification, "XXH32 algorithm description"), over whole words. The caller
// brings the input: stripes of four words, then what is left of it word by word.
//
//   var lanes = xxh32_begin(seed);
//   for each stripe:  lanes = xxh32_stripe(lanes, words);
//   var hash = xxh32_merge(lanes, bytes);
//   for each further word:  hash = xxh32_word(hash, word);
//   hash = xxh32_end(hash);
//
// An input of less than a stripe (16 bytes) is hashed differently by XXH32, and not here.

const XXH32_PRIME_1: u32 = 0x9e3779b1u;
const XXH32_PRIME_2: u32 = 0x85ebca77u;
const XXH32_PRIME_3: u32 = 0xc2b2ae3du;
const XXH32_PRIME_4: u32 = 0x27d4eb2fu;

fn xxh32_begin(seed: u32) -> vec4<u32> {
  return vec4<u32>(seed + XXH32_PRIME_1 + XXH32_PRIME_2, seed + XXH32_PRIME_2, seed, seed - XXH32_PRIME_1);
}

fn xxh32_stripe(lanes: vec4<u32>, words: vec4<u32>) -> vec4<u32> {
  let sum = lanes + (words * XXH32_PRIME_2);
  return ((sum << vec4<u32>(13u)) | (sum >> vec4<u32>(19u))) * XXH32_PRIME_1;
}

// `bytes`: of the whole input, what follows the stripes included.
fn xxh32_merge(lanes: vec4<u32>, bytes: u32) -> u32 {
  let turned = (lanes << vec4<u32>(1u, 7u, 12u, 18u)) | (lanes >> vec4<u32>(31u, 25u, 20u, 14u));
  return turned.x + turned.y + turned.z + turned.w + bytes;
}

fn xxh32_word(hash: u32, word: u32) -> u32 {
  let sum = hash + (word * XXH32_PRIME_3);
  return ((sum << 17u) | (sum >> 15u)) * XXH32_PRIME_4;
}

fn xxh32_end(hash: u32) -> u32 {
  let a = (hash ^ (hash >> 15u)) * XXH32_PRIME_2;
  let b = (a ^ (a >> 13u)) * XXH32_PRIME_3;
  return b ^ (b >> 16u);
}
