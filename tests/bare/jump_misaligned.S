// SPDX-License-Identifier: Apache-2.0
//
// jalr to an address that is not a multiple of 4 (bit 0 is cleared first): exception 0 at the jump
// itself, mtval = the target, and the link register is not written. jal and branches are in
// jump_misaligned_direct.S.
#include "common.h"

TEST_BEGIN
  la a1, target+2
  li a0, 0x77
  EXPECT_TRAP_LABEL(CAUSE_FETCH_MISALIGNED, target+2, jalr a0, 0(a1))
  CHECK(a0, 0x77)
  la a1, target
  EXPECT_TRAP_LABEL(CAUSE_FETCH_MISALIGNED, target+2, jalr a0, 2(a1))
  EXPECT_TRAP_LABEL(CAUSE_FETCH_MISALIGNED, target+2, jalr a0, 3(a1))
  EXPECT_TRAP_LABEL(CAUSE_FETCH_MISALIGNED, target-2, jalr a0, -2(a1))
  EXPECT_TRAP_LABEL(CAUSE_FETCH_MISALIGNED, target-2, jalr a0, -1(a1))
  EXPECT_TRAP_LABEL(CAUSE_FETCH_MISALIGNED, target+2, jalr x0, 2(a1))
  CHECK(a0, 0x77)
  // rd = rs1: the source survives the trap
  EXPECT_TRAP_LABEL(CAUSE_FETCH_MISALIGNED, target+6, jalr a1, 6(a1))
  CHECK_LABEL(a1, target)
  // Misaligned and nowhere: misaligned wins, and the jump is at fault.
  li a1, NOWHERE+2
  EXPECT_TRAP(CAUSE_FETCH_MISALIGNED, NOWHERE+2, jalr a0, 0(a1))
  CHECK(a0, 0x77)
  li a1, -1
  EXPECT_TRAP(CAUSE_FETCH_MISALIGNED, -2, jalr a0, 0(a1))
  // From U-mode, too.
  la a1, target
  RUN(MODE_U, user_jump)
  TRAP_WAS(CAUSE_FETCH_MISALIGNED, user_jump_at, RAM+0x802)
  TEST_END

user_jump:
  li a2, RAM+0x803
user_jump_at:
  jalr a0, 0(a2)
  ecall

  .balign 4
  j fail
target:
  j fail
  j fail
