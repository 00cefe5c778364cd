// SPDX-License-Identifier: Apache-2.0
// Shared module: what a profiled machine did, as counts (src/engine/profile.h). The engine calls
// profile_begin() before an instruction and profile_end() after it, hook_trap() and hook_tlb_miss() come from
// the modules concerned; profile_word() and profile_set() are the engine's PROFILE_WORDS words.
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

fn profile_add(counter: u32, amount: u32) {
  let low_word = profile_word(counter);
  let sum = low_word + amount;
  profile_set(counter, sum);
  if (sum < low_word) {
    let high_word = profile_word(counter + 1u);
    profile_set(counter + 1u, high_word + 1u);
  }
}

// Which count an instruction that retired is for.
fn profile_class(ins: u32) -> u32 {
  switch ((ins >> 2u) & 31u) {
    case OPCODE_LOAD: { return PROFILE_LOAD; }
    case OPCODE_STORE: { return PROFILE_STORE; }
    case OPCODE_AMO: { return PROFILE_ATOMIC; }
    case OPCODE_BRANCH: { return PROFILE_BRANCH; }
    case OPCODE_JAL: { return PROFILE_JUMP; }
    case OPCODE_JALR: { return PROFILE_JUMP; }
    case OPCODE_MISC_MEM: { return PROFILE_FENCE; }
    case OPCODE_SYSTEM: { return select(PROFILE_SYSTEM, PROFILE_CSR, ((ins >> 12u) & 7u) != 0u); }
    case OPCODE_OP: { return select(PROFILE_ALU, PROFILE_MULDIV, (ins >> 25u) == 1u); }
    case OPCODE_OP_32: { return select(PROFILE_ALU, PROFILE_MULDIV, (ins >> 25u) == 1u); }
    default: { return PROFILE_ALU; }
  }
}

// Before the instruction at hart.pc. A step that belongs to no block begins one.
fn profile_begin() {
  if (profile_steps == 0u) {
    profile_block = hart.pc;
  }
}

// After an instruction that was at `pc`, whether it retired or raised an exception.
fn profile_end(pc: xlen, ins: u32) {
  profile_steps += 1u;
  for (var access = 0u; access < 3u; access++) {
    profile_add(PROFILE_TLB_MISSES + (access << 1u), (profile_missed >> access) & 1u);
  }
  profile_missed = 0u;
  if (exception_raised) {
    profile_close();
    return;
  }
  profile_add(profile_class(ins), 1u);
  if (ne(hart.pc, add(pc, zext(4u)))) {
    if (((ins >> 2u) & 31u) == OPCODE_BRANCH) {
      profile_add(PROFILE_TAKEN, 1u);
    }
    profile_close();
  }
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
    let times_low = profile_word(entry + 2u);
    let times_high = profile_word(entry + 3u);
    let used = times_low | times_high;
    let entry_low = profile_word(entry);
    let entry_high = profile_word(entry + 1u);
    if (used == 0u) {
      profile_set(entry, word);
      profile_set(entry + 1u, high(profile_block));
    }
    if ((used == 0u) || ((entry_low == word) && (entry_high == high(profile_block)))) {
      profile_add(entry + 2u, 1u);
      profile_add(entry + 4u, profile_steps);
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
