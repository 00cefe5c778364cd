// SPDX-License-Identifier: Apache-2.0
//
// Interrupts: when each is taken, by mode, enable bits and delegation; mcause, mepc and the stack in
// mstatus; vectored mode. The order of simultaneous ones is in interrupt_priority.S.
#include "common.h"

// Software makes these pending; the machine's own come from the CLINT.
.macro msip_set value
  li t5, CLINT_MSIP
  li t6, \value
  sw t6, 0(t5)
.endm

TEST_BEGIN
  csrw mideleg, zero
  csrw mie, zero

  // Not delegated, in M-mode: taken right after MIE opens, not before.
.irp number, IRQ_SSI, IRQ_STI, IRQ_SEI
  li a0, (1<<\number)
  csrw mip, a0
  csrw mie, a0
  nop
  nop
  EXPECT_INTERRUPT(\number, csrsi mstatus, MSTATUS_MIE)
  trap_status a1
  andi a1, a1, MSTATUS_MIE+MSTATUS_MPIE
  CHECK(a1, MSTATUS_MPIE)
  // MIE open, mie opens last
  csrw mie, zero
  csrsi mstatus, MSTATUS_MIE
  nop
  nop
  EXPECT_INTERRUPT(\number, csrw mie, a0)
  // mie and MIE open, mip comes last
  csrw mip, zero
  csrsi mstatus, MSTATUS_MIE
  nop
  EXPECT_INTERRUPT(\number, csrw mip, a0)
  csrci mstatus, MSTATUS_MIE
  // mret opens MIE: taken before the first instruction after it
  li a1, MSTATUS_MPP+MSTATUS_MPIE
  csrs mstatus, a1
  la a1, 98f
  csrw mepc, a1
  EXPECT_INTERRUPT(\number, mret; nop)
  csrw mip, zero
  csrw mie, zero
.endr

  // MSI and MTI from the CLINT
  msip_set 1
  csrr a0, mip
  CHECK(a0, IP_MSI)
  li a0, IP_MSI
  csrw mie, a0
  EXPECT_INTERRUPT(IRQ_MSI, csrsi mstatus, MSTATUS_MIE)
  msip_set 0
  csrr a0, mip
  CHECK(a0, 0)
  csrsi mstatus, MSTATUS_MIE
  nop
  csrci mstatus, MSTATUS_MIE
  li a1, CLINT_MTIMECMP
  sw zero, 0(a1)
  sw zero, 4(a1)
  csrr a0, mip
  CHECK(a0, IP_MTI)
  li a0, IP_MTI
  csrw mie, a0
  EXPECT_INTERRUPT(IRQ_MTI, csrsi mstatus, MSTATUS_MIE)
  li a0, -1
  sw a0, 0(a1)
  sw a0, 4(a1)
  csrr a0, mip
  CHECK(a0, 0)
  csrw mie, zero

  // An interrupt comes before the exception of the instruction that it interrupts.
  li a0, IP_SSI
  csrw mip, a0
  csrw mie, a0
  expect_begin __LINE__
  csrsi mstatus, MSTATUS_MIE
98:
  .word 0
99:
  expect_cause __LINE__, (INTERRUPT+IRQ_SSI)
  expect_epc __LINE__, 98b
  csrw mip, zero
  csrw mie, zero

  // In S and U mode M interrupts are always open, whatever MIE says.
  csrci mstatus, MSTATUS_MIE
  li a0, IP_SSI
  csrw mip, a0
  csrw mie, a0
  RUN(MODE_S, spin)
  TRAP_WAS(INTERRUPT+IRQ_SSI, spin, 0)
  RUN(MODE_U, spin)
  TRAP_WAS(INTERRUPT+IRQ_SSI, spin, 0)
  msip_set 1
  li a0, IP_MSI
  csrw mie, a0
  RUN(MODE_U, spin)
  TRAP_WAS(INTERRUPT+IRQ_MSI, spin, 0)
  trap_status a1
  li a2, MSTATUS_MPP
  and a1, a1, a2
  CHECK(a1, 0)
  msip_set 0
  csrw mip, zero

  // Delegated: never in M-mode
