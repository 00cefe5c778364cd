// SPDX-License-Identifier: Apache-2.0
//
// Machine-mode CSRs: what reset leaves, which bits can be written, what the six instructions do.
// Legal values that differ between Rookery and QEMU, both within the specification, are in
// trap_rookery.S.
#include "common.h"

// The bits `mask` of `csr` can be written, to ones and to zeros; afterwards it is 0 again.
#define WRITABLE(csr, mask) writable __LINE__, csr, mask
// The bits `mask` of `csr` stay 0.
#define ALWAYS_ZERO(csr, mask) always_zero __LINE__, csr, mask

.macro writable line, csr, mask
  li a1, \mask
  csrw \csr, a1
  csrr a0, \csr
  and a0, a0, a1
  check_regs \line, a0, a1
  csrc \csr, a1
  csrr a0, \csr
  and a0, a0, a1
  check_reg \line, a0, 0
  csrs \csr, a1
  csrr a0, \csr
  and a0, a0, a1
  check_regs \line, a0, a1
  csrw \csr, zero
  csrr a0, \csr
  and a0, a0, a1
  check_reg \line, a0, 0
.endm

.macro always_zero line, csr, mask
  li a1, \mask
  csrs \csr, a1
  csrr a0, \csr
  and a0, a0, a1
  check_reg \line, a0, 0
.endm

TEST_BEGIN
  // Reset
  csrr a0, mstatus
  li a1, MSTATUS_MIE+MSTATUS_MPRV
  and a0, a0, a1
  CHECK(a0, 0)
  csrr a0, mhartid
  CHECK(a0, 0)
  csrr a0, misa
#if __riscv_xlen == 32
  CHECK(a0, 0x40141101)
#else
  CHECK(a0, 0x8000000000141101)
#endif
  csrr a0, mie
  CHECK(a0, 0)
  csrr a0, mip
  CHECK(a0, 0)
  csrr a0, satp
  CHECK(a0, 0)
  csrr a0, mvendorid
  CHECK(a0, 0)
  csrr a0, marchid
  csrr a0, mimpid
  csrr a0, mconfigptr
  CHECK(a0, 0)

  // misa ignores writes
  csrr a2, misa
  csrw misa, zero
  csrr a0, misa
  CHECK_REGS(a0, a2)
  li a1, -1
  csrw misa, a1
  csrr a0, misa
  CHECK_REGS(a0, a2)

  // mscratch, mepc, mcause, mtval, sscratch, sepc, scause, stval: plain registers
.irp csr, mscratch, mtval, sscratch, stval
  li a1, -1
  csrw \csr, a1
  csrr a0, \csr
  CHECK(a0, -1)
  li a1, XLEN_MIN+0x1234567
  csrw \csr, a1
  csrr a0, \csr
  CHECK(a0, XLEN_MIN+0x1234567)
  csrw \csr, zero
  csrr a0, \csr
  CHECK(a0, 0)
.endr
.irp csr, mcause, scause
  li a1, INTERRUPT+7
  csrw \csr, a1
  csrr a0, \csr
  CHECK(a0, INTERRUPT+7)
  li a1, 15
  csrw \csr, a1
  csrr a0, \csr
  CHECK(a0, 15)
.endr
.irp csr, mepc, sepc
  li a1, XLEN_MIN+0x1234564
  csrw \csr, a1
  csrr a0, \csr
  CHECK(a0, XLEN_MIN+0x1234564)
  csrw \csr, zero
  csrr a0, \csr
  CHECK(a0, 0)
