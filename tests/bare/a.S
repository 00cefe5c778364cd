// SPDX-License-Identifier: Apache-2.0
//
// RV32A/RV64A: every AMO on words (and doublewords) at the edges, with every aliasing of the registers
// and every ordering bit; the neighbours of the operand stay alone.
#include "common.h"

// AMO(op, memory, operand, result): the old value comes back sign-extended.
#define AMO(op, memory, operand, result) test_amo __LINE__, op, memory, operand, result
#define AMO_D(op, memory, operand, result) test_amo_d __LINE__, op, memory, operand, result

#if __riscv_xlen == 64
#define GUARD 0x7777777777777777
.macro li_word reg, value
  li \reg, ((\value)&0xffffffff)
  addiw \reg, \reg, 0
.endm
#else
#define GUARD 0x77777777
.macro li_word reg, value
  li \reg, \value
.endm
#endif

.macro test_amo line, op, memory, operand, result
  li gp, \line
  la a1, cell
  li a3, \memory
  li a2, \operand
  sw a3, 0(a1)
  li a0, 0
  \op a0, a2, (a1)
  li_word a4, \memory
  check_regs \line, a0, a4
  lw a0, 0(a1)
  li_word a4, \result
  check_regs \line, a0, a4
  // rd = rs2
  sw a3, 0(a1)
  \op\().aq a2, a2, (a1)
  li_word a4, \memory
  check_regs \line, a2, a4
  lw a0, 0(a1)
  li_word a4, \result
  check_regs \line, a0, a4
  // rd = rs1
  li a2, \operand
  sw a3, 0(a1)
  \op\().rl a1, a2, (a1)
  li_word a4, \memory
  check_regs \line, a1, a4
  la a1, cell
  lw a0, 0(a1)
  li_word a4, \result
  check_regs \line, a0, a4
  // rd = x0
  sw a3, 0(a1)
  \op\().aqrl x0, a2, (a1)
  check_reg \line, x0, 0
  lw a0, 0(a1)
  li_word a4, \result
  check_regs \line, a0, a4
  // neighbours
  lw a0, -4(a1)
  li_word a4, 0x77777777
  check_regs \line, a0, a4
  lw a0, 4(a1)
  check_regs \line, a0, a4
.endm

#if __riscv_xlen == 64
.macro test_amo_d line, op, memory, operand, result
  li gp, \line
  la a1, cell_d
  li a3, \memory
  li a2, \operand
  sd a3, 0(a1)
  \op a0, a2, (a1)
  check_regs \line, a0, a3
  ld a0, 0(a1)
  check_reg \line, a0, \result
  sd a3, 0(a1)
  \op\().aqrl a2, a2, (a1)
  check_regs \line, a2, a3
  ld a0, 0(a1)
  check_reg \line, a0, \result
  li a2, \operand
  sd a3, 0(a1)
  \op x0, a2, (a1)
  ld a0, 0(a1)
  check_reg \line, a0, \result
  ld a0, 8(a1)
  check_reg \line, a0, GUARD
  ld a0, -8(a1)
  check_reg \line, a0, GUARD
.endm
#endif

