// SPDX-License-Identifier: Apache-2.0
//
// Every register-register instruction of RV32IM on every pair of 40 operands: the results are folded
// into a checksum, sum = rotate_left(sum, 5) ^ (result + sum of the indices).
#include "common.h"

#define OPERANDS 40

.macro sweep line, op, want
  la s0, operands
  li s1, 0 // index of a
  li a5, 0 // checksum
.Ls_outer\@:
  li s2, 0 // index of b
.Ls_inner\@:
  slli t0, s1, 2
  add t0, t0, s0
  LREG a1, 0(t0)
  slli t0, s2, 2
  add t0, t0, s0
  LREG a2, 0(t0)
  \op a0, a1, a2
  slli t0, a5, 5
  srli t1, a5, __riscv_xlen - 5
  or a5, t0, t1
  add a0, a0, s1
  add a0, a0, s2
  xor a5, a5, a0
  addi s2, s2, 1
  li t0, OPERANDS
  bne s2, t0, .Ls_inner\@
  addi s1, s1, 1
  bne s1, t0, .Ls_outer\@
  check_reg \line, a5, \want
.endm
#define SWEEP(op, want) sweep __LINE__, op, want

TEST_BEGIN
  SWEEP(add, 0x69951238)
  SWEEP(sub, 0xe24b7afc)
  SWEEP(sll, 0x4f1c904a)
  SWEEP(slt, 0x5554ff16)
  SWEEP(sltu, 0xd3fb6831)
  SWEEP(xor, 0xb911e157)
  SWEEP(srl, 0xda2460bd)
  SWEEP(sra, 0x1c9ddd2c)
  SWEEP(or, 0x96de5387)
  SWEEP(and, 0xfe5d4f9e)
  SWEEP(mul, 0xe2715262)
  SWEEP(mulh, 0x12cc62f9)
  SWEEP(mulhsu, 0x1a5a1520)
  SWEEP(mulhu, 0x94f1a27e)
  SWEEP(div, 0xba6755f0)
  SWEEP(divu, 0xe28d0dd0)
  SWEEP(rem, 0x91e2635b)
  SWEEP(remu, 0x238a2833)
  TEST_END

  .section .rodata
  .balign 8
operands:
  REG_WORD 0x00000000, 0x00000001, 0x00000002, 0x00000003
  REG_WORD 0x00000005, 0x00000007, 0x0000001f, 0x00000020
  REG_WORD 0x0000003f, 0x00000040, 0x000000ff, 0x00007fff
  REG_WORD 0x00008000, 0x0000ffff, 0x7fffffff, 0x80000000
  REG_WORD 0x80000001, 0xfffffffe, 0xffffffff, 0x55555555
  REG_WORD 0xe5316960, 0x1289bafa, 0x44d82a53, 0xf037afc6
  REG_WORD 0x044f1574, 0xa26aa0ae, 0x16ac4191, 0xcd37880e
  REG_WORD 0x42b38755, 0x1570266b, 0x9bb183e1, 0xdb31ccd2
  REG_WORD 0x38efbaeb, 0x110e2cb6, 0x43b30f66, 0xdcded204
  REG_WORD 0x1f2642aa, 0x742a8063, 0x02f4b342, 0x56d2a68c