.irp number, IRQ_SSI, IRQ_STI, IRQ_SEI
  li a0, (1<<\number)
  csrw mideleg, a0
  csrw mip, a0
  csrw mie, a0
  csrsi mstatus, MSTATUS_MIE
  csrsi mstatus, MSTATUS_SIE
  nop
  nop
  csrci mstatus, MSTATUS_MIE
  // in U-mode always, with SIE = 0, too
  csrci mstatus, MSTATUS_SIE
  RUN(MODE_U, spin)
  SUPERVISOR_TRAP_WAS(INTERRUPT+\number, spin, 0)
  csrsi mstatus, MSTATUS_SIE
  RUN(MODE_U, spin)
  SUPERVISOR_TRAP_WAS(INTERRUPT+\number, spin, 0)
  supervisor_status a1
  andi a1, a1, MSTATUS_SPP+MSTATUS_SPIE+MSTATUS_SIE
  CHECK(a1, MSTATUS_SPIE)
  // in S-mode with SIE = 1
  csrsi mstatus, MSTATUS_SIE
  RUN(MODE_S, spin)
  SUPERVISOR_TRAP_WAS(INTERRUPT+\number, spin, 0)
  supervisor_status a1
  andi a1, a1, MSTATUS_SPP+MSTATUS_SPIE+MSTATUS_SIE
  CHECK(a1, MSTATUS_SPP+MSTATUS_SPIE)
  // and not with SIE = 0
  csrci mstatus, MSTATUS_SIE
  RUN(MODE_S, nop_ecall)
  TRAP_CAUSE_WAS(CAUSE_ECALL_S)
  NO_SUPERVISOR_TRAP
  // S-mode opens SIE itself
  RUN(MODE_S, open_sie)
  SUPERVISOR_TRAP_WAS(INTERRUPT+\number, opened_sie, 0)
  csrci mstatus, MSTATUS_SIE
  // Not enabled: not taken
  csrw mie, zero
  csrsi mstatus, MSTATUS_SIE
  RUN(MODE_S, nop_ecall)
  NO_SUPERVISOR_TRAP
  RUN(MODE_U, nop_ecall)
  NO_SUPERVISOR_TRAP
  csrci mstatus, MSTATUS_SIE
  csrw mip, zero
.endr

  // S-mode raises and clears its own SSIP.
  li a0, IP_SSI
  csrw mideleg, a0
  csrw mie, a0
  csrsi mstatus, MSTATUS_SIE
  RUN(MODE_S, raise_ssip)
  SUPERVISOR_TRAP_WAS(INTERRUPT+IRQ_SSI, raised_ssip, 0)
  csrci mstatus, MSTATUS_SIE
  csrw mip, zero

  // sret into U-mode with one pending: taken at the target
  li a0, IP_SSI
  csrw mip, a0
  la a2, spin
  RUN(MODE_S, sret_to_a2)
  SUPERVISOR_TRAP_WAS(INTERRUPT+IRQ_SSI, spin, 0)
  csrw mip, zero

  // Vectored: base + 4 * number, for M and for S; all into tables that say which entry it was
  la a0, vectors
  ori a0, a0, 1
  csrw mtvec, a0
  csrw mideleg, zero
.irp number, IRQ_SSI, IRQ_STI, IRQ_SEI
  li a0, (1<<\number)
  csrw mip, a0
  csrw mie, a0
  li a5, -1
  la s2, 1f
  csrsi mstatus, MSTATUS_MIE
  nop
  nop
1:
  CHECK(a5, \number)
  csrw mip, zero
.endr
  li a0, IP_MSI
  csrw mie, a0
  li a5, -1
  la s2, 1f
  msip_set 1
  csrsi mstatus, MSTATUS_MIE
  nop
  nop
1:
  CHECK(a5, IRQ_MSI)
  msip_set 0
  la a0, m_trap
  csrw mtvec, a0
  la a0, vectors
  ori a0, a0, 1
  csrw stvec, a0
  li a0, IP_ALL
  csrw mideleg, a0
.irp number, IRQ_SSI, IRQ_STI, IRQ_SEI
  li a0, (1<<\number)
  csrw mip, a0
  csrw mie, a0
  li a5, -1
  la s2, nop_ecall
  RUN(MODE_U, spin)
  TRAP_CAUSE_WAS(CAUSE_ECALL_S)
  CHECK(a5, \number)
  csrw mip, zero
.endr
  TEST_END

spin:
  j spin
nop_ecall:
  nop
  nop
  ecall
open_sie:
  csrsi sstatus, MSTATUS_SIE
opened_sie:
  nop
  nop
  ecall
raise_ssip:
  csrsi sip, IP_SSI
raised_ssip:
  nop
  nop
  ecall
sret_to_a2:
  csrw sepc, a2
  li a0, MSTATUS_SPP
  csrc sstatus, a0
  sret

  // A table of jumps, aligned as the widest specification asks. a5 := the entry; on at s2, with
  // interrupts off.
  .balign 64
vectors:
.irp number, 0,1,2,3,4,5,6,7,8,9,10,11
  j vector_\number
.endr
.irp number, 0,1,2,3,4,5,6,7,8,9,10,11
vector_\number:
  li a5, \number
  jr s2
.endr
