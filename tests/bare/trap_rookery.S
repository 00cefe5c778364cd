// SPDX-License-Identifier: Apache-2.0
//
// Traps and CSRs where the specification leaves a choice, or QEMU 7.2 departs from it. Rookery's
// choices:
//   mtval of a breakpoint is its address;
//   MPP keeps its value if 2 is written, mtvec's and stvec's reserved modes read back as direct;
//   mepc and sepc are multiples of 4; every bit that means nothing reads 0;
//   marchid and mimpid are 0; satp has no ASID (RV32), and only Bare (RV64).
// And what QEMU 7.2 does not do: mret to a lower mode clears MPRV; csrrs and csrrc with a register
// other than x0 write, even if it holds 0.
// Rookery only.
#include "common.h"

// Exactly the bits `mask` of `csr` can be written.
#define WRITABLE_EXACTLY(csr, mask) writable_exactly __LINE__, csr, mask
.macro writable_exactly line, csr, mask
  csrr s2, \csr
  li a1, -1
  csrw \csr, a1
  csrr a0, \csr
  check_reg \line, a0, \mask
  csrw \csr, zero
  csrr a0, \csr
  check_reg \line, a0, 0
  csrw \csr, s2
.endm

TEST_BEGIN
  EXPECT_TRAP_LABEL(CAUSE_BREAKPOINT, 98b, ebreak)
  la a1, just_ebreak
  RUN(MODE_S, just_ebreak)
  TRAP_WAS_REG(CAUSE_BREAKPOINT, just_ebreak, a1)
  RUN(MODE_U, just_ebreak)
  TRAP_WAS_REG(CAUSE_BREAKPOINT, just_ebreak, a1)

  // mret clears MPRV when it leaves M-mode, and keeps it when it does not.
  li a1, MSTATUS_MPRV
  li a0, MSTATUS_MPP
  csrs mstatus, a0
  csrs mstatus, a1
  la a0, 1f
  csrw mepc, a0
  mret
1:
  csrr a0, mstatus
  and a0, a0, a1
  CHECK(a0, MSTATUS_MPRV)
  csrc mstatus, a1
.irp mode, MODE_S, MODE_U
  expect_begin __LINE__
  li t6, MSTATUS_MPP
  csrc mstatus, t6
  li t6, (\mode<<11)
  csrs mstatus, t6
  la t6, just_ecall
  csrw mepc, t6
  csrs mstatus, a1
  mret
99:
  TRAP_CAUSE_WAS((CAUSE_ECALL_U+\mode))
  trap_status a0
  and a0, a0, a1
  CHECK(a0, 0)
.endr
  // sret clears it from M-mode, too.
  la t6, just_ecall
  csrw sepc, t6
  expect_begin __LINE__
  csrs mstatus, a1
  sret
99:
  TRAP_CAUSE_WAS(CAUSE_ECALL_U)
  trap_status a0
  and a0, a0, a1
  CHECK(a0, 0)

  // csrrs and csrrc write when rs1 is not x0, whatever it holds.
  li a1, 0
.irp csr, 0xf11, 0xf14, 0xc00, 0xc01
  EXPECT_ILLEGAL(csrrs a0, \csr, a1)
  EXPECT_ILLEGAL(csrrc a0, \csr, a1)
.endr

  // MPP is one of U, S, M.
  li a0, MSTATUS_MPP
  csrc mstatus, a0
  li a1, 0x1000
  csrs mstatus, a1
  csrr a0, mstatus
  li a2, MSTATUS_MPP
  and a0, a0, a2
  CHECK(a0, 0)
  csrs mstatus, a2
  li a1, MSTATUS_MPP_S
  csrc mstatus, a1
  csrr a0, mstatus
  and a0, a0, a2
  CHECK(a0, MSTATUS_MPP)

  // Exact legal values
  WRITABLE_EXACTLY(mie, IP_ALL)
