// SPDX-License-Identifier: Apache-2.0
// The supervisor binary interface answered by the machine itself, so that no firmware is needed: an
// `ecall` from S-mode with machine.sbi set comes to sbi_call(). RISC-V SBI specification 2.0: BASE,
// TIME, IPI, RFENCE, HSM, SRST, DBCN and the legacy extensions 0 to 8; everything else answers
// SBI_ERR_NOT_SUPPORTED. There is one hart, number 0.
//
// Arguments are a0 to a5, the function is a6, the extension a7; error goes to a0, value to a1, nothing
// else changes (chapter 3, "Binary Encoding"). A call that needs room in the console and finds none is
// retried after the host has drained it: what a guest gets back never depends on how fast that happens.
//
// How to add an extension: its id as a constant, a function sbi_<name>(fid), a line in sbi_call() and
// one in sbi_has_extension().

#import "device/uart.wgsl"
#import "device/plic.wgsl"

const SBI_EXT_BASE: u32 = 0x10u;
const SBI_EXT_TIME: u32 = 0x54494d45u;
const SBI_EXT_IPI: u32 = 0x00735049u;
const SBI_EXT_RFENCE: u32 = 0x52464e43u;
const SBI_EXT_HSM: u32 = 0x0048534du;
const SBI_EXT_SRST: u32 = 0x53525354u;
const SBI_EXT_DBCN: u32 = 0x4442434eu;
const SBI_LEGACY_SET_TIMER: u32 = 0u;
const SBI_LEGACY_PUTCHAR: u32 = 1u;
const SBI_LEGACY_GETCHAR: u32 = 2u;
const SBI_LEGACY_CLEAR_IPI: u32 = 3u;
const SBI_LEGACY_SEND_IPI: u32 = 4u;
const SBI_LEGACY_FENCE_I: u32 = 5u;
const SBI_LEGACY_SFENCE_VMA: u32 = 6u;
const SBI_LEGACY_SFENCE_VMA_ASID: u32 = 7u;
const SBI_LEGACY_SHUTDOWN: u32 = 8u;

// Chapter 3, "Standard SBI Errors". Sign-extended to XLEN by sbi_return().
const SBI_SUCCESS: u32 = 0u;
const SBI_ERR_NOT_SUPPORTED: u32 = 0xfffffffeu;      // -2
const SBI_ERR_INVALID_PARAM: u32 = 0xfffffffdu;      // -3
const SBI_ERR_ALREADY_AVAILABLE: u32 = 0xfffffffau;  // -6

const SBI_SPEC_VERSION: u32 = 0x02000000u;  // 2.0: the major number in bits 24 to 30
const SBI_IMPL_ID: u32 = 0x726f6f6bu;       // "rook"; the specification's list ends far below
const SBI_IMPL_VERSION: u32 = 1u;

const SBI_SUSPEND_RETENTIVE: u32 = 0u;
const SBI_SUSPEND_NON_RETENTIVE: u32 = 0x80000000u;
const SBI_RESET_SHUTDOWN: u32 = 0u;
const SBI_RESET_WARM: u32 = 2u;
const SBI_REASON_NONE: u32 = 0u;
const SBI_REASON_FAILURE: u32 = 1u;

// One console write takes at most this many bytes and says so (chapter 12 allows it). A bound that does
// not depend on the ring's present room, so that every engine answers alike; below CONSOLE_RING_BYTES.
const SBI_CONSOLE_WRITE_MAX: u32 = 1024u;

const SBI_MIP_SSIP: u32 = 1u << IRQ_S_SOFTWARE;

fn sbi_call() {
  let fid = low(hart.x[16]);
  switch (low(hart.x[17])) {
    case SBI_EXT_BASE: { sbi_base(fid); }
    case SBI_EXT_TIME: { sbi_time(fid); }
    case SBI_EXT_IPI: { sbi_ipi(fid); }
    case SBI_EXT_RFENCE: { sbi_rfence(fid); }
    case SBI_EXT_HSM: { sbi_hsm(fid); }
    case SBI_EXT_SRST: { sbi_srst(fid); }
    case SBI_EXT_DBCN: { sbi_dbcn(fid); }
    case SBI_LEGACY_SET_TIMER: {
      sbi_set_timer();
      hart.x[10] = zext(0u);
    }
    case SBI_LEGACY_PUTCHAR: {
      if (console_room() == 0u) { exit_retry(EXIT_CONSOLE_FULL, 0u); return; }
      console_print(low(hart.x[10]) & 0xffu);
      hart.x[10] = zext(0u);
    }
    case SBI_LEGACY_GETCHAR: {
      if (uart.rx_count == 0u) {
        hart.x[10] = sext(0xffffffffu);
      } else {
        let byte = uart_rx_pop();
        hart.x[10] = zext(byte);
        request_poll();
      }
    }
    case SBI_LEGACY_CLEAR_IPI: {  // 1 if one was pending
      hart.x[10] = zext((hart.mip & SBI_MIP_SSIP) >> IRQ_S_SOFTWARE);
      hart.mip &= ~SBI_MIP_SSIP;
      request_poll();
    }
    // The mask of these is a pointer to virtual memory. It is not read: the only hart that it can name
    // is the caller.
    case SBI_LEGACY_SEND_IPI: {
      sbi_raise_ipi();
      hart.x[10] = zext(0u);
    }
    case SBI_LEGACY_FENCE_I: {
      hart.x[10] = zext(0u);
    }
    case SBI_LEGACY_SFENCE_VMA, SBI_LEGACY_SFENCE_VMA_ASID: {
      tlb_flush();
      hart.x[10] = zext(0u);
    }
    case SBI_LEGACY_SHUTDOWN: { exit_raise(EXIT_SHUTDOWN, 0u, 0u); }
    default: { sbi_return(SBI_ERR_NOT_SUPPORTED, 0u); }
  }
}

