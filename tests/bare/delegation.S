// SPDX-License-Identifier: Apache-2.0
//
// medeleg: each exception goes to S-mode from S and U mode when its bit is set, never from M-mode, with
// scause, sepc, stval and the stack in sstatus.
#include "common.h"

// Runs `label` in `mode` with only `cause` delegated: the S handler must see it at `label`.
#define DELEGATED(mode, cause, label, tval) \
  li t6, (1<<cause); csrw medeleg, t6; RUN(mode, label); SUPERVISOR_TRAP_WAS(cause, label, tval)
// The same with every other exception delegated: it must go to M-mode.
#define NOT_DELEGATED(mode, cause, label, tval) \
  li t6, (0xb1ff&~(1<<cause)); csrw medeleg, t6; RUN(mode, label); TRAP_WAS(cause, label, tval); NO_SUPERVISOR_TRAP

TEST_BEGIN
  csrw medeleg, zero
  li a2, NOWHERE
.irp mode, MODE_S, MODE_U
  DELEGATED(\mode, CAUSE_FETCH_MISALIGNED, do_misaligned_jump, NOWHERE+2)
  NOT_DELEGATED(\mode, CAUSE_FETCH_MISALIGNED, do_misaligned_jump, NOWHERE+2)
  DELEGATED(\mode, CAUSE_ILLEGAL, do_illegal, 0)
  NOT_DELEGATED(\mode, CAUSE_ILLEGAL, do_illegal, 0)
  DELEGATED(\mode, CAUSE_LOAD_ACCESS, do_load, NOWHERE)
  NOT_DELEGATED(\mode, CAUSE_LOAD_ACCESS, do_load, NOWHERE)
  DELEGATED(\mode, CAUSE_STORE_ACCESS, do_store, NOWHERE)
  NOT_DELEGATED(\mode, CAUSE_STORE_ACCESS, do_store, NOWHERE)
  // Breakpoint: stval may be 0 or the address.
  li t6, (1<<CAUSE_BREAKPOINT)
  csrw medeleg, t6
  RUN(\mode, do_ebreak)
  TRAP_CAUSE_WAS(CAUSE_ECALL_S)
  supervisor_cause __LINE__, CAUSE_BREAKPOINT
  supervisor_epc __LINE__, do_ebreak
  li t6, 0xb1f7
  csrw medeleg, t6
  RUN(\mode, do_ebreak)
  TRAP_WAS_BREAKPOINT(do_ebreak)
  NO_SUPERVISOR_TRAP
  // Fetch access
  li t6, (1<<CAUSE_FETCH_ACCESS)
  csrw medeleg, t6
  RUN_AT(\mode, a2)
  TRAP_CAUSE_WAS(CAUSE_ECALL_S)
  supervisor_cause __LINE__, CAUSE_FETCH_ACCESS
  supervisor_tval_reg __LINE__, a2
  li t6, 0xb1fd
  csrw medeleg, t6
  RUN_AT(\mode, a2)
  TRAP_WAS_REGS(CAUSE_FETCH_ACCESS, a2, a2)
  NO_SUPERVISOR_TRAP
.endr
  DELEGATED(MODE_U, CAUSE_ECALL_U, do_ecall, 0)
  NOT_DELEGATED(MODE_U, CAUSE_ECALL_U, do_ecall, 0)

  // From M-mode nothing is delegated.
  li a0, 0xb1ff
  csrw medeleg, a0
  EXPECT_TRAP(CAUSE_ECALL_M, 0, ecall)
  NO_SUPERVISOR_TRAP
  EXPECT_BREAKPOINT
  EXPECT_ILLEGAL_WORD(0)
  EXPECT_TRAP_REG(CAUSE_LOAD_ACCESS, a2, lw a0, 0(a2))
  NO_SUPERVISOR_TRAP

  // sstatus on entry: SPP = the mode, SPIE = SIE, SIE = 0; the M stack is not touched.
  csrw mie, zero
  li a3, MSTATUS_SPP+MSTATUS_SPIE+MSTATUS_SIE
  csrsi mstatus, MSTATUS_SIE
  RUN(MODE_U, do_ecall)
  SUPERVISOR_TRAP_WAS(CAUSE_ECALL_U, do_ecall, 0)
  supervisor_status a0
  and a0, a0, a3
  CHECK(a0, MSTATUS_SPIE)
  csrci mstatus, MSTATUS_SIE
  RUN(MODE_U, do_ecall)
  supervisor_status a0
  and a0, a0, a3
  CHECK(a0, 0)
  csrsi mstatus, MSTATUS_SIE
  RUN(MODE_S, do_illegal)
  SUPERVISOR_TRAP_WAS(CAUSE_ILLEGAL, do_illegal, 0)
  supervisor_status a0
  and a0, a0, a3
  CHECK(a0, MSTATUS_SPP+MSTATUS_SPIE)
  csrci mstatus, MSTATUS_SIE
  // The M handler's record is the S handler's ecall.
  la a0, trap_record
  LREG a0, TR_EPC(a0)
  la a1, s_trap
  CHECK_BRANCH(bgeu, a0, a1)

  // A delegated trap in S-mode's own handler overwrites sepc and scause.
  la a0, nesting_handler
  csrr s3, stvec
  csrw stvec, a0
  li s2, 0
  RUN(MODE_U, do_ecall)
  TRAP_CAUSE_WAS(CAUSE_ECALL_S)
  CHECK(s4, CAUSE_ECALL_U)
  CHECK(s5, CAUSE_ILLEGAL)
  CHECK_LABEL(s6, do_ecall)
  CHECK_LABEL(s7, nested_illegal)
  // In S-mode SPP tells where the second one came from.
  li a1, MSTATUS_SPP
  and a0, s8, a1
  CHECK(a0, MSTATUS_SPP)
  csrw stvec, s3

  // An ecall from S-mode goes to S-mode itself.
  la a0, ecall_handler
  csrw stvec, a0
  li a0, (1<<CAUSE_ECALL_S)
  csrw medeleg, a0
  RUN(MODE_S, do_ecall)
  TRAP_WAS_ILLEGAL(leave_ecall_handler)
  CHECK(s4, CAUSE_ECALL_S)
  CHECK_LABEL(s6, do_ecall)
  li a0, 0xb1ff
  csrw medeleg, a0
  csrw stvec, s3

  // stvec in vectored mode: exceptions still go to its base.
  la a0, s_trap
  ori a0, a0, 1
  csrw stvec, a0
  RUN(MODE_U, do_ecall)
  SUPERVISOR_TRAP_WAS(CAUSE_ECALL_U, do_ecall, 0)
  la a0, s_trap
  csrw stvec, a0
  la a0, m_trap
  ori a0, a0, 1
  csrw mtvec, a0
  EXPECT_TRAP(CAUSE_ECALL_M, 0, ecall)
  la a0, m_trap
  csrw mtvec, a0
  TEST_END

  .balign 4
nesting_handler:
  bnez s2, 1f
  li s2, 1
  csrr s4, scause
  csrr s6, sepc
nested_illegal:
  .word 0
1:
  csrr s5, scause
  csrr s7, sepc
  csrr s8, sstatus
  ecall

  .balign 4
ecall_handler:
  csrr s4, scause
  csrr s6, sepc
leave_ecall_handler:
  mret // illegal, and not delegated

do_ecall:
  ecall
do_ebreak:
  ebreak
do_illegal:
  .word 0
  ecall
do_load:
  lw a0, 0(a2)
  ecall
do_store:
  sw a0, 0(a2)
  ecall
do_misaligned_jump:
  jalr a0, 2(a2)
  ecall