#if __riscv_xlen == 32
  li a1, -1
  csrw mstatus, a1
  csrr a0, mstatus
  CHECK(a0, 0x007e19aa)
  csrr a0, sstatus
  CHECK(a0, 0x000c0122)
  csrw mstatus, zero
  csrr a0, mstatus
  CHECK(a0, 0)
  WRITABLE_EXACTLY(CSR_MENVCFGH, 0x80000000)
  WRITABLE_EXACTLY(CSR_MENVCFG, 1)
  // satp: MODE and PPN; the ASID is 0. (Mode Sv32 does nothing to M-mode.)
  WRITABLE_EXACTLY(satp, 0x803fffff)
#else
  li a1, -1
  csrw mstatus, a1
  csrr a0, mstatus
  CHECK(a0, 0xa007e19aa)
  csrr a0, sstatus
  CHECK(a0, 0x2000c0122)
  csrw mstatus, zero
  csrr a0, mstatus
  CHECK(a0, 0xa00000000)
  WRITABLE_EXACTLY(CSR_MENVCFG, 0x8000000000000001)
  WRITABLE_EXACTLY(satp, 0)
  li a1, 0x8000000000080000 // Sv39
  csrw satp, a1
  csrr a0, satp
  CHECK(a0, 0)
#endif
  WRITABLE_EXACTLY(mip, IP_SSI+IP_STI+IP_SEI)
  WRITABLE_EXACTLY(mideleg, IP_SSI+IP_STI+IP_SEI)
  WRITABLE_EXACTLY(medeleg, 0xb3ff)
  WRITABLE_EXACTLY(mcounteren, 7)
  WRITABLE_EXACTLY(scounteren, 7)
  WRITABLE_EXACTLY(0x10a, 1) // senvcfg
  WRITABLE_EXACTLY(mcountinhibit, 5)
  WRITABLE_EXACTLY(mepc, -4)
  WRITABLE_EXACTLY(sepc, -4)
  WRITABLE_EXACTLY(mcause, -1)
  WRITABLE_EXACTLY(scause, -1)
.irp csr, mtvec, stvec
  csrr s2, \csr
  li a1, 0x80000003
  csrw \csr, a1
  csrr a0, \csr
  li a1, 0x80000000
  CHECK_REGS(a0, a1)
  li a1, 0x80000002
  csrw \csr, a1
  csrr a0, \csr
  li a1, 0x80000000
  CHECK_REGS(a0, a1)
  li a1, 0x80000001
  csrw \csr, a1
  csrr a0, \csr
  CHECK_REGS(a0, a1)
  csrw \csr, s2
.endr
  csrr a0, marchid
  CHECK(a0, 0)
  csrr a0, mimpid
  CHECK(a0, 0)
  // Registers that exist, are 0 and ignore writes
.irp csr, 0x7a0, 0x7a1, 0x7a2, 0x7a3, mhpmcounter3, mhpmcounter31, mhpmevent3, mhpmevent31
  li a1, -1
  csrw \csr, a1
  csrr a0, \csr
  CHECK(a0, 0)
.endr

  // Counters count steps: instret does not count an instruction that trapped, cycle does.
  csrr a0, mcycle
  csrr a1, mcycle
  sub a0, a1, a0
  CHECK(a0, 1)
  csrr a0, minstret
  csrr a1, minstret
  sub a0, a1, a0
  CHECK(a0, 1)
  // A written counter holds the value after the writing instruction.
  li a0, 1000
  csrw minstret, a0
  csrr a0, minstret
  CHECK(a0, 1000)
  li a0, 2000
  csrw mcycle, a0
  nop
  csrr a0, mcycle
  CHECK(a0, 2001)
  la a0, counting_handler
  csrw mtvec, a0
  csrr a0, mcycle
  csrr a1, minstret
  ecall
counting_return:
  sub a2, a2, a0
  sub a3, a3, a1
  CHECK(a2, 3) // csrr, ecall, csrr
  CHECK(a3, 3) // csrr, csrr, nop: not the ecall
  la a0, m_trap
  csrw mtvec, a0
  TEST_END

  .balign 4
counting_handler:
  csrr a2, mcycle
  nop
  csrr a3, minstret
  j counting_return

just_ecall:
  ecall
just_ebreak:
  ebreak
