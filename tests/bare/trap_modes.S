// SPDX-License-Identifier: Apache-2.0
//
// ecall, ebreak, mret, sret and the stack of privilege modes in mstatus; TVM, TW and TSR; traps taken
// inside a trap handler. No delegation here (delegation.S).
#include "common.h"

TEST_BEGIN
  // ecall: cause by mode, mtval 0, mepc itself
  EXPECT_TRAP(CAUSE_ECALL_M, 0, ecall)
  RUN(MODE_S, just_ecall)
  TRAP_WAS(CAUSE_ECALL_S, just_ecall, 0)
  RUN(MODE_U, just_ecall)
  TRAP_WAS(CAUSE_ECALL_U, just_ecall, 0)
  // ebreak
  EXPECT_BREAKPOINT
  RUN(MODE_S, just_ebreak)
  TRAP_WAS_BREAKPOINT(just_ebreak)
  RUN(MODE_U, just_ebreak)
  TRAP_WAS_BREAKPOINT(just_ebreak)

  // On entry: MPP = the mode, MPIE = MIE, MIE = 0
  csrw mie, zero
  csrsi mstatus, MSTATUS_MIE
  EXPECT_TRAP(CAUSE_ECALL_M, 0, ecall)
  trap_status a0
  li a1, MSTATUS_MPP+MSTATUS_MPIE+MSTATUS_MIE
  and a0, a0, a1
  CHECK(a0, MSTATUS_MPP+MSTATUS_MPIE)
  csrci mstatus, MSTATUS_MIE
  EXPECT_TRAP(CAUSE_ECALL_M, 0, ecall)
  trap_status a0
  and a0, a0, a1
  CHECK(a0, MSTATUS_MPP)
  RUN(MODE_S, just_ecall)
  trap_status a0
  li a1, MSTATUS_MPP
  and a0, a0, a1
  CHECK(a0, MSTATUS_MPP_S)
  RUN(MODE_U, just_ecall)
  trap_status a0
  and a0, a0, a1
  CHECK(a0, 0)

  // mret: MIE = MPIE, MPIE = 1, MPP = U, and the pc
  li a0, MSTATUS_MPP+MSTATUS_MPIE+MSTATUS_MIE
  csrc mstatus, a0
  li a0, MSTATUS_MPP
  csrs mstatus, a0
  la a0, 1f
  csrw mepc, a0
  mret
  FAIL
1:
  csrr a0, mstatus
  li a1, MSTATUS_MPP+MSTATUS_MPIE+MSTATUS_MIE
  and a0, a0, a1
  CHECK(a0, MSTATUS_MPIE)
  li a0, MSTATUS_MPP+MSTATUS_MPIE
  csrs mstatus, a0
  csrci mstatus, MSTATUS_MIE
  la a0, 1f
  csrw mepc, a0
  mret
  FAIL
1:
  csrr a0, mstatus
  and a0, a0, a1
  CHECK(a0, MSTATUS_MPIE+MSTATUS_MIE)
  csrci mstatus, MSTATUS_MIE

  // sret from M-mode: SIE = SPIE, SPIE = 1, SPP = U; to S, then to U
  li a0, MSTATUS_SPP+MSTATUS_SPIE
  csrs mstatus, a0
  csrci mstatus, MSTATUS_SIE
  la a0, read_sstatus
  csrw sepc, a0
  expect_begin __LINE__
  sret
99:
  TRAP_WAS(CAUSE_ECALL_S, read_sstatus_end, 0)
  li a1, MSTATUS_SPP+MSTATUS_SPIE+MSTATUS_SIE
  and a0, a0, a1
  CHECK(a0, MSTATUS_SPIE+MSTATUS_SIE)
  li a0, MSTATUS_SPP+MSTATUS_SPIE+MSTATUS_SIE
  csrc mstatus, a0
  la a0, just_ecall
  csrw sepc, a0
  expect_begin __LINE__
  sret
