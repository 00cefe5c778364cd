// SPDX-License-Identifier: Apache-2.0
// GPU only: the places where somebody may look into the interpreter, with nobody there. A compiler leaves
// nothing of these functions. hooks/debug.wgsl has the same ones for machines that are watched.

// What machine.run_state is in the state buffer for machines that this shader runs.
const HOOK_RUNNABLE: u32 = EXIT_NONE;

// The machine that an invocation runs.
fn hook_machine(invocation: u32) -> u32 {
  return invocation;
}

// The machine was loaded; it was stored.
fn hook_enter() {
}

fn hook_leave() {
}

// Before instructions: of `count` steps, how many may be made before the next call.
fn hook_before(count: u32) -> u32 {
  return count;
}

// The hot stage executed an instruction.
fn hook_retire(pc: xlen, ins: u32, next_pc: xlen) {
}

// The slow stage begins with the instruction at hart.pc, which is `ins` unless its fetch is to be done.
fn hook_slow(ins: u32) {
}

// After the hot stage, and after the slow one if there was need of it.
fn hook_after() {
}

// An access (ACCESS_*) is about to be looked up in page tables (mmu/tlb.wgsl).
fn hook_tlb_miss(access: u32) {
}

// A trap is about to be entered (machine/trap.wgsl).
fn hook_trap(code: u32, is_interrupt: bool, tval: xlen) {
}

// Between two instructions, with nothing pending of the one before. False: not yet, and it is to be asked again.
fn hook_boundary() -> bool {
  return true;
}

// Of `steps`, as many as may be made before the next boundary that hook_boundary() wants.
fn hook_limit(steps: u32) -> u32 {
  return steps;
}
