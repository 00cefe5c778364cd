// SPDX-License-Identifier: Apache-2.0
// Shared module: what a profiled machine did, as counts (src/engine/profile.h). The engine calls
// profile_retire() after an instruction that raised nothing, profile_raise() after one that did, and
// profile_flush() before anybody reads; hook_trap() and hook_tlb_miss() come from the modules concerned;
// profile_word() and profile_set() are the engine's PROFILE_WORDS words.
//
// A block is what is executed from where a branch, jump or trap led to up to the next one that leads
// elsewhere. Blocks are counted in a table by their address; one that finds no place is counted as lost.

#import "hooks/operands.wgsl"
#import "machine/trap.wgsl"

var<private> profile_on: bool;

// The block that is being executed: steps made in it, 0 before its first.
var<private> profile_block: xlen;
var<private> profile_steps: u32;
// A bit for each kind of access (ACCESS_*) that missed the TLB: an instruction that is executed again, for a
// reason of the engine's own, missed once.
var<private> profile_missed: u32;
// What the first counters, of two words each, are to be raised by.
var<private> profile_tally: array<u32, PROFILE_TALLIES>;
// What the tallies of instructions are to be raised by: a byte for each, and how many were counted in them.
var<private> profile_bytes_0: u32;
var<private> profile_bytes_1: u32;
var<private> profile_bytes_2: u32;
var<private> profile_counted: u32;

fn profile_add(counter: u32, amount: u32) {
  let before = profile_word(counter);
  profile_raise_to(counter, before, before + amount);
}

// The low word of a counter becomes `sum`; if that is lower, it went over.
fn profile_raise_to(counter: u32, before: u32, sum: u32) {
  profile_set(counter, sum);
  if (sum < before) {
    let high_word = profile_word(counter + 1u);
    profile_set(counter + 1u, high_word + 1u);
  }
}

// The class of an opcode, 4 bits for each, by groups of 8 opcodes; ALU's is 0, and so is the third group.
const PROFILE_CLASSES_0: u32 = ((PROFILE_LOAD >> 1u) << (OPCODE_LOAD << 2u)) |
  ((PROFILE_FENCE >> 1u) << (OPCODE_MISC_MEM << 2u));
const PROFILE_CLASSES_1: u32 = ((PROFILE_STORE >> 1u) << ((OPCODE_STORE & 7u) << 2u)) |
  ((PROFILE_ATOMIC >> 1u) << ((OPCODE_AMO & 7u) << 2u));
const PROFILE_CLASSES_3: u32 = ((PROFILE_BRANCH >> 1u) << ((OPCODE_BRANCH & 7u) << 2u)) |
  (((PROFILE_JUMP >> 1u) << ((OPCODE_JALR & 7u) << 2u)) | (((PROFILE_JUMP >> 1u) << ((OPCODE_JAL & 7u) << 2u)) |
  ((PROFILE_SYSTEM >> 1u) << ((OPCODE_SYSTEM & 7u) << 2u))));

// Which of the tallies an instruction that retired is for.
fn profile_class(ins: u32) -> u32 {
  let opcode = (ins >> 2u) & 31u;
  let group = opcode >> 3u;
  let upper = select(0u, PROFILE_CLASSES_3, group == 3u);
  let classes = select(select(upper, PROFILE_CLASSES_1, group == 1u), PROFILE_CLASSES_0, group == 0u);
  let kind = (classes >> ((opcode & 7u) << 2u)) & 15u;
  let is_csr = (opcode == OPCODE_SYSTEM) && (((ins >> 12u) & 7u) != 0u);
  let is_muldiv = ((opcode == OPCODE_OP) || (opcode == OPCODE_OP_32)) && ((ins >> 25u) == 1u);
  return select(select(kind, PROFILE_CSR >> 1u, is_csr), PROFILE_MULDIV >> 1u, is_muldiv);
}