99:
  TRAP_WAS(CAUSE_ECALL_U, just_ecall, 0)
  csrr a0, mstatus
  and a0, a0, a1
  CHECK(a0, MSTATUS_SPIE)
  // sret in S-mode to U-mode
  la a2, just_ecall
  RUN(MODE_S, sret_to_a2)
  TRAP_WAS(CAUSE_ECALL_U, just_ecall, 0)

  // mret below M, sret in U, sfence.vma in U, wfi in U: illegal
  RUN(MODE_S, just_mret)
  TRAP_WAS_ILLEGAL(just_mret)
  RUN(MODE_U, just_mret)
  TRAP_WAS_ILLEGAL(just_mret)
  RUN(MODE_U, just_sret)
  TRAP_WAS_ILLEGAL(just_sret)
  RUN(MODE_U, just_sfence)
  TRAP_WAS_ILLEGAL(just_sfence)
  RUN(MODE_U, just_wfi)
  TRAP_WAS_ILLEGAL(just_wfi)

  // TVM: satp and sfence.vma in S-mode, not in M-mode
  RUN(MODE_S, just_sfence)
  TRAP_CAUSE_WAS(CAUSE_ECALL_S)
  RUN(MODE_S, read_satp)
  TRAP_CAUSE_WAS(CAUSE_ECALL_S)
  RUN(MODE_S, write_satp)
  TRAP_CAUSE_WAS(CAUSE_ECALL_S)
  li a1, MSTATUS_TVM
  csrs mstatus, a1
  RUN(MODE_S, just_sfence)
  TRAP_WAS_ILLEGAL(just_sfence)
  RUN(MODE_S, read_satp)
  TRAP_WAS_ILLEGAL(read_satp)
  RUN(MODE_S, write_satp)
  TRAP_WAS_ILLEGAL(write_satp)
  csrr a0, satp
  csrw satp, zero
  sfence.vma
  csrc mstatus, a1

  // TW: wfi in S-mode, not in M-mode. A pending interrupt ends the wait at once.
  li a0, IP_SSI
  csrs mip, a0
  csrs mie, a0
  csrw mideleg, a0 // not for M-mode
  RUN(MODE_M, just_wfi)
  TRAP_CAUSE_WAS(CAUSE_ECALL_M)
  RUN(MODE_S, just_wfi)
  TRAP_CAUSE_WAS(CAUSE_ECALL_S)
  li a1, MSTATUS_TW
  csrs mstatus, a1
  RUN(MODE_S, just_wfi)
  TRAP_WAS_ILLEGAL(just_wfi)
  RUN(MODE_M, just_wfi)
  TRAP_CAUSE_WAS(CAUSE_ECALL_M)
  csrc mstatus, a1
  csrc mip, a0
  csrw mie, zero
  csrw mideleg, zero

  // TSR: sret in S-mode, not in M-mode
  li a1, MSTATUS_TSR
  csrs mstatus, a1
  RUN(MODE_S, just_sret)
  TRAP_WAS_ILLEGAL(just_sret)
  la a0, just_ecall
  csrw sepc, a0
  li a0, MSTATUS_SPP
  csrs mstatus, a0
  expect_begin __LINE__
  sret
99:
  TRAP_CAUSE_WAS(CAUSE_ECALL_S)
  csrc mstatus, a1

  // A trap inside an M handler: mepc, mcause and MPP are the second one's.
  la a0, nesting_handler
  csrw mtvec, a0
  li s2, 0
  RUN(MODE_U, just_ecall)
  FAIL
nested:
  csrr a0, mepc
  CHECK_LABEL(a0, nesting_ebreak)
  csrr a0, mcause
  CHECK(a0, CAUSE_BREAKPOINT)
  csrr a0, mstatus
  li a1, MSTATUS_MPP
  and a0, a0, a1
  CHECK(a0, MSTATUS_MPP)
  CHECK_LABEL(s3, just_ecall)
  CHECK(s4, CAUSE_ECALL_U)
  la a0, m_trap
  csrw mtvec, a0
  TEST_END

  .balign 4
nesting_handler:
  bnez s2, nested
  li s2, 1
  csrr s3, mepc
  csrr s4, mcause
nesting_ebreak:
  ebreak
  j fail

just_ecall:
  ecall
just_ebreak:
  ebreak
just_mret:
  mret
  ecall
just_sret:
  sret
  ecall
just_sfence:
  sfence.vma
  ecall
just_wfi:
  wfi
  ecall
read_satp:
  csrr a0, satp
  ecall
write_satp:
  csrw satp, zero
  ecall
read_sstatus:
  csrr a0, sstatus
read_sstatus_end:
  ecall
sret_to_a2:
  csrw sepc, a2
  li a0, MSTATUS_SPP
  csrc sstatus, a0
  sret
