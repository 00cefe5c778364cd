// SPDX-License-Identifier: Apache-2.0
// GPU only: hooks/hooks.wgsl for machines that are watched: stop points, traces and profiles. With stop points or a
// trace they are executed an instruction at a time. The ordinary interpreter passes them by (RUN_STATE_WATCHED), and this one runs no
// others, so both are dispatched one after the other and nothing is decided for each machine.
//
// An invocation is a slot of `hooks` (HOOK_* of isa/constants.def), which names its machine. The host's side
// is src/engine/gpu/watch.h.

#import "memory/bindings.wgsl"
#import "hooks/stops.wgsl"
#import "hooks/later_change.wgsl"
#import "hooks/stuck.wgsl"
#import "hooks/trace.wgsl"
#import "hooks/profile.wgsl"

@group(0) @binding(8) var<storage, read_write> hooks: array<u32>;

const HOOK_RUNNABLE: u32 = RUN_STATE_WATCHED;

// Where this machine's slot starts.
var<private> hook_slot: u32;
// An instruction at a time.
var<private> hook_single: bool;
// The instruction that is traced, and the step before it.
var<private> hook_step: u32;
// The one that the slow stage executes for a profile, while hook_pending.
var<private> hook_pending: bool;
var<private> hook_slow_step: u32;
var<private> hook_pc: xlen;
var<private> hook_ins: u32;
var<private> hook_records: u32;
// Where its counts start.
var<private> hook_profile: u32;

fn hook_machine(invocation: u32) -> u32 {
  if (invocation >= hooks[HOOK_COUNT]) {
    return params.vm_count;
  }
  hook_slot = HOOK_SLOTS + (invocation * hooks[HOOK_STRIDE]);
  return hooks[hook_slot + HOOK_VM];
}

fn hook_dword(word: u32) -> dword {
  return dword_make(hooks[hook_slot + word], hooks[hook_slot + word + 1u]);
}

fn hook_set_dword(index: u32, value: dword) {
  hooks[index] = dword_lo(value);
  hooks[index + 1u] = dword_hi(value);
}

fn hook_enter() {
  machine.run_state = EXIT_NONE;
  stop_count = min(hooks[hook_slot + HOOK_STOP_COUNT], STOP_POINTS);
  stop_filter = hooks[hook_slot + HOOK_STOP_FILTER];
  stop_data = hooks[hook_slot + HOOK_STOP_DATA] != 0u;
  stop_over = hooks[hook_slot + HOOK_STOP_OVER] != 0u;
  stop_over_icount = hook_dword(HOOK_STOP_OVER_ICOUNT);
  stop_over_pc = xlen_from_dword(hook_dword(HOOK_STOP_OVER_PC));
  trace_kinds = hooks[hook_slot + HOOK_TRACE_KINDS];
  trace_privileges = hooks[hook_slot + HOOK_TRACE_PRIVILEGES];
  trace_pc_low = xlen_from_dword(hook_dword(HOOK_TRACE_PC_LOW));
  trace_pc_high = xlen_from_dword(hook_dword(HOOK_TRACE_PC_HIGH));
  profile_on = hooks[hook_slot + HOOK_PROFILE] != 0u;
  stuck_load();
  later_change_load();
  hook_single = (stop_count != 0u) || (trace_kinds != 0u) || (stuck_kind != WORD_NONE);
  if (profile_on) {
    hook_profile = hook_slot + hooks[HOOK_PROFILE_AT];
    profile_block = xlen_from_dword(hook_dword(hooks[HOOK_PROFILE_AT] + PROFILE_OPEN));
    profile_steps = profile_word(PROFILE_OPEN + 2u);
  }
}