// Another one for a tally.
fn profile_count(tally: u32) {
  let one = 1u << ((tally & 3u) << 3u);
  let group = tally >> 2u;
  profile_bytes_0 += select(0u, one, group == 0u);
  profile_bytes_1 += select(0u, one, group == 1u);
  profile_bytes_2 += select(0u, one, group == 2u);
}

// Empties the bytes before one of them can be full.
fn profile_spill() {
  for (var i = 0u; i < 4u; i++) {
    profile_tally[i] += (profile_bytes_0 >> (i << 3u)) & 255u;
    profile_tally[4u + i] += (profile_bytes_1 >> (i << 3u)) & 255u;
    profile_tally[8u + i] += (profile_bytes_2 >> (i << 3u)) & 255u;
  }
  profile_bytes_0 = 0u;
  profile_bytes_1 = 0u;
  profile_bytes_2 = 0u;
  profile_counted = 0u;
}

fn profile_flush() {
  profile_spill();
  for (var i = 0u; i < PROFILE_TALLIES; i++) {
    profile_add(i << 1u, profile_tally[i]);
    profile_tally[i] = 0u;
  }
}

// A step, made by the instruction at `pc`. One that belongs to no block begins one.
fn profile_step(pc: xlen) {
  if (profile_steps == 0u) {
    profile_block = pc;
  }
  profile_steps += 1u;
  if (profile_missed != 0u) {
    for (var access = 0u; access < 3u; access++) {
      profile_tally[(PROFILE_TLB_MISSES >> 1u) + access] += (profile_missed >> access) & 1u;
    }
    profile_missed = 0u;
  }
}

// The instruction at `pc` retired, and the next one is at next_pc.
fn profile_retire(pc: xlen, ins: u32, next_pc: xlen) {
  profile_step(pc);
  profile_count(profile_class(ins));
  profile_counted += 1u;
  if (ne(next_pc, add(pc, zext(4u)))) {
    if (((ins >> 2u) & 31u) == OPCODE_BRANCH) {
      profile_count(PROFILE_TAKEN >> 1u);
    }
    profile_close();
  }
  if (profile_counted == 255u) {
    profile_spill();
  }
}

// The instruction at `pc`, or its fetch, raised an exception.
fn profile_raise(pc: xlen) {
  profile_step(pc);
  profile_close();
}

// Counts the block that ends here.
fn profile_close() {
  if (profile_steps == 0u) {
    return;
  }
  let word = low(profile_block);
  var index = ((word >> 2u) ^ (word >> 12u)) & (PROFILE_BLOCKS - 1u);
  for (var i = 0u; i < PROFILE_PROBES; i++) {
    let entry = PROFILE_TABLE + (index * PROFILE_BLOCK_WORDS);
    let entry_low = profile_word(entry);
    let entry_high = profile_word(entry + 1u);
    let times_low = profile_word(entry + 2u);
    let times_high = profile_word(entry + 3u);
    let steps_low = profile_word(entry + 4u);
    let is_free = (times_low | times_high) == 0u;
    if (is_free) {
      profile_set(entry, word);
      profile_set(entry + 1u, high(profile_block));
    }
    if (is_free || ((entry_low == word) && (entry_high == high(profile_block)))) {
      profile_raise_to(entry + 2u, times_low, times_low + 1u);
      profile_raise_to(entry + 4u, steps_low, steps_low + profile_steps);
      profile_steps = 0u;
      return;
    }
    index = (index + 1u) & (PROFILE_BLOCKS - 1u);
  }
  profile_add(PROFILE_LOST, 1u);
  profile_add(PROFILE_LOST_STEPS, profile_steps);
  profile_steps = 0u;
}

// A trap is about to be entered.
fn profile_trap(code: u32, is_interrupt: bool) {
  profile_close();
  profile_add(select(PROFILE_EXCEPTIONS, PROFILE_INTERRUPTS, is_interrupt) + ((code & 15u) << 1u), 1u);
}

fn profile_tlb_miss(access: u32) {
  profile_missed |= 1u << access;
}
