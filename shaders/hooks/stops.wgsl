// SPDX-License-Identifier: Apache-2.0
// Shared module: stop points (Engine::set_stops() in src/engine/engine.h). The engine asks stop_due() before
// each instruction of a machine that has some, and keeps their list: stop_kind(i), stop_bytes(i), stop_va(i).

#import "hooks/operands.wgsl"
#import "machine/time.wgsl"

var<private> stop_count: u32;
// A bit for each (address >> 2) & 31 of an execute point.
var<private> stop_filter: u32;
// Whether any point watches data.
var<private> stop_data: bool;

// Where the machine stopped last: it goes on from there without stopping again.
var<private> stop_over: bool;
var<private> stop_over_icount: dword;
var<private> stop_over_pc: xlen;

// Before the instruction at hart.pc, with nothing of it done: stops the machine if a point says so.
fn stop_due() -> bool {
  if (stop_over) {
    if (dword_eq(stop_over_icount, icount_now()) && eq(stop_over_pc, hart.pc)) {
      return false;
    }
    stop_over = false;
  }
  let count = stop_count;
  if ((stop_filter & (1u << ((low(hart.pc) >> 2u) & 31u))) != 0u) {
    for (var i = 0u; i < count; i++) {
      let va = stop_va(i);
      let kind = stop_kind(i);
      if ((kind == STOP_EXECUTE) && eq(va, hart.pc)) {
        stop_at(i, hart.pc);
        return true;
      }
    }
  }
  if (!stop_data) {
    return false;
  }
  if (!operands_fetch()) {
    return false;
  }
  operands_find(operand_word);
  let bytes = 1u << operand_size;
  for (var i = 0u; i < count; i++) {
    let kind = stop_kind(i);
    let range = zext(stop_bytes(i));
    let va = stop_va(i);
    let watched = (operand_loads && ((kind == STOP_LOAD) || (kind == STOP_ACCESS))) ||
      (operand_stores && ((kind == STOP_STORE) || (kind == STOP_ACCESS)));
    // The two ranges overlap if one begins inside the other.
    let distance = sub(operand_va, va);
    let overlaps = ltu(distance, range) || ltu(sub(zext(0u), distance), zext(bytes));
    if (watched && overlaps) {
      stop_at(i, operand_va);
      return true;
    }
  }
  return false;
}

fn stop_at(index: u32, va: xlen) {
  stop_over = true;
  stop_over_icount = icount_now();
  stop_over_pc = hart.pc;
  exit_raise(EXIT_STOP_POINT, index, low(va));
  limit = step;
}
