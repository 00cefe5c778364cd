// SPDX-License-Identifier: Apache-2.0
//
// Who may access a CSR: read-only ones cannot be written, those of a higher mode are illegal, and an
// instruction that does not write (csrrs, csrrc with x0, the immediate 0) is allowed on a read-only
// one. mtval is the instruction every time.
#include "common.h"

TEST_BEGIN
  li a0, 0x5a
  li a1, 1
  // Read-only: every form that writes
.irp csr, 0xf11, 0xf12, 0xf13, 0xf14, 0xc00, 0xc01, 0xc02
  EXPECT_ILLEGAL(csrrw a0, \csr, a1)
  EXPECT_ILLEGAL(csrrw x0, \csr, x0)
  EXPECT_ILLEGAL(csrrs a0, \csr, a1)
  EXPECT_ILLEGAL(csrrc a0, \csr, a1)
  EXPECT_ILLEGAL(csrrwi a0, \csr, 0)
  EXPECT_ILLEGAL(csrrsi a0, \csr, 1)
  EXPECT_ILLEGAL(csrrci a0, \csr, 1)
.endr
  CHECK(a0, 0x5a)
.irp csr, 0xf11, 0xf12, 0xf13, 0xf14, 0xc00, 0xc01, 0xc02
  li gp, __LINE__
  csrrs a0, \csr, x0
  csrrc a0, \csr, x0
  csrrsi a0, \csr, 0
  csrrci a0, \csr, 0
.endr
  // No PMP: its registers do not exist.
.irp csr, 0x3a0, 0x3a1, 0x3b0, 0x3bf
  EXPECT_ILLEGAL(csrr a0, \csr)
  EXPECT_ILLEGAL(csrw \csr, a0)
.endr

  // Machine registers from S-mode: reads and writes
.irp csr, mstatus, misa, medeleg, mideleg, mie, mtvec, mcounteren, mscratch, mepc, mcause, mtval, mip, mcountinhibit, mcycle, minstret, mhartid, mvendorid, CSR_MENVCFG
  RUN(MODE_S, 1f)
  TRAP_WAS_ILLEGAL(1f)
  RUN(MODE_S, 2f)
  TRAP_WAS_ILLEGAL(2f)
  RUN(MODE_U, 1f)
  TRAP_WAS_ILLEGAL(1f)
  j 3f
1:
  csrr a0, \csr
  ecall
2:
  csrrsi a0, \csr, 1
  ecall
3:
.endr
  // Supervisor registers from U-mode
.irp csr, sstatus, sie, stvec, scounteren, sscratch, sepc, scause, stval, sip, satp, 0x10a
  RUN(MODE_S, 1f)
  TRAP_CAUSE_WAS(CAUSE_ECALL_S)
  RUN(MODE_U, 1f)
  TRAP_WAS_ILLEGAL(1f)
  RUN(MODE_U, 2f)
  TRAP_WAS_ILLEGAL(2f)
  j 3f
1:
  csrr a0, \csr
  ecall
2:
  csrw \csr, zero
  ecall
3:
.endr
  TEST_END
