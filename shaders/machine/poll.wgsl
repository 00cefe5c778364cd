// SPDX-License-Identifier: Apache-2.0
// Shared module: what happens at an instruction boundary. The engine calls poll() before the first
// instruction of a run and whenever `step` has reached `limit`. A poll where nothing is due changes
// nothing that the guest or the state hash can see, so it does not matter how often engines poll.

#import "machine/trap.wgsl"
#import "mmu/tlb.wgsl"
#import "device/plic.wgsl"

// Steps that the host still wants made in this run.
var<private> budget: u32;

// Accounts for the steps made and takes what is due. True if instructions may be executed: then `limit`
// says how many before the next poll. False when the run is over for this machine.
fn poll() -> bool {
  hart.icount = icount_now();
  budget -= step;
  step = 0u;
  limit = 0u;
  trap_take_exception();
  tlb_flush_if_due();
  if ((machine.run_state != EXIT_NONE) || (budget == 0u)) {
    return false;
  }
  plic_update();
  var pending = mip_now() & hart.mie;
  if (hart.waiting != 0u) {
    if (pending == 0u) {
      if (!wfi_skip()) {
        return false;
      }
      pending = mip_now() & hart.mie;
    }
    hart.waiting = 0u;
  }
  if (pending != 0u) {
    trap_take_interrupt(pending);
  }
  context_update();
  limit = budget;
  if (!mtimer_pending()) {
    limit = min(limit, steps_until(aclint.mtimecmp));
  }
  if (stimer_enabled() && !stimer_pending()) {
    limit = min(limit, steps_until(hart.stimecmp));
  }
  return true;
}

// In wfi with nothing pending: moves time on to the timer that ends the wait. False if the host has to
// decide: no timer can end it, or the host wants to sleep through it (machine.wfi_exits).
fn wfi_skip() -> bool {
  var wait = 0xffffffffu;
  if ((hart.mie & (1u << IRQ_M_TIMER)) != 0u) {
    wait = steps_until(aclint.mtimecmp);
  }
  if (((hart.mie & (1u << IRQ_S_TIMER)) != 0u) && stimer_enabled()) {
    wait = min(wait, steps_until(hart.stimecmp));
  }
  if (wait == 0xffffffffu) {
    exit_raise(EXIT_WFI, 0u, 0u);
    return false;
  }
  if (machine.wfi_exits != 0u) {
    exit_raise(EXIT_WFI, 1u, wait);
    return false;
  }
  hart.time_skipped = dword_add_u32(hart.time_skipped, wait);
  return true;
}
