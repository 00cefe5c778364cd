// SPDX-License-Identifier: Apache-2.0
// Shared module: the clock. Time is counted in steps (attempts to execute an instruction) and never read
// from a wall clock, so that every engine sees the same time at the same step.
//
// hart.icount is the count at the last poll, `step` what was made since; the engine polls (poll.wgsl)
// when step reaches `limit`.

var<private> step: u32;
var<private> limit: u32;

// The steps made before the instruction that is being executed.
fn icount_now() -> dword {
  return dword_add_u32(hart.icount, step);
}

// Has the engine poll for interrupts and exits after the instruction that is being executed.
fn request_poll() {
  limit = step + 1u;
}

// Undoes the instruction that is being executed: it does not count, and is executed again.
fn retry() {
  step -= 1u;
  jumped = true;
}

// The same, when the machine is resumed.
fn exit_retry(reason: u32, arg0: u32) {
  retry();
  exit_raise(reason, arg0, 0u);
}

// Stops the machine after this instruction. The first reason stands.
fn exit_raise(reason: u32, arg0: u32, arg1: u32) {
  if (machine.run_state == EXIT_NONE) {
    machine.run_state = reason;
    machine.exit_arg0 = arg0;
    machine.exit_arg1 = arg1;
  }
  request_poll();
}

// mtime without the offset that a guest gave it by writing mtime.
fn ticks_now() -> dword {
  return dword_srl(dword_add(icount_now(), hart.time_skipped), MTIME_SHIFT);
}

fn mtime_now() -> dword {
  return dword_add(ticks_now(), aclint.mtime_offset);
}

// mcycle and minstret are offsets to icount while they run, and the values themselves while mcountinhibit
// stops them. `inhibit` is the counter's bit there.
fn counter_now(offset: dword, inhibit: u32) -> dword {
  let running = (hart.mcountinhibit & inhibit) == 0u;
  return dword_add(offset, select(dword_make(0u, 0u), icount_now(), running));
}

// The offset with which a counter has a value `steps_ahead` steps from now.
fn counter_offset(value: dword, inhibit: u32, steps_ahead: u32) -> dword {
  let running = (hart.mcountinhibit & inhibit) == 0u;
  return dword_sub(value, select(dword_make(0u, 0u), dword_add_u32(icount_now(), steps_ahead), running));
}

// Further away than a poll can wait.
const NEVER: u32 = 0xffffffffu;

// How many steps from now until mtime reaches `compare`: 0 if it has, or NEVER.
fn steps_until(compare: dword) -> u32 {
  let ticks = dword_sub(compare, aclint.mtime_offset);
  let now = dword_add(icount_now(), hart.time_skipped);
  let steps = dword_sub(dword_sll(ticks, MTIME_SHIFT), now);
  // Ticks that would not survive the shift are NEVER, as are steps beyond 32 bits.
  let far = (dword_hi(dword_srl(ticks, 28u)) != 0u) || (dword_hi(steps) != 0u);
  return select(select(dword_lo(steps), NEVER, far), 0u, dword_leu(compare, mtime_now()));
}

// Sstc: the supervisor's own timer.
fn stimer_enabled() -> bool {
  return (hart.menvcfgh & MENVCFGH_STCE) != 0u;
}
