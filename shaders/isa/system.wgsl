// SPDX-License-Identifier: Apache-2.0
// Shared module: environment calls and the privileged instructions. Privileged ISA, sections 3.3, 12.2.

#import "machine/trap.wgsl"
#import "sbi/sbi.wgsl"

fn system_ecall() {
  if ((hart.privilege == PRIV_S) && (machine.sbi != 0u)) {
    sbi_call();
    return;
  }
  // Causes 8, 9 and 11 are user, supervisor and machine.
  trap_raise(CAUSE_USER_ECALL + hart.privilege, zext(0u));
}

fn system_ebreak() {
  trap_raise(CAUSE_BREAKPOINT, hart.pc);
}

fn system_sret(ins: u32) {
  if ((hart.privilege == PRIV_U) || ((hart.privilege == PRIV_S) && ((hart.mstatus & MSTATUS_TSR) != 0u))) {
    trap_illegal(ins);
    return;
  }
  let to_supervisor = (hart.mstatus & MSTATUS_SPP) != 0u;
  let sie = (hart.mstatus & MSTATUS_SPIE) >> 4u;
  // Returning to a mode below M clears MPRV.
  let cleared = MSTATUS_SIE | MSTATUS_SPP | MSTATUS_MPRV;
  hart.mstatus = (hart.mstatus & ~cleared) | (sie | MSTATUS_SPIE);
  system_return(select(PRIV_U, PRIV_S, to_supervisor), hart.sepc);
}

fn system_mret(ins: u32) {
  if (hart.privilege != PRIV_M) {
    trap_illegal(ins);
    return;
  }
  let privilege = (hart.mstatus & MSTATUS_MPP) >> 11u;
  let mie = (hart.mstatus & MSTATUS_MPIE) >> 4u;
  let mprv = select(MSTATUS_MPRV, 0u, privilege == PRIV_M);
  let cleared = MSTATUS_MIE | MSTATUS_MPP | mprv;
  hart.mstatus = (hart.mstatus & ~cleared) | (mie | MSTATUS_MPIE);
  system_return(privilege, hart.mepc);
}

fn system_return(privilege: u32, target_pc: xlen) {
  hart.privilege = privilege;
  hart.pc = target_pc;
  hart.lr_valid = 0u;
  jumped = true;
  request_poll();
}

// Sections 3.3.3 and 3.1.6.5: illegal in U-mode, and in S-mode under TW.
fn system_wfi(ins: u32) {
  if ((hart.privilege == PRIV_U) || ((hart.privilege == PRIV_S) && ((hart.mstatus & MSTATUS_TW) != 0u))) {
    trap_illegal(ins);
    return;
  }
  hart.waiting = 1u;
  request_poll();
}

// Every sfence.vma flushes the whole TLB: there are few entries, and no ASIDs.
fn system_sfence_vma(ins: u32) {
  if ((hart.privilege == PRIV_U) || ((hart.privilege == PRIV_S) && ((hart.mstatus & MSTATUS_TVM) != 0u))) {
    trap_illegal(ins);
    return;
  }
  tlb_flush();
}