TEST_BEGIN
  AMO(amoswap.w, 0x12345678, 0x80000001, 0x80000001)
  AMO(amoswap.w, 0x87654321, 0, 0)
  AMO(amoadd.w, 0x80000000, 0xfffff800, 0x7ffff800)
  AMO(amoadd.w, 0x7fffffff, 1, 0x80000000)
  AMO(amoadd.w, 0xffffffff, 1, 0)
  AMO(amoxor.w, 0x80000000, 0xfffff800, 0x7ffff800)
  AMO(amoxor.w, 0x55555555, 0xffffffff, 0xaaaaaaaa)
  AMO(amoand.w, 0x80000000, 0xfffff800, 0x80000000)
  AMO(amoand.w, 0x0ff00ff0, 0x00ffff00, 0x00f00f00)
  AMO(amoor.w, 0x80000000, 0x00000801, 0x80000801)
  AMO(amoor.w, 0x0ff00ff0, 0xf000000f, 0xfff00fff)
  AMO(amomin.w, 0x80000000, 0x7fffffff, 0x80000000)
  AMO(amomin.w, 0x7fffffff, 0x80000000, 0x80000000)
  AMO(amomin.w, 0xffffffff, 0, 0xffffffff)
  AMO(amomin.w, 5, 5, 5)
  AMO(amomax.w, 0x80000000, 0x7fffffff, 0x7fffffff)
  AMO(amomax.w, 0x7fffffff, 0x80000000, 0x7fffffff)
  AMO(amomax.w, 0xffffffff, 0, 0)
  AMO(amomax.w, 0xfffffffe, 0xffffffff, 0xffffffff)
  AMO(amominu.w, 0x80000000, 0x7fffffff, 0x7fffffff)
  AMO(amominu.w, 0, 0xffffffff, 0)
  AMO(amominu.w, 0xffffffff, 0, 0)
  AMO(amomaxu.w, 0x80000000, 0x7fffffff, 0x80000000)
  AMO(amomaxu.w, 0, 0xffffffff, 0xffffffff)
  AMO(amomaxu.w, 0xffffffff, 0, 0xffffffff)
#if __riscv_xlen == 64
  // The upper half of the operand does not matter to a word.
  AMO(amoswap.w, 0x12345678, 0x1234567880000001, 0x80000001)
  AMO(amoadd.w, 0x80000000, 0x1ffffffff, 0x7fffffff)
  AMO(amomin.w, 0x00000001, 0x0000000180000000, 0x80000000)
  AMO(amomax.w, 0x00000001, 0x0000000180000000, 0x00000001)
  AMO(amominu.w, 0x80000000, 0xffffffff00000001, 0x00000001)
  AMO(amomaxu.w, 0x80000000, 0xffffffff00000001, 0x80000000)
  AMO_D(amoswap.d, 0x1234567812345678, 0x8000000000000001, 0x8000000000000001)
  AMO_D(amoadd.d, 0xffffffff80000000, 0xfffffffffffff800, 0xffffffff7ffff800)
  AMO_D(amoadd.d, 0x00000000ffffffff, 1, 0x0000000100000000)
  AMO_D(amoadd.d, 0x7fffffffffffffff, 1, 0x8000000000000000)
  AMO_D(amoxor.d, 0x5555555555555555, 0xffffffff00000000, 0xaaaaaaaa55555555)
  AMO_D(amoand.d, 0x0ff00ff0f00ff00f, 0x00ffff00ffff0000, 0x00f00f00f00f0000)
  AMO_D(amoor.d, 0x8000000000000000, 0x0000000000000801, 0x8000000000000801)
  AMO_D(amomin.d, 0x8000000000000000, 0x7fffffffffffffff, 0x8000000000000000)
  AMO_D(amomin.d, 0x00000000ffffffff, 0xffffffff00000000, 0xffffffff00000000)
  AMO_D(amomax.d, 0x8000000000000000, 0x7fffffffffffffff, 0x7fffffffffffffff)
  AMO_D(amomax.d, 0x0000000080000000, 0x000000007fffffff, 0x0000000080000000)
  AMO_D(amominu.d, 0x8000000000000000, 0x7fffffffffffffff, 0x7fffffffffffffff)
  AMO_D(amominu.d, 0x00000000ffffffff, 0xffffffff00000000, 0x00000000ffffffff)
  AMO_D(amomaxu.d, 0x8000000000000000, 0x7fffffffffffffff, 0x8000000000000000)
  AMO_D(amomaxu.d, 0x00000000ffffffff, 0x0000000100000000, 0x0000000100000000)
#endif
  TEST_END

  .data
  .balign 16
  .word 0x77777777, 0x77777777, 0x77777777, 0x77777777
cell:
  .word 0, 0x77777777, 0x77777777, 0x77777777
  .word 0x77777777, 0x77777777, 0x77777777, 0x77777777
cell_d:
  .word 0, 0, 0x77777777, 0x77777777
