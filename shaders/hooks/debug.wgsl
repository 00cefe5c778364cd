// SPDX-License-Identifier: Apache-2.0
// GPU only: hooks/hooks.wgsl for machines that are watched: stop points and traces. They are executed an
// instruction at a time. The ordinary interpreter passes them by (RUN_STATE_WATCHED), and this one runs no
// others, so both are dispatched one after the other and nothing is decided for each machine.
//
// An invocation is a slot of `hooks` (HOOK_* of isa/constants.def), which names its machine. The host's side
// is src/engine/gpu/watch.h.

#import "memory/bindings.wgsl"
#import "hooks/stops.wgsl"
#import "hooks/trace.wgsl"

@group(0) @binding(8) var<storage, read_write> hooks: array<u32>;

const HOOK_RUNNABLE: u32 = RUN_STATE_WATCHED;

// Where this machine's slot starts.
var<private> hook_slot: u32;
// step before the instruction that is traced.
var<private> hook_step: u32;
var<private> hook_records: u32;

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
}

fn hook_leave() {
  hooks[hook_slot + HOOK_STOP_OVER] = u32(stop_over);
  hook_set_dword(hook_slot + HOOK_STOP_OVER_ICOUNT, stop_over_icount);
  hook_set_dword(hook_slot + HOOK_STOP_OVER_PC, dword_from_xlen(stop_over_pc));
  hooks[hook_slot + HOOK_TRACE_COUNT] = hook_records;
  if (machine.run_state == EXIT_NONE) {
    state[(STATE_RUN_STATE * params.vm_count) + vm] = RUN_STATE_WATCHED;
  }
}

fn hook_before(count: u32) -> u32 {
  if (count == 0u) {
    return 0u;
  }
  if (stop_due()) {
    return 0u;
  }
  if (trace_kinds != 0u) {
    if ((hook_records + TRACE_RING_SPARE) > TRACE_RING_RECORDS) {
      exit_raise(EXIT_TRACE_FULL, 0u, 0u);
      limit = step;
      return 0u;
    }
    // If the TLB does not know the page yet, this is called again once it does.
    let index = tlb_index(hart.pc, ACCESS_FETCH);
    trace_pending = false;
    if (eq(hart.tlb_tag[index], tlb_tag(hart.pc, fetch_context))) {
      hook_step = step;
      trace_begin(fold_word(tlb_fold[index], low(hart.pc)));
    }
  }
  return 1u;
}

fn hook_after() {
  if (trace_pending && (step != hook_step)) {
    if (exception_raised) {
      trace_pending = false;
    } else {
      trace_end();
    }
  }
}

fn hook_trap(code: u32, is_interrupt: bool, tval: xlen) {
  if (trace_kinds != 0u) {
    trace_trap(code, is_interrupt, tval);
  }
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
