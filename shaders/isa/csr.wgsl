// SPDX-License-Identifier: Apache-2.0
// Shared module: access to control and status registers, and what isa/csr.def's rows call. The rows
// become csr_read(number) and csr_write(number, value); both set csr_missing if there is no such row.

#import "isa/fields.wgsl"
#import "machine/trap.wgsl"

var<private> csr_missing: bool;

// The counter that the register is a part of: cycle, time or instret, all 64 bits.
var<private> csr_counter: dword;

// Zicsr's six instructions. Unprivileged ISA, section 7.1.
fn csr_instruction(ins: u32) {
  let number = ins >> 20u;
  let funct3 = (ins >> 12u) & 7u;
  let operation = funct3 & 3u;  // 1 write, 2 set, 3 clear
  let source = field_rs1(ins);
  // csrrs and csrrc with x0 (or a zero immediate) do not write at all.
  let writes = (operation == 1u) || (source != 0u);
  if (!csr_allowed(number, writes)) {
    trap_illegal(ins);
    return;
  }
  csr_missing = false;
  csr_counter = counter_read(number);
  let old = csr_read(number);
  if (csr_missing) {
    trap_illegal(ins);
    return;
  }
  if (writes) {
    let operand = select(hart.x[source], zext(source), funct3 >= 4u);
    // Section 3.1.9: setting or clearing bits of mip works on what software wrote, not on the lines.
    let base = select(old, zext(hart.mip), (number & 0xcffu) == 0x044u);
    var value = operand;
    if (operation == 2u) {
      value = bit_or(base, operand);
    } else if (operation == 3u) {
      value = bit_and(base, bit_not(operand));
    }
    csr_write(number, value);
    counter_write(number);
  }
  set_rd(ins, old);
}

// Privilege, read-only registers, and the bits that close a register to lower modes.
fn csr_allowed(number: u32, writes: bool) -> bool {
  if (hart.privilege < ((number >> 8u) & 3u)) {
    return false;
  }
  if (writes && ((number >> 10u) == 3u)) {
    return false;
  }
  // Counters: c00 to c1f and c80 to c9f, through mcounteren and scounteren (sections 3.1.11, 12.1.5).
  if ((number & 0xf60u) == 0xc00u) {
    let bit = 1u << (number & 31u);
    if ((hart.privilege != PRIV_M) && ((hart.mcounteren & bit) == 0u)) {
      return false;
    }
    if ((hart.privilege == PRIV_U) && ((hart.scounteren & bit) == 0u)) {
      return false;
    }
  }
  // satp under TVM (section 3.1.6.5).
  if ((number == 0x180u) && (hart.privilege == PRIV_S)) {
    return (hart.mstatus & MSTATUS_TVM) == 0u;
  }
  // stimecmp needs STCE and mcounteren.TM in S-mode (Sstc, chapter 2).
  if (((number & 0xfefu) == 0x14du) && (hart.privilege == PRIV_S)) {
    return stimer_enabled() && ((hart.mcounteren & COUNTEREN_TM) != 0u);
  }
  return true;
}

// Registers that the specification wants to exist and lets be zero: hpmcounter3 to 31, their machine
// versions and events. (isa/csr.def's rows come first.)
fn csr_is_zero(number: u32) -> bool {
  let index = number & 31u;
  let block = number & 0xfe0u;
  if (index < 3u) {
    return false;
  }
  if ((block == 0xc00u) || (block == 0xb00u) || (block == 0x320u)) {
    return true;
  }
  return (XLEN == 32u) && ((block == 0xc80u) || (block == 0xb80u));
}

// A write to a read-only register never comes this far.
fn csr_read_only() {
}

// A register whose every write is ignored.
fn csr_keep() {
}

fn csr_mstatus() -> xlen {
  return xlen_from_dword(dword_make(hart.mstatus, MSTATUS64_HIGH));
}

fn csr_sstatus() -> xlen {
  return xlen_from_dword(dword_make(hart.mstatus & SSTATUS_WRITABLE, SSTATUS64_HIGH));
}

fn csr_misa() -> xlen {
  let mxl = sll(zext(XLEN >> 5u), zext(XLEN - 2u));
  return bit_or(mxl, zext(MISA_IMASU));
}

