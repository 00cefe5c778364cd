// SPDX-License-Identifier: Apache-2.0
// GPU only: a machine's part of `host_io`: its console ring, what is typed to it, where it is to stop, and what it
// is owed.
// The host drains the ring after every dispatch, so it starts empty; a machine that fills it stops until then
// (EXIT_CONSOLE_FULL). The host's side is src/engine/gpu/shard.h.

#import "memory/bindings.wgsl"
#import "machine/poll.wgsl"
#import "machine/print.wgsl"

var<private> console_count: u32;
var<private> input_taken: u32;
var<private> input_bytes: u32;
var<private> input_more: bool;

fn host_io_load() {
  let at = vm * HOST_IO_WORDS;
  match_state = host_io[at + HOST_MATCHED];
  input_taken = host_io[at + HOST_INPUT_TAKEN];
  input_bytes = min(host_io[at + HOST_INPUT_BYTES], INPUT_QUEUE_BYTES);
  input_more = host_io[at + HOST_INPUT_MORE] != 0u;
}

// Steps that an earlier dispatch owes the machine.
fn steps_owed() -> u32 {
  return host_io[(vm * HOST_IO_WORDS) + HOST_OWED];
}

fn host_io_store() {
  let at = vm * HOST_IO_WORDS;
  host_io[at + HOST_MATCHED] = match_state;
  host_io[at + HOST_INPUT_TAKEN] = input_taken;
  host_io[at + HOST_INPUT_MORE] = u32(input_more);
  let reason = machine.run_state;
  let waits = (reason == EXIT_POOL_FULL) || (reason == EXIT_CONSOLE_FULL) || (reason == EXIT_TRACE_FULL);
  host_io[at + HOST_OWED] = select(0u, min(budget, MAX_OWED), waits);
}

fn console_room() -> u32 {
  return CONSOLE_RING_BYTES - console_count;
}

fn console_put(byte: u32) {
  let index = (vm * HOST_IO_WORDS) + HOST_CONSOLE + (console_count >> 2u);
  let shift = (console_count & 3u) << 3u;
  // The first byte of a word clears what an earlier dispatch left there.
  let kept = select(host_io[index], 0u, shift == 0u);
  host_io[index] = kept | (byte << shift);
  console_count += 1u;
}

fn input_left() -> u32 {
  return input_bytes - min(input_taken, input_bytes);
}

fn input_take() -> u32 {
  let word = host_io[(vm * HOST_IO_WORDS) + HOST_INPUT + (input_taken >> 2u)];
  let byte = (word >> ((input_taken & 3u) << 3u)) & 0xffu;
  input_taken += 1u;
  return byte;
}

// Whether the host has more than it could queue; says so once.
fn input_wants_more() -> bool {
  let more = input_more;
  input_more = false;
  return more;
}

// Of a run of `steps` steps, those up to the count that the machine is to stop at.
fn steps_to_stop(steps: u32) -> u32 {
  let at = vm * HOST_IO_WORDS;
  let stop_at = dword_make(host_io[at + HOST_STOP_AT], host_io[at + HOST_STOP_AT + 1u]);
  if (dword_eq(stop_at, dword_make(0u, 0u))) {
    return steps;
  }
  if (dword_leu(stop_at, hart.icount)) {
    return 0u;
  }
  let left = dword_sub(stop_at, hart.icount);
  return select(min(steps, dword_lo(left)), steps, dword_hi(left) != 0u);
}

// Stops the machine if it has come to that count, and forgets it.
fn stop_if_there() {
  let at = vm * HOST_IO_WORDS;
  let stop_at = dword_make(host_io[at + HOST_STOP_AT], host_io[at + HOST_STOP_AT + 1u]);
  if (dword_eq(stop_at, dword_make(0u, 0u)) || !dword_leu(stop_at, hart.icount)) {
    return;
  }
  if (machine.run_state == EXIT_NONE) {
    machine.run_state = EXIT_COUNT;
    host_io[at + HOST_STOP_AT] = 0u;
    host_io[at + HOST_STOP_AT + 1u] = 0u;
  }
}

fn match_texts() -> u32 {
  return texts.count;
}

fn match_next(state: u32, byte: u32) -> u32 {
  let word = texts.class_of[byte >> 4u][(byte >> 2u) & 3u];
  let index = (state * texts.classes) + ((word >> ((byte & 3u) << 3u)) & 0xffu);
  let entry = texts.table[index >> 4u][(index >> 2u) & 3u];
  return (entry >> ((index & 3u) << 3u)) & 0xffu;
}
