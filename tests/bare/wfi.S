// SPDX-License-Identifier: Apache-2.0
//
// wfi: goes on at once when something enabled is pending, even if it cannot be taken; otherwise waits
// for the timer; an interrupt that it waits for finds mepc behind it.
#include "common.h"

// mtimecmp := mtime + ticks
.macro timer_after ticks
  li t5, CLINT_MTIME
  lw t6, 0(t5)
  li t5, \ticks
  add t6, t6, t5
  li t5, CLINT_MTIMECMP
  sw t6, 0(t5)
  sw zero, 4(t5)
.endm
.macro timer_off
  li t5, CLINT_MTIMECMP
  li t6, -1
  sw t6, 0(t5)
  sw t6, 4(t5)
.endm
// mtime must not be before mtimecmp.
#define TIME_HAS_COME time_has_come __LINE__
.macro time_has_come line
  li t5, CLINT_MTIME
  lw a2, 0(t5)
  li t5, CLINT_MTIMECMP
  lw a3, 0(t5)
  check_branch \line, bgeu, a2, a3
.endm

TEST_BEGIN
  // Pending and enabled, but MIE = 0: no waiting, no trap
  csrw mideleg, zero
  li a0, IP_SSI
  csrw mip, a0
  csrw mie, a0
  wfi
  wfi
  csrr a1, mip
  CHECK(a1, IP_SSI)
  // MIE = 1: taken before the wfi
  EXPECT_INTERRUPT(IRQ_SSI, csrsi mstatus, MSTATUS_MIE)
  csrw mip, zero

  // The timer ends the wait; MIE = 0: the next instruction
  li a0, IP_MTI
  csrw mie, a0
  timer_after 3000
  csrr a1, mip
  wfi
  csrr a1, mip
  CHECK(a1, IP_MTI)
  TIME_HAS_COME
  timer_off
  csrr a1, mip
  CHECK(a1, 0)
  // MIE = 1: the interrupt, with mepc behind the wfi
  timer_after 3000
  csrsi mstatus, MSTATUS_MIE
  EXPECT_INTERRUPT(IRQ_MTI, wfi)
  TIME_HAS_COME
  timer_off
  csrci mstatus, MSTATUS_MIE

  // In S-mode, for an M interrupt
  timer_after 3000
  RUN(MODE_S, supervisor_wfi)
  TRAP_WAS(INTERRUPT+IRQ_MTI, after_supervisor_wfi, 0)
  TIME_HAS_COME
  timer_off

  // In S-mode, delegated and closed (SIE = 0): no trap
  li a0, IP_SSI
  csrw mideleg, a0
  csrw mie, a0
  csrw mip, a0
  csrci mstatus, MSTATUS_SIE
  RUN(MODE_S, supervisor_wfi)
  TRAP_WAS(CAUSE_ECALL_S, after_supervisor_wfi, 0)
  NO_SUPERVISOR_TRAP
  csrw mip, zero

  // Delegated, pending, MIE = 1: M-mode does not take it, and does not wait either.
  csrw mip, a0
  csrsi mstatus, MSTATUS_MIE
  wfi
  csrci mstatus, MSTATUS_MIE
  csrw mip, zero

  // Ten waits in a row, each for a later time
  li a0, IP_MTI
  csrw mie, a0
  li s0, 10
1:
  timer_after 500
  wfi
  TIME_HAS_COME
  timer_off
  addi s0, s0, -1
  bnez s0, 1b
  TEST_END

supervisor_wfi:
  wfi
after_supervisor_wfi:
  ecall
