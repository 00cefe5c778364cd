// SPDX-License-Identifier: Apache-2.0
//
// RV32I/RV64I: every branch taken and not taken, forwards and backwards, jal and jalr, and the
// furthest offsets. Targets that are not aligned are in jump_misaligned*.S.
#include "common.h"

// TAKEN/NOT_TAKEN(op, a, b): the branch forwards, and then backwards.
#define TAKEN(op, a, b) branch_taken __LINE__, op, a, b
#define NOT_TAKEN(op, a, b) branch_not_taken __LINE__, op, a, b

.macro branch_taken line, op, a, b
  li gp, \line
  li t5, 0
  li t6, 0
  li a1, \a
  li a2, \b
  j .Lstart\@
.Lback\@:
  addi a0, a0, 1
  j .Ldone\@
  j fail
.Lstart\@:
  li a0, 0
  \op a1, a2, .Lforward\@
  j fail
  j fail
.Lforward\@:
  addi a0, a0, 1
  \op a1, a2, .Lback\@
  j fail
.Ldone\@:
  check_reg \line, a0, 2
.endm

.macro branch_not_taken line, op, a, b
  li gp, \line
  li t5, 0
  li t6, 0
  li a1, \a
  li a2, \b
  j .Lstart\@
.Lwrong\@:
  j fail
.Lstart\@:
  \op a1, a2, .Lwrong\@
  \op a1, a2, .Lother\@
  j .Ldone\@
.Lother\@:
  j fail
.Ldone\@:
.endm

TEST_BEGIN
  TAKEN(beq, 0, 0)
  TAKEN(beq, -1, -1)
  TAKEN(beq, XLEN_MIN, XLEN_MIN)
  NOT_TAKEN(beq, 0, 1)
  NOT_TAKEN(beq, 1, 0)
  NOT_TAKEN(beq, XLEN_MIN, XLEN_MAX)
  NOT_TAKEN(beq, XLEN_MIN, 0)
  TAKEN(bne, 0, 1)
  TAKEN(bne, 1, 0)
  TAKEN(bne, XLEN_MIN, 0)
  NOT_TAKEN(bne, 0, 0)
  NOT_TAKEN(bne, -1, -1)
  TAKEN(blt, 0, 1)
  TAKEN(blt, -1, 1)
  TAKEN(blt, -2, -1)
  TAKEN(blt, XLEN_MIN, XLEN_MAX)
  NOT_TAKEN(blt, 1, 0)
  NOT_TAKEN(blt, 1, -1)
  NOT_TAKEN(blt, -1, -1)
  NOT_TAKEN(blt, XLEN_MAX, XLEN_MIN)
  TAKEN(bge, 0, 0)
  TAKEN(bge, 1, 0)
  TAKEN(bge, 1, -2)
  TAKEN(bge, XLEN_MAX, XLEN_MIN)
  NOT_TAKEN(bge, 0, 1)
  NOT_TAKEN(bge, -1, 1)
  NOT_TAKEN(bge, XLEN_MIN, XLEN_MAX)
  TAKEN(bltu, 0, 1)
  TAKEN(bltu, 1, -1)
  TAKEN(bltu, XLEN_MAX, XLEN_MIN)
  NOT_TAKEN(bltu, 1, 0)
  NOT_TAKEN(bltu, -1, 1)
  NOT_TAKEN(bltu, -1, -1)
  NOT_TAKEN(bltu, XLEN_MIN, XLEN_MAX)
  TAKEN(bgeu, 0, 0)
  TAKEN(bgeu, -1, 1)
  TAKEN(bgeu, XLEN_MIN, XLEN_MAX)
  NOT_TAKEN(bgeu, 0, 1)
  NOT_TAKEN(bgeu, 1, -1)
  NOT_TAKEN(bgeu, XLEN_MAX, XLEN_MIN)
#if __riscv_xlen == 64
  // Words that agree in their low half only.
  NOT_TAKEN(beq, 0x100000000, 0)
  TAKEN(bne, 0x100000000, 0)
  TAKEN(blt, 0xffffffff, 0x100000000)
  TAKEN(blt, 0x8000000000000000, 0x7fffffff)
  TAKEN(bltu, 0xffffffff, 0x100000000)
  TAKEN(bltu, 0x80000000, 0x8000000000000000)
  TAKEN(bgeu, 0x8000000000000000, 0xffffffff)
  NOT_TAKEN(bgeu, 0xffffffff, 0x100000000)
  TAKEN(blt, 0x7fffffff, 0x80000000)
#endif

  // A branch on x0 and on one register with itself.
  li gp, __LINE__
  li a1, 5
  bne x0, x0, 1f
  bne a1, a1, 1f
  blt a1, a1, 1f
  bltu a1, a1, 1f
  beq a1, x0, 1f
  j 2f
1:
  j fail
2:

  // jal: link, x0 as the link, forwards and backwards
  li gp, __LINE__
  jal a0, 2f
1:
  j fail
3:
  jal x0, 4f
  j fail
2:
  CHECK_LABEL(a0, 1b)
  jal a1, 3b
5:
  j fail
4:
  CHECK_LABEL(a1, 5b)
  CHECK(x0, 0)

  // jalr: link, immediate, rd = rs1, bit 0 cleared, x0 as the link
  la a1, 2f
  jalr a0, 0(a1)
1:
  FAIL
2:
  CHECK_LABEL(a0, 1b)
  la a1, 2f
  jalr a1, 0(a1)
1:
  FAIL
2:
  CHECK_LABEL(a1, 1b)
  la a1, 2f+2047
  jalr a0, -2047(a1)
1:
  FAIL
2:
  CHECK_LABEL(a0, 1b)
  la a1, 2f-2047
  jalr a0, 2047(a1)
1:
  FAIL
2:
  CHECK_LABEL(a0, 1b)
  la a1, 2f+1
  jalr a0, 0(a1)
1:
  FAIL
2:
  CHECK_LABEL(a0, 1b)
  la a1, 2f
  jalr a0, 1(a1)
1:
  FAIL
2:
  CHECK_LABEL(a0, 1b)
  la a1, 2f-2
  jalr a0, 3(a1)
1:
  FAIL
2:
  CHECK_LABEL(a0, 1b)
  la a1, 2f
  jalr x0, 0(a1)
  FAIL
2:
  CHECK(x0, 0)

  // The furthest branches: 4094 bytes are allowed, 4092 is the last multiple of 4; -4096.
  li gp, __LINE__
  la a2, far_branch_forward
  jalr a0, 0(a2)
1:
  CHECK_LABEL(a0, 1b)
  CHECK(a3, 0x1234)
  // The furthest jal that the image holds: about 32 KiB both ways.
  li gp, __LINE__
  jal a0, far_jal
1:
  CHECK_LABEL(a0, 1b)
  CHECK(a3, 0x5678)
  TEST_END

  .balign 4
far_branch_forward:
  beq x0, x0, 1f
  .zero 4092 - 4
1:
  li gp, __LINE__
  j 2f
  .zero 4
2:
  la a1, far_branch_3
  jr a1

  .zero 4096
far_branch_4:
  li a3, 0x1234
  jr a0
  .zero 4096 - 8
far_branch_3:
  bne x0, a1, far_branch_4
  j fail

  .zero 32768
far_jal:
  li a3, 0x5678
  jal x0, 1f
  .zero 32768
1:
  jr a0
