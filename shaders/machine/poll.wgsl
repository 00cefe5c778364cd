// SPDX-License-Identifier: Apache-2.0
// Shared module: what happens at an instruction boundary. The engine calls poll() before the first
// instruction of a run and whenever `step` has reached `limit`. A poll where nothing is due changes
// nothing that the guest or the state hash can see, so it does not matter how often engines poll.

#import "machine/trap.wgsl"
#import "mmu/tlb.wgsl"
#import "device/plic.wgsl"
#import "device/uart.wgsl"

// Steps that the host still wants made in this run.
var<private> budget: u32;

// Accounts for the steps made and takes what is due. False when the run is over for this machine. If
// true, `limit` says how many steps may be made before the next poll; it can be 0.
fn poll() -> bool {
  hart.icount = icount_now();
  budget -= step;
  step = 0u;
  limit = 0u;
  tlb_flush_if_due();
  if (exception_raised) {
    trap_take(0u);
  }
  if ((machine.run_state != EXIT_NONE) || (budget == 0u)) {
    return false;
  }
  if (!hook_boundary()) {
    return machine.run_state == EXIT_NONE;
  }
  uart_refill();
  if (machine.run_state != EXIT_NONE) {
    return false;
  }

  plic_update();
  let mtimer_wait = steps_until(aclint.mtimecmp);
  let stimer_wait = select(NEVER, steps_until(hart.stimecmp), stimer_enabled());
  mip_lines = (aclint.msip << IRQ_M_SOFTWARE) |
    (u32(mtimer_wait == 0u) << IRQ_M_TIMER) | (u32(stimer_wait == 0u) << IRQ_S_TIMER) |
    (u32(plic_pending(0u)) << IRQ_M_EXTERNAL) | (u32(plic_pending(1u)) << IRQ_S_EXTERNAL);
  let pending = mip_now() & hart.mie;

  if (hart.waiting != 0u) {
    if (pending == 0u) {
      // Only a timer that is enabled ends the wait.
      let wait = min(select(NEVER, mtimer_wait, (hart.mie & (1u << IRQ_M_TIMER)) != 0u),
        select(NEVER, stimer_wait, (hart.mie & (1u << IRQ_S_TIMER)) != 0u));
      return wfi_skip(wait);
    }
    hart.waiting = 0u;
  }
  if (pending != 0u) {
    trap_take(pending);
  }
  context_update();
  // A timer that has fired does not limit anything: its 0 becomes a large number.
  limit = hook_limit(min(budget - 1u, min(mtimer_wait - 1u, stimer_wait - 1u)) + 1u);
  return true;
}

// In wfi with nothing pending: moves time on to the timer that ends the wait, and has the engine poll
// again. False if the host has to decide: no timer can end it, or it is as long as the host wants to know of
// (machine.wfi_exits).
fn wfi_skip(wait: u32) -> bool {
  if ((wait == NEVER) || ((machine.wfi_exits != 0u) && (wait >= machine.wfi_exits))) {
    exit_raise(EXIT_WFI, u32(wait != NEVER), wait);
    return false;
  }
  hart.time_skipped = dword_add_u32(hart.time_skipped, wait);
  return true;
}
