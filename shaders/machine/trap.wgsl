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
  hook_trap(code, is_interrupt, tval);
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

// mtval is the instruction; one whose low bits are not 11 is 16 bits long.
fn trap_illegal(ins: u32) {
  trap_raise(CAUSE_ILLEGAL_INSTRUCTION, zext(select(ins & 0xffffu, ins, (ins & 3u) == 3u)));
}

// The interrupt lines of the devices as bits of mip, as of the last poll. Whatever moves a line requests a
// poll, and a timer that fires is a poll, so they are right at every instruction.
var<private> mip_lines: u32;

// mip as it reads: what software set, and the lines.
fn mip_now() -> u32 {
  let software = select(hart.mip, hart.mip & ~(1u << IRQ_S_TIMER), stimer_enabled());
  return software | mip_lines;
}

// The interrupt of the highest priority among `pending`: external before software before timer, machine
// before supervisor (section 3.1.9).
fn interrupt_first(pending: u32) -> u32 {
  let of_machine = (pending & M_INTERRUPTS) != 0u;
  let level = select(S_INTERRUPTS, M_INTERRUPTS, of_machine);
  let candidates = pending & level;
  let externals = candidates & ((1u << IRQ_M_EXTERNAL) | (1u << IRQ_S_EXTERNAL));
  let software = candidates & ((1u << IRQ_M_SOFTWARE) | (1u << IRQ_S_SOFTWARE));
  return firstTrailingBit(select(select(candidates, software, software != 0u), externals, externals != 0u));
}

// Enters the trap that is due at this boundary: the exception that the last instruction raised, or the
// first of the pending interrupts if the hart is open to it.
fn trap_take(pending: u32) {
  var due = exception_raised;
  var code = exception_code;
  var to_supervisor = (hart.privilege != PRIV_M) && (((hart.medeleg >> (exception_code & 31u)) & 1u) != 0u);
  if (exception_raised) {
    if ((hart.mcountinhibit & COUNTEREN_IR) == 0u) {
      hart.minstret_offset = dword_sub(hart.minstret_offset, dword_make(1u, 0u));
    }
  } else if (pending != 0u) {
    let for_machine = pending & ~hart.mideleg;
    let machine_open = (hart.privilege != PRIV_M) || ((hart.mstatus & MSTATUS_MIE) != 0u);
    let for_supervisor = pending & hart.mideleg;
    let supervisor_open = (hart.privilege == PRIV_U) ||
      ((hart.privilege == PRIV_S) && ((hart.mstatus & MSTATUS_SIE) != 0u));
    to_supervisor = (for_machine == 0u) || !machine_open;
    let open = select(machine_open, supervisor_open, to_supervisor);
    let first = select(for_machine, for_supervisor, to_supervisor);
    due = open && (first != 0u);
    code = interrupt_first(first);
  }
  if (due) {
    trap_enter(code, !exception_raised, to_supervisor, select(zext(0u), exception_tval, exception_raised));
  }
  exception_raised = false;
}
