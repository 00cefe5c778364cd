// SPDX-License-Identifier: Apache-2.0
// Shared module: traps. Privileged ISA, sections 3.1.6 to 3.1.9 and 12.1.
//
// hart.pc is the instruction's own address while it executes. Whoever sets hart.pc to anything but the
// next instruction sets `jumped`. An exception is only noted where it is found; poll() takes it, right
// after the instruction: there is one place in the shader where traps are entered.

#import "machine/time.wgsl"
#import "mmu/context.wgsl"

const PRIV_U: u32 = 0u;
const PRIV_S: u32 = 1u;
const PRIV_M: u32 = 3u;

var<private> jumped: bool;

// The exception that the instruction raised.
var<private> exception_raised: bool;
var<private> exception_code: u32;
var<private> exception_tval: xlen;

// mcause or scause: the code, with XLEN's top bit for an interrupt.
fn trap_cause(code: u32, is_interrupt: bool) -> xlen {
  let top = sll(zext(1u), zext(XLEN - 1u));
  return select(zext(code), bit_or(zext(code), top), is_interrupt);
}

// Where a trap goes: vectored mode only spreads interrupts.
fn trap_target(tvec: xlen, code: u32, is_interrupt: bool) -> xlen {
  let base = bit_and(tvec, sext(0xfffffffcu));
  if (is_interrupt && ((low(tvec) & 3u) == 1u)) {
    return add(base, zext(code << 2u));
  }
  return base;
}

fn trap_enter(code: u32, is_interrupt: bool, to_supervisor: bool, tval: xlen) {
  if (to_supervisor) {
    hart.sepc = hart.pc;
    hart.scause = trap_cause(code, is_interrupt);
    hart.stval = tval;
    let spie = (hart.mstatus & MSTATUS_SIE) << 4u;
    let spp = select(0u, MSTATUS_SPP, hart.privilege == PRIV_S);
    hart.mstatus = (hart.mstatus & ~(MSTATUS_SPIE | MSTATUS_SPP | MSTATUS_SIE)) | (spie | spp);
    hart.privilege = PRIV_S;
    hart.pc = trap_target(hart.stvec, code, is_interrupt);
  } else {
    hart.mepc = hart.pc;
    hart.mcause = trap_cause(code, is_interrupt);
    hart.mtval = tval;
    let mpie = (hart.mstatus & MSTATUS_MIE) << 4u;
    hart.mstatus = (hart.mstatus & ~(MSTATUS_MPIE | MSTATUS_MPP | MSTATUS_MIE)) | (mpie | (hart.privilege << 11u));
    hart.privilege = PRIV_M;
    hart.pc = trap_target(hart.mtvec, code, is_interrupt);
  }
  hart.lr_valid = 0u;
}

// An exception by the instruction that is being executed: it does not retire.
fn trap_raise(code: u32, tval: xlen) {
  exception_raised = true;
  exception_code = code;
  exception_tval = tval;
  jumped = true;
  request_poll();
}

fn trap_illegal(ins: u32) {
  trap_raise(CAUSE_ILLEGAL_INSTRUCTION, zext(ins));
}

// mip as it reads: what software set, and the lines of the devices.
fn mip_now() -> u32 {
  var pending = hart.mip;
  if (stimer_enabled()) {
    pending = pending & ~(1u << IRQ_S_TIMER);
  }
  pending |= (aclint.msip << IRQ_M_SOFTWARE);
  pending |= (u32(mtimer_pending()) << IRQ_M_TIMER);
  pending |= (u32(stimer_pending()) << IRQ_S_TIMER);
  pending |= (u32(plic_pending(0u)) << IRQ_M_EXTERNAL);
  pending |= (u32(plic_pending(1u)) << IRQ_S_EXTERNAL);
  return pending;
}

// The interrupt of the highest priority among `pending` (not 0).
fn interrupt_first(pending: u32) -> u32 {
  if ((pending & (1u << IRQ_M_EXTERNAL)) != 0u) {
    return IRQ_M_EXTERNAL;
  }
  if ((pending & (1u << IRQ_M_SOFTWARE)) != 0u) {
    return IRQ_M_SOFTWARE;
  }
  if ((pending & (1u << IRQ_M_TIMER)) != 0u) {
    return IRQ_M_TIMER;
  }
  if ((pending & (1u << IRQ_S_EXTERNAL)) != 0u) {
    return IRQ_S_EXTERNAL;
  }
  if ((pending & (1u << IRQ_S_SOFTWARE)) != 0u) {
    return IRQ_S_SOFTWARE;
  }
  return IRQ_S_TIMER;
}

// Enters the trap of the exception that the last instruction raised, if it did.
fn trap_take_exception() {
  if (!exception_raised) {
    return;
  }
  exception_raised = false;
  if ((hart.mcountinhibit & COUNTEREN_IR) == 0u) {
    hart.minstret_offset = dword_sub(hart.minstret_offset, dword_make(1u, 0u));
  }
  let delegated = (hart.privilege != PRIV_M) && (((hart.medeleg >> exception_code) & 1u) != 0u);
  trap_enter(exception_code, false, delegated, exception_tval);
}

// Enters the trap of the first of the pending interrupts, if the hart is open to it.
fn trap_take_interrupt(pending: u32) {
  let for_machine = pending & ~hart.mideleg;
  let machine_open = (hart.privilege != PRIV_M) || ((hart.mstatus & MSTATUS_MIE) != 0u);
  if ((for_machine != 0u) && machine_open) {
    trap_enter(interrupt_first(for_machine), true, false, zext(0u));
    return;
  }
  let for_supervisor = pending & hart.mideleg;
  let supervisor_open = (hart.privilege == PRIV_U) || ((hart.privilege == PRIV_S) && ((hart.mstatus & MSTATUS_SIE) != 0u));
  if ((for_supervisor != 0u) && supervisor_open) {
    trap_enter(interrupt_first(for_supervisor), true, true, zext(0u));
  }
}
