// SPDX-License-Identifier: Apache-2.0
//
// RV32I/RV64I: loads and stores of every size at every aligned place of a word, sign and zero
// extension, negative offsets, rd = rs1, rd = x0, stores of x0, and stores that must leave the
// bytes around them alone. Accesses that are not aligned are in memory_misaligned.S.
#include "common.h"

// LOAD(op, want, offset): from `source` + offset, by offset and by base.
#define LOAD(op, want, offset) test_load __LINE__, op, want, offset
// STORE(op, value, offset, words...): into `target` + offset; then target holds the two words.
#define STORE(op, value, offset, word0, word1) test_store __LINE__, op, value, offset, word0, word1

.macro test_load line, op, want, offset
  la a1, source
  \op a0, \offset(a1)
  check_reg \line, a0, \want
  la a1, source+\offset
  \op a0, 0(a1)
  check_reg \line, a0, \want
  la a1, source+\offset+2047
  \op a0, -2047(a1)
  check_reg \line, a0, \want
  la a1, source+\offset-2047
  \op a1, 2047(a1)
  check_reg \line, a1, \want
  la a1, source
  \op x0, \offset(a1)
  check_reg \line, x0, 0
.endm

.macro test_store line, op, value, offset, word0, word1
  la a1, target
  li a0, 0x11111111
  sw a0, 0(a1)
  li a0, 0x22222222
  sw a0, 4(a1)
  li a0, 0x33333333
  sw a0, 8(a1)
  sw a0, -4(a1)
  li a0, \value
  \op a0, \offset(a1)
  lw a2, 0(a1)
  check_reg \line, a2, \word0
  lw a2, 4(a1)
  check_reg \line, a2, \word1
  lw a2, 8(a1)
  check_reg \line, a2, 0x33333333
  lw a2, -4(a1)
  check_reg \line, a2, 0x33333333
  // The same by another base.
  li a0, 0x11111111
  sw a0, 0(a1)
  li a0, 0x22222222
  sw a0, 4(a1)
  li a0, \value
  addi a3, a1, \offset+1
  \op a0, -1(a3)
  lw a2, 0(a1)
  check_reg \line, a2, \word0
  lw a2, 4(a1)
  check_reg \line, a2, \word1
.endm

#if __riscv_xlen == 64
#define NEGATIVE(x) (0xffffffff00000000+x)
#else
#define NEGATIVE(x) x
#endif

TEST_BEGIN
  LOAD(lb, 0x01, 0)
  LOAD(lb, 0x23, 1)
  LOAD(lb, -0x7b, 2)
  LOAD(lb, -0x39, 3)
  LOAD(lb, -0x1, 4)
  LOAD(lb, 0x00, 5)
  LOAD(lb, 0x7f, 6)
  LOAD(lb, -0x80, 7)
  LOAD(lbu, 0x01, 0)
  LOAD(lbu, 0x23, 1)
  LOAD(lbu, 0x85, 2)
  LOAD(lbu, 0xc7, 3)
  LOAD(lbu, 0xff, 4)
  LOAD(lbu, 0x00, 5)
  LOAD(lbu, 0x7f, 6)
  LOAD(lbu, 0x80, 7)
  LOAD(lh, 0x2301, 0)
  LOAD(lh, -0x387b, 2)
  LOAD(lh, 0x00ff, 4)
  LOAD(lh, -0x7f81, 6)
  LOAD(lhu, 0x2301, 0)
  LOAD(lhu, 0xc785, 2)
  LOAD(lhu, 0x00ff, 4)
  LOAD(lhu, 0x807f, 6)
  LOAD(lw, NEGATIVE(0xc7852301), 0)
  LOAD(lw, NEGATIVE(0x807f00ff), 4)
  LOAD(lw, 0x7fffffff, 8)
  LOAD(lw, 0, 12)
#if __riscv_xlen == 64
  LOAD(lwu, 0xc7852301, 0)
  LOAD(lwu, 0x807f00ff, 4)
  LOAD(lwu, 0x7fffffff, 8)
  LOAD(ld, 0x807f00ffc7852301, 0)
  LOAD(ld, 0x7fffffff, 8)
#endif
  STORE(sb, 0xffffffab, 0, 0x111111ab, 0x22222222)
  STORE(sb, 0x000000ab, 1, 0x1111ab11, 0x22222222)
  STORE(sb, 0x5a5a5a00, 2, 0x11001111, 0x22222222)
  STORE(sb, 0x0000007f, 3, 0x7f111111, 0x22222222)
  STORE(sb, 0x00000080, 4, 0x11111111, 0x22222280)
  STORE(sb, 0x00000181, 5, 0x11111111, 0x22228122)
  STORE(sb, 0x00000282, 6, 0x11111111, 0x22822222)
  STORE(sb, 0x00000003, 7, 0x11111111, 0x03222222)
  STORE(sh, 0xffffabcd, 0, 0x1111abcd, 0x22222222)
  STORE(sh, 0x00001234, 2, 0x12341111, 0x22222222)
  STORE(sh, 0x12348765, 4, 0x11111111, 0x22228765)
  STORE(sh, 0x00000000, 6, 0x11111111, 0x00002222)
  STORE(sw, 0x12345678, 0, 0x12345678, 0x22222222)
  STORE(sw, 0x7edcba98, 4, 0x11111111, 0x7edcba98)
#if __riscv_xlen == 64
  STORE(sw, 0xabcdef0112345678, 0, 0x12345678, 0x22222222)
  STORE(sd, 0x0123456776543210, 0, 0x76543210, 0x01234567)
#endif

  // x0 as the value, and the base as its own value
  la a1, target
  li a0, -1
  sw a0, 0(a1)
  sb x0, 1(a1)
  lw a0, 0(a1)
  CHECK(a0, NEGATIVE(0xffff00ff))
  sh x0, 2(a1)
  lw a0, 0(a1)
  CHECK(a0, 0x00ff)
  sw x0, 0(a1)
  lw a0, 0(a1)
  CHECK(a0, 0)
  SREG a1, 0(a1)
  LREG a0, 0(a1)
  CHECK_REGS(a0, a1)

  // A load right after a store of another size to the same place.
  li a0, 0x44332211
  sw a0, 0(a1)
  lbu a2, 2(a1)
  CHECK(a2, 0x33)
  li a0, 0x99
  sb a0, 3(a1)
  lhu a2, 2(a1)
  CHECK(a2, 0x9933)
  // The last and the first bytes of neighbouring pages.
  la a1, page_1
  li a0, 0x61
  sb a0, -1(a1)
  li a0, 0x62
  sb a0, 0(a1)
  li a0, 0x7473
  sh a0, -4(a1)
  lw a2, -4(a1)
  CHECK(a2, 0x61007473)
  lw a2, 0(a1)
  CHECK(a2, 0x62)
  // fence takes its place among them, whatever its fields say.
  fence
  fence r, w
  fence rw, rw
  fence.tso
  .word 0x0ff0000f // fence iorw, iorw
  .word 0x0000000f // fence with empty sets
  .word 0x1230818f // reserved fields (fm, rd, rs1) are ignored
  lw a2, 0(a1)
  CHECK(a2, 0x62)
  TEST_END

  .data
  .balign 4096
  .zero 2048
source:
  .byte 0x01, 0x23, 0x85, 0xc7, 0xff, 0x00, 0x7f, 0x80
  .word 0x7fffffff, 0
  .zero 2048 + 64
  .balign 16
  .word 0
  .zero 12
target:
  .zero 32
  .balign 4096
  .zero 4096
page_1:
  .zero 16