fn hook_leave() {
  hooks[hook_slot + HOOK_STOP_OVER] = u32(stop_over);
  hook_set_dword(hook_slot + HOOK_STOP_OVER_ICOUNT, stop_over_icount);
  hook_set_dword(hook_slot + HOOK_STOP_OVER_PC, dword_from_xlen(stop_over_pc));
  hooks[hook_slot + HOOK_TRACE_COUNT] = hook_records;
  if (profile_on) {
    profile_flush();
    hook_set_dword(hook_profile + PROFILE_OPEN, dword_from_xlen(profile_block));
    profile_set(PROFILE_OPEN + 2u, profile_steps);
  }
  if (machine.run_state == EXIT_NONE) {
    state[(STATE_RUN_STATE * params.vm_count) + vm] = RUN_STATE_WATCHED;
  }
}

fn hook_before(count: u32) -> u32 {
  if ((count == 0u) || !hook_single) {
    return count;
  }
  if (stop_due()) {
    return 0u;
  }
  if ((trace_kinds != 0u) && ((hook_records + TRACE_RING_SPARE) > TRACE_RING_RECORDS)) {
    exit_raise(EXIT_TRACE_FULL, 0u, 0u);
    limit = step;
    return 0u;
  }
  trace_pending = false;
  if (!stuck_hold()) {
    return 0u;
  }
  if (trace_kinds != 0u) {
    hook_step = step;
    // If the TLB does not know the page yet, this is called again once it does.
    let index = tlb_index(hart.pc, ACCESS_FETCH);
    if (eq(hart.tlb_tag[index], tlb_tag(hart.pc, fetch_context))) {
      trace_begin(fold_word(tlb_fold[index], low(hart.pc)));
    }
  }
  return 1u;
}

fn hook_retire(pc: xlen, ins: u32, next_pc: xlen) {
  if (profile_on) {
    profile_retire(pc, ins, next_pc);
  }
}

fn hook_slow(ins: u32) {
  hook_pending = profile_on;
  hook_pc = hart.pc;
  hook_ins = ins;
  hook_slow_step = step;
}

fn hook_after() {
  if (trace_pending && (step != hook_step)) {
    if (!exception_raised) {
      trace_end();
    }
    trace_pending = false;
  }
  if (hook_pending) {
    hook_pending = false;
    if (step != hook_slow_step) {
      if (exception_raised) {
        profile_raise(hook_pc);
      } else {
        profile_retire(hook_pc, hook_ins, hart.pc);
      }
    }
  }
}

fn hook_tlb_miss(access: u32) {
  profile_tlb_miss(access);
}

fn hook_boundary() -> bool {
  return later_change_made();
}

fn hook_limit(steps: u32) -> u32 {
  return later_change_limit(steps);
}

fn hook_trap(code: u32, is_interrupt: bool, tval: xlen) {
  if (trace_kinds != 0u) {
    trace_trap(code, is_interrupt, tval);
  }
  if (profile_on) {
    profile_trap(code, is_interrupt);
  }
}

fn profile_word(index: u32) -> u32 {
  return hooks[hook_profile + index];
}

fn profile_set(index: u32, word: u32) {
  hooks[hook_profile + index] = word;
}

fn stop_kind(index: u32) -> u32 {
  return hooks[hook_slot + HOOK_STOP_LIST + (index * STOP_WORDS)];
}

fn stop_bytes(index: u32) -> u32 {
  return hooks[hook_slot + HOOK_STOP_LIST + (index * STOP_WORDS) + 1u];
}

fn stop_va(index: u32) -> xlen {
  return xlen_from_dword(hook_dword(HOOK_STOP_LIST + (index * STOP_WORDS) + 2u));
}

fn trace_put(icount: dword, pc: xlen, value: xlen, va: xlen, stored: xlen, ins: u32, described: u32) {
  let record = hook_slot + HOOK_RING + (hook_records * TRACE_RECORD_WORDS);
  hook_set_dword(record, icount);
  hook_set_dword(record + 2u, dword_from_xlen(pc));
  hook_set_dword(record + 4u, dword_from_xlen(value));
  hook_set_dword(record + 6u, dword_from_xlen(va));
  hook_set_dword(record + 8u, dword_from_xlen(stored));
  hooks[record + 10u] = ins;
  hooks[record + 11u] = described;
  hook_records += 1u;
}