fn csr_write_mstatus(value: u32, writable: u32) {
  var next = (hart.mstatus & ~writable) | (value & writable);
  // MPP is WARL: 2 is no privilege level.
  if ((next & MSTATUS_MPP) == (2u << 11u)) {
    next = (next & ~MSTATUS_MPP) | (hart.mstatus & MSTATUS_MPP);
  }
  // Only what opens the hart to interrupts, or changes the access context, has to be acted on.
  let opened = (next & ~hart.mstatus) & (MSTATUS_SIE | MSTATUS_MIE);
  let context = (next ^ hart.mstatus) & (MSTATUS_SUM | MSTATUS_MXR | MSTATUS_MPRV | MSTATUS_MPP);
  hart.mstatus = next;
  if ((opened | context) != 0u) {
    request_poll();
  }
}

fn csr_write_mie(value: u32, writable: u32) {
  hart.mie = (hart.mie & ~writable) | (value & writable);
  request_poll();
}

fn csr_write_mip(value: u32, writable: u32) {
  // With Sstc, STIP is the comparator's.
  let stip = select(0u, 1u << IRQ_S_TIMER, stimer_enabled());
  let mask = writable & ~stip;
  hart.mip = (hart.mip & ~mask) | (value & mask);
  request_poll();
}

fn csr_write_mideleg(value: u32) {
  hart.mideleg = value & S_INTERRUPTS;
  request_poll();
}

// Direct and vectored are legal modes; the reserved ones read back as direct.
fn csr_legal_tvec(value: xlen) -> xlen {
  let base = bit_and(value, sext(0xfffffffcu));
  return select(base, bit_or(base, zext(1u)), (low(value) & 3u) == 1u);
}

// RV64: only Bare exists, so that a write of any other mode has no effect (section 12.1.11).
fn csr_write_satp(value: xlen) {
  if (XLEN == 32u) {
    hart.satp = zext(low(value) & (SATP32_MODE | SATP32_PPN));
  }
  tlb_flush();
}

fn csr_write_stimecmp(value: xlen) {
  hart.stimecmp = csr_merge_low(hart.stimecmp, value);
  request_poll();
}

fn csr_write_stimecmph(value: u32) {
  hart.stimecmp = dword_make(dword_lo(hart.stimecmp), value);
  request_poll();
}

fn csr_menvcfg() -> xlen {
  return xlen_from_dword(dword_make(hart.menvcfg, hart.menvcfgh));
}

fn csr_write_menvcfg(value: xlen) {
  hart.menvcfg = low(value) & ENVCFG_FIOM;
  if (XLEN == 64u) {
    csr_write_menvcfgh(high(value));
  }
}

fn csr_write_menvcfgh(value: u32) {
  hart.menvcfgh = value & MENVCFGH_STCE;
  request_poll();
}

// Stopping a counter freezes its value, starting it goes on from there.
fn csr_write_mcountinhibit(value: u32) {
  let cycle = counter_now(hart.mcycle_offset, COUNTEREN_CY);
  let instret = counter_now(hart.minstret_offset, COUNTEREN_IR);
  hart.mcountinhibit = value & (COUNTEREN_CY | COUNTEREN_IR);
  hart.mcycle_offset = counter_offset(cycle, COUNTEREN_CY, 0u);
  hart.minstret_offset = counter_offset(instret, COUNTEREN_IR, 0u);
}

// Counters are registers 0 (cycle), 1 (time) and 2 (instret) of the blocks b00, b80, c00 and c80.
fn counter_is(number: u32) -> bool {
  return ((number & 0xf60u) == 0xc00u) || ((number & 0xf60u) == 0xb00u);
}

fn counter_read(number: u32) -> dword {
  if (!counter_is(number)) {
    return dword_make(0u, 0u);
  }
  if ((number & 31u) == 1u) {
    return mtime_now();
  }
  let instret = (number & 31u) == 2u;
  return counter_now(select(hart.mcycle_offset, hart.minstret_offset, instret),
    select(COUNTEREN_CY, COUNTEREN_IR, instret));
}

// A written counter holds the value after the writing instruction (section 3.1.10).
fn counter_write(number: u32) {
  if (counter_is(number)) {
    if ((number & 31u) == 2u) {
      hart.minstret_offset = counter_offset(csr_counter, COUNTEREN_IR, 1u);
    } else {
      hart.mcycle_offset = counter_offset(csr_counter, COUNTEREN_CY, 1u);
    }
  }
}

// A write of a 64-bit register's low half on RV32 keeps the high half.
fn csr_merge_low(old: dword, value: xlen) -> dword {
  return select(dword_from_xlen(value), dword_make(low(value), dword_hi(old)), XLEN == 32u);
}