fn sbi_return(error: u32, value: u32) {
  hart.x[10] = sext(error);
  hart.x[11] = zext(value);
}

// Chapter 4, "Base Extension".
fn sbi_base(fid: u32) {
  switch (fid) {
    case 0u: { sbi_return(SBI_SUCCESS, SBI_SPEC_VERSION); }
    case 1u: { sbi_return(SBI_SUCCESS, SBI_IMPL_ID); }
    case 2u: { sbi_return(SBI_SUCCESS, SBI_IMPL_VERSION); }
    case 3u: { sbi_return(SBI_SUCCESS, select(0u, 1u, sbi_has_extension(low(hart.x[10])))); }
    case 4u, 5u, 6u: { sbi_return(SBI_SUCCESS, 0u); }  // mvendorid, marchid, mimpid: as the CSRs
    default: { sbi_return(SBI_ERR_NOT_SUPPORTED, 0u); }
  }
}

fn sbi_has_extension(eid: u32) -> bool {
  var known = eid <= SBI_LEGACY_SHUTDOWN;
  switch (eid) {
    case SBI_EXT_BASE, SBI_EXT_TIME, SBI_EXT_IPI, SBI_EXT_RFENCE, SBI_EXT_HSM, SBI_EXT_SRST, SBI_EXT_DBCN: {
      known = true;
    }
    default: {
    }
  }
  return known;
}

// Chapter 6, "Timer Extension". The supervisor's timer interrupt is the comparison of Sstc, so setting
// the time also clears what is pending.
fn sbi_time(fid: u32) {
  if (fid != 0u) { sbi_return(SBI_ERR_NOT_SUPPORTED, 0u); return; }
  sbi_set_timer();
  sbi_return(SBI_SUCCESS, 0u);
}

// A 64-bit argument is a pair of registers on RV32, a0 the low one.
fn sbi_set_timer() {
  hart.stimecmp = dword_make(low(hart.x[10]), select(high(hart.x[10]), low(hart.x[11]), XLEN == 32u));
  request_poll();
}

// Chapter 3, "Hart list parameter": the mask of harts in a0 and the number of its first in a1.
fn sbi_mask_is_valid() -> bool {
  if (eq(hart.x[11], sext(0xffffffffu))) { return true; }  // all harts, whatever the mask
  return eq(hart.x[11], zext(0u)) && eq(bit_and(hart.x[10], sext(0xfffffffeu)), zext(0u));
}

fn sbi_mask_has_hart() -> bool {
  return eq(hart.x[11], sext(0xffffffffu)) || ((low(hart.x[10]) & 1u) != 0u);
}

fn sbi_raise_ipi() {
  hart.mip |= SBI_MIP_SSIP;
  request_poll();
}

// Chapter 7, "IPI Extension".
fn sbi_ipi(fid: u32) {
  if (fid != 0u) { sbi_return(SBI_ERR_NOT_SUPPORTED, 0u); return; }
  if (!sbi_mask_is_valid()) { sbi_return(SBI_ERR_INVALID_PARAM, 0u); return; }
  if (sbi_mask_has_hart()) { sbi_raise_ipi(); }
  sbi_return(SBI_SUCCESS, 0u);
}

// Chapter 8, "RFENCE Extension". Instruction fetch sees every store, so a remote fence.i has nothing to
// do. A ranged sfence.vma may always flush more. 3 to 6 need the hypervisor extension.
fn sbi_rfence(fid: u32) {
  if (fid > 2u) { sbi_return(SBI_ERR_NOT_SUPPORTED, 0u); return; }
  if (!sbi_mask_is_valid()) { sbi_return(SBI_ERR_INVALID_PARAM, 0u); return; }
  if ((fid != 0u) && sbi_mask_has_hart()) { tlb_flush(); }
  sbi_return(SBI_SUCCESS, 0u);
}

