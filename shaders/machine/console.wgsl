// SPDX-License-Identifier: Apache-2.0
// GPU only: the console ring of each machine. The host drains it after every dispatch, so it starts
// empty; a machine that fills it stops until then (EXIT_CONSOLE_FULL).

#import "memory/bindings.wgsl"

const CONSOLE_RING_WORDS: u32 = CONSOLE_RING_BYTES / 4u;

var<private> console_count: u32;

fn console_room() -> u32 {
  return CONSOLE_RING_BYTES - console_count;
}

fn console_put(byte: u32) {
  let index = (vm * CONSOLE_RING_WORDS) + (console_count >> 2u);
  let shift = (console_count & 3u) << 3u;
  // The first byte of a word clears what an earlier dispatch left there.
  let kept = select(console[index], 0u, shift == 0u);
  console[index] = kept | (byte << shift);
  console_count += 1u;
}
