// SPDX-License-Identifier: Apache-2.0
//
// Every register-register instruction of RV64IM on every pair of 40 operands: the results are folded
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
  slli t0, s1, 3
  add t0, t0, s0
  LREG a1, 0(t0)
  slli t0, s2, 3
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
  SWEEP(add, 0xeba933d6ccfd14cc)
  SWEEP(sub, 0xf1aaac5caeda353c)
  SWEEP(sll, 0xa58544590ee86ad8)
  SWEEP(slt, 0x97e6189bbe8a3f9f)
  SWEEP(sltu, 0xb631ea29d5b28312)
  SWEEP(xor, 0x85f2d81143f41acb)
  SWEEP(srl, 0x5af5d3298405c55d)
  SWEEP(sra, 0x4765f5e427f83c39)
  SWEEP(or, 0xcb325ee16de8e9f6)
  SWEEP(and, 0x08f22ccd2d42d9e8)
  SWEEP(mul, 0x0cc71904b6e01ef2)
  SWEEP(mulh, 0xbcf4c85b9604eecf)
  SWEEP(mulhsu, 0xbd8e29686527b723)
  SWEEP(mulhu, 0x3bdbbe535c5e3d80)
  SWEEP(div, 0x198508cc0eadc6de)
  SWEEP(divu, 0x3c8d0b63c21555e4)
  SWEEP(rem, 0x044c303104b9adcd)
  SWEEP(remu, 0x6dd08efbc47f2ab1)
  SWEEP(addw, 0x4c846b26b4d817d3)
  SWEEP(subw, 0x21609495229d6267)
  SWEEP(sllw, 0xcc6b5126eeccf973)
  SWEEP(srlw, 0x398f6e5feedb9f60)
  SWEEP(sraw, 0x3ee4690c51c0f501)
  SWEEP(mulw, 0xb6ac7c689ad450bc)
  SWEEP(divw, 0x5003eb8c983a2893)
  SWEEP(divuw, 0x7d91f43372565aa3)
  SWEEP(remw, 0x229458905d976fdc)
  SWEEP(remuw, 0xbb0a752252632a89)
  TEST_END

  .section .rodata
  .balign 8
operands:
  REG_WORD 0x0000000000000000, 0x0000000000000001, 0x0000000000000002, 0x0000000000000003
  REG_WORD 0x0000000000000005, 0x0000000000000007, 0x000000000000001f, 0x0000000000000020
  REG_WORD 0x000000000000003f, 0x0000000000000040, 0x00000000000000ff, 0x0000000000007fff
  REG_WORD 0x0000000000008000, 0x000000000000ffff, 0x000000007fffffff, 0x0000000080000000
  REG_WORD 0x0000000080000001, 0x00000000fffffffe, 0x00000000ffffffff, 0x0000000055555555
  REG_WORD 0x0000000100000000, 0xffffffff00000000, 0xffffffff80000000, 0x8000000000000000
  REG_WORD 0x7fffffffffffffff, 0x8000000000000001, 0xffffffffffffffff, 0xfffffffffffffffe
  REG_WORD 0xaaaaaaaa55555555, 0x8d959c31fe8ad4a1, 0xed3a32a86af25748, 0x449274d2ea59679a
  REG_WORD 0x2114e0689f27f52c, 0x86e3e7260b0f873b, 0x3d0a270bb5a432cf, 0x1c0502c6f0290531
  REG_WORD 0x2954ba5cf81e54dd, 0x0ce5af69430b91ed, 0x33a715682e5f950c, 0x4fdebbeceea7bb64