// Chapter 9, "Hart State Management Extension".
fn sbi_hsm(fid: u32) {
  switch (fid) {
    case 0u: {  // hart_start: hart 0 runs already, there is no other
      sbi_return(select(SBI_ERR_INVALID_PARAM, SBI_ERR_ALREADY_AVAILABLE, eq(hart.x[10], zext(0u))), 0u);
    }
    case 1u: {  // hart_stop: the last hart; nobody is left to start it again
      exit_raise(EXIT_SHUTDOWN, 0u, 0u);
    }
    case 2u: {  // hart_get_status: 0 is STARTED
      sbi_return(select(SBI_ERR_INVALID_PARAM, SBI_SUCCESS, eq(hart.x[10], zext(0u))), 0u);
    }
    case 3u: {
      sbi_hart_suspend(low(hart.x[10]));
    }
    default: { sbi_return(SBI_ERR_NOT_SUPPORTED, 0u); }
  }
}

fn sbi_hart_suspend(kind: u32) {
  if (kind == SBI_SUSPEND_RETENTIVE) {  // the same as a wfi, which ends with the next interrupt
    sbi_return(SBI_SUCCESS, 0u);
    hart.waiting = 1u;
    request_poll();
    return;
  }
  sbi_return(select(SBI_ERR_INVALID_PARAM, SBI_ERR_NOT_SUPPORTED, kind == SBI_SUSPEND_NON_RETENTIVE), 0u);
}

// Chapter 10, "System Reset Extension".
fn sbi_srst(fid: u32) {
  if (fid != 0u) { sbi_return(SBI_ERR_NOT_SUPPORTED, 0u); return; }
  let kind = low(hart.x[10]);
  let reason = low(hart.x[11]);
  if ((kind > SBI_RESET_WARM) || (reason > SBI_REASON_FAILURE)) {
    sbi_return(SBI_ERR_INVALID_PARAM, 0u);
    return;
  }
  if (kind == SBI_RESET_SHUTDOWN) {
    exit_raise(EXIT_SHUTDOWN, reason, reason);  // SBI_REASON_FAILURE is status 1, a failure
  } else {
    exit_raise(EXIT_REBOOT, kind - 1u, 0u);
  }
}

// Chapter 3, "Shared memory physical address range parameter": a0 bytes from the address in a1 (low)
// and a2 (high) must be RAM.
fn sbi_range_is_ram() -> bool {
  if (!eq(hart.x[12], zext(0u)) || (high(hart.x[11]) != 0u) || (high(hart.x[10]) != 0u)) { return false; }
  let offset = low(hart.x[11]) - RAM_BASE;  // wraps around to beyond RAM when below
  return (offset <= machine.ram_bytes) && (low(hart.x[10]) <= (machine.ram_bytes - offset));
}

// Chapter 12, "Debug Console Extension".
fn sbi_dbcn(fid: u32) {
  if (fid > 2u) { sbi_return(SBI_ERR_NOT_SUPPORTED, 0u); return; }
  if (fid == 2u) {
    if (console_room() == 0u) { exit_retry(EXIT_CONSOLE_FULL, 0u); return; }
    console_print(low(hart.x[10]) & 0xffu);
    sbi_return(SBI_SUCCESS, 0u);
    return;
  }
  if (!sbi_range_is_ram()) { sbi_return(SBI_ERR_INVALID_PARAM, 0u); return; }
  if (fid == 0u) { sbi_console_write(); } else { sbi_console_read(); }
}

fn sbi_console_write() {
  let count = min(low(hart.x[10]), SBI_CONSOLE_WRITE_MAX);
  let start_pa = low(hart.x[11]);
  if (console_room() < count) { exit_retry(EXIT_CONSOLE_FULL, 0u); return; }
  var word = 0u;
  for (var i = 0u; i < count; i++) {
    let pa = start_pa + i;
    if ((i == 0u) || ((pa & 3u) == 0u)) { word = ram_load(pa & 0xfffffffcu); }
    console_print((word >> ((pa & 3u) * 8u)) & 0xffu);
  }
  sbi_return(SBI_SUCCESS, count);
}

fn sbi_console_read() {
  let count = min(low(hart.x[10]), uart.rx_count);
  let start_pa = low(hart.x[11]);
  for (var i = 0u; i < count; i++) {
    let pa = start_pa + i;
    let shift = (pa & 3u) * 8u;
    let byte = uart.rx[(uart.rx_head + i) & (UART_FIFO_BYTES - 1u)];
    ram_store(pa & 0xfffffffcu, byte << shift, 0xffu << shift);
    // A store that finds no page for itself stops the machine, to come here again. So the bytes leave
    // the FIFO only after all of them are stored.
    if (machine.run_state != EXIT_NONE) { return; }
  }
  for (var i = 0u; i < count; i++) { uart_rx_pop(); }
  request_poll();
  sbi_return(SBI_SUCCESS, count);
}