.endr

  // The six instructions: what is read, what is written
  li a1, 0x12345678
  csrw mscratch, a1
  li a2, 0x55
  csrrw a0, mscratch, a2
  CHECK(a0, 0x12345678)
  csrrs a0, mscratch, zero
  CHECK(a0, 0x55)
  li a2, 0xf0
  csrrs a0, mscratch, a2
  CHECK(a0, 0x55)
  csrrc a0, mscratch, a2
  CHECK(a0, 0xf5)
  csrrc a0, mscratch, zero
  CHECK(a0, 0x05)
  csrrwi a0, mscratch, 31
  CHECK(a0, 0x05)
  csrrsi a0, mscratch, 0
  CHECK(a0, 31)
  csrrci a0, mscratch, 0x15
  CHECK(a0, 31)
  csrrsi a0, mscratch, 0x11
  CHECK(a0, 0x0a)
  csrrwi a0, mscratch, 0
  CHECK(a0, 0x1b)
  csrr a0, mscratch
  CHECK(a0, 0)
  // rd = rs1: a swap
  li a0, 0x77
  csrrw a0, mscratch, a0
  CHECK(a0, 0)
  csrrs a0, mscratch, a0
  CHECK(a0, 0x77)
  li a0, 0x70
  csrrc a0, mscratch, a0
  CHECK(a0, 0x77)
  csrr a0, mscratch
  CHECK(a0, 0x07)
  // rd = x0
  csrrw x0, mscratch, zero
  CHECK(x0, 0)
  csrr a0, mscratch
  CHECK(a0, 0)

  // mstatus
  WRITABLE(mstatus, MSTATUS_SIE+MSTATUS_SPIE+MSTATUS_MPIE+MSTATUS_SPP+MSTATUS_MPP+MSTATUS_MPRV+MSTATUS_SUM+MSTATUS_MXR+MSTATUS_TVM+MSTATUS_TW+MSTATUS_TSR)
  WRITABLE(mstatus, MSTATUS_MIE)
  WRITABLE(mstatus, MSTATUS_MPP_S)
  csrw mstatus, zero
  ALWAYS_ZERO(mstatus, 0x18054) // no WPRI, UBE, XS bits
#if __riscv_xlen == 64
  csrr a0, mstatus
  srli a0, a0, 32
  CHECK(a0, 0xa) // UXL = SXL = 64 bits
  csrr a0, sstatus
  srli a0, a0, 32
  CHECK(a0, 0x2)
#endif
  csrw mstatus, zero

  // mtvec, stvec: direct and vectored, 4-byte base
.irp csr, mtvec, stvec
  csrr s2, \csr
  la a1, fail
  csrw \csr, a1
  csrr a0, \csr
  CHECK_REGS(a0, a1)
  ori a1, a1, 1
  csrw \csr, a1
  csrr a0, \csr
  CHECK_REGS(a0, a1)
  csrw \csr, s2
.endr

  // Interrupt enables, pending bits, delegation
  WRITABLE(mie, IP_ALL)
  WRITABLE(mip, IP_SSI+IP_STI+IP_SEI)
  ALWAYS_ZERO(mip, IP_MSI+IP_MTI+IP_MEI)
  csrr a0, mip
  CHECK(a0, 0)
  WRITABLE(mideleg, IP_SSI+IP_STI+IP_SEI)
  ALWAYS_ZERO(mideleg, IP_MSI+IP_MTI+IP_MEI)
  csrw mideleg, zero
  WRITABLE(medeleg, 0xb1ff)
  csrw medeleg, zero

  // Counters
  WRITABLE(mcounteren, 7)
  WRITABLE(scounteren, 7)
  WRITABLE(mcountinhibit, 5)
  csrw mcountinhibit, zero

  WRITABLE(CSR_MENVCFG, 1) // FIOM
  WRITABLE(0x10a, 1)     // senvcfg.FIOM
  csrw CSR_MENVCFG, zero
#if __riscv_xlen == 32
  csrr a0, CSR_MSTATUSH
  CHECK(a0, 0)
  csrr a0, CSR_MENVCFGH
#endif
  // The other counters exist and are 0.
  csrr a0, mhpmcounter3
  csrr a0, mhpmevent3
  csrr a0, hpmcounter3
#if __riscv_xlen == 32
  csrr a0, mhpmcounter3h
  csrr a0, hpmcounter3h
#endif
  TEST_END
