// SPDX-License-Identifier: Apache-2.0
// GPU only: hooks/hooks.wgsl for the machines of a campaign: some have faults to come, or permanent ones, and all
// are compared with one path, if there is one.

#import "hooks/later_change.wgsl"
#import "hooks/path.wgsl"
#import "hooks/stuck.wgsl"

const HOOK_RUNNABLE: u32 = EXIT_NONE;

fn hook_machine(invocation: u32) -> u32 {
  return invocation;
}

fn hook_enter() {
  path_load();
  stuck_load();
  later_change_load();
}

fn hook_leave() {
}

fn hook_before(count: u32) -> u32 {
  if (path_followed) {
    path_find();
  }
  if ((count == 0u) || (stuck_kind == WORD_NONE)) {
    return count;
  }
  return select(0u, 1u, stuck_hold());
}

fn hook_retire(pc: xlen, ins: u32, next_pc: xlen) {
  path_compare(pc);
  path_index += 1u;
}

fn hook_slow(ins: u32) {
  if (path_followed) {
    path_find();
    path_compare(hart.pc);
  }
}

fn hook_after() {
}

fn hook_tlb_miss(access: u32) {
}

fn hook_boundary() -> bool {
  return later_change_made();
}

fn hook_limit(steps: u32) -> u32 {
  return later_change_limit(steps);
}

fn hook_trap(code: u32, is_interrupt: bool, tval: xlen) {
}
