// SPDX-License-Identifier: Apache-2.0
//
// jal and branches to an address that is not a multiple of 4: exception 0 at the jump, mtval = the
// target; a branch that is not taken does not trap.
// Rookery only: QEMU 7.2 reports the address of the jump, not of the target, in mtval.
#include "common.h"

#define JAL_PLUS_6 0x0060056f    // jal a0, . + 6
#define JAL_PLUS_2 0x0020006f    // jal x0, . + 2
#define JAL_MINUS_2 0xfffff56f   // jal a0, . - 2
#define BEQ_PLUS_6 0x00000363    // beq x0, x0, . + 6
#define BEQ_MINUS_6 0xfe000de3   // beq x0, x0, . - 6
#define BNE_PLUS_6 0x00b61363    // bne a2, a1, . + 6
#define BLT_PLUS_6 0x00b64363    // blt a2, a1, . + 6
#define BGE_PLUS_6 0x00c5d363    // bge a1, a2, . + 6
#define BLTU_PLUS_6 0x00b66363   // bltu a2, a1, . + 6
#define BGEU_PLUS_6 0x00c5f363   // bgeu a1, a2, . + 6
#define BEQ_NOT_TAKEN 0x00c58363 // beq a1, a2, . + 6

TEST_BEGIN
  li a0, 0x77
  li a1, 2
  li a2, 1
  EXPECT_TRAP_LABEL(CAUSE_FETCH_MISALIGNED, 98b+6, .word JAL_PLUS_6)
  CHECK(a0, 0x77)
  EXPECT_TRAP_LABEL(CAUSE_FETCH_MISALIGNED, 98b+2, .word JAL_PLUS_2)
  EXPECT_TRAP_LABEL(CAUSE_FETCH_MISALIGNED, 98b-2, .word JAL_MINUS_2)
  CHECK(a0, 0x77)
  EXPECT_TRAP_LABEL(CAUSE_FETCH_MISALIGNED, 98b+6, .word BEQ_PLUS_6)
  EXPECT_TRAP_LABEL(CAUSE_FETCH_MISALIGNED, 98b-6, .word BEQ_MINUS_6)
  EXPECT_TRAP_LABEL(CAUSE_FETCH_MISALIGNED, 98b+6, .word BNE_PLUS_6)
  EXPECT_TRAP_LABEL(CAUSE_FETCH_MISALIGNED, 98b+6, .word BLT_PLUS_6)
  EXPECT_TRAP_LABEL(CAUSE_FETCH_MISALIGNED, 98b+6, .word BGE_PLUS_6)
  EXPECT_TRAP_LABEL(CAUSE_FETCH_MISALIGNED, 98b+6, .word BLTU_PLUS_6)
  EXPECT_TRAP_LABEL(CAUSE_FETCH_MISALIGNED, 98b+6, .word BGEU_PLUS_6)
  li gp, __LINE__
  .word BEQ_NOT_TAKEN
  CHECK(a0, 0x77)
  TEST_END
