// SPDX-License-Identifier: Apache-2.0
//
// Code that is written and then executed, with fence.i: on its own page, on a page that was executed
// before, over the border of two pages, and an instruction right after the fence.
#include "common.h"

#define ADDI_A0_1 0x00150513 // addi a0, a0, 1
#define ADDI_A0_2 0x00250513
#define ADDI_A0_3 0x00350513
#define LI_A0_7 0x00700513
#define RET 0x00008067

TEST_BEGIN
  // A function in a data page
  la a1, data_code
  li a2, LI_A0_7
  sw a2, 0(a1)
  li a2, RET
  sw a2, 4(a1)
  fence.i
  li a0, 0
  jalr ra, 0(a1)
  CHECK(a0, 7)

  // Rewritten 50 times; the page was executed before
  li s0, 50
  li s1, 0
1:
  slli a2, s0, 20
  li a3, 0x00000513 // li a0, 0
  or a2, a2, a3
  sw a2, 0(a1)
  fence.i
  jalr ra, 0(a1)
  CHECK_REGS(a0, s0)
  add s1, s1, a0
  addi s0, s0, -1
  bnez s0, 1b
  CHECK(s1, 1275)

  // Half an instruction changed: by sh and by sb
  li a2, ADDI_A0_1
  sw a2, 0(a1)
  fence.i
  li a0, 0
  jalr ra, 0(a1)
  CHECK(a0, 1)
  li a2, ADDI_A0_2 >> 16
  sh a2, 2(a1)
  fence.i
  li a0, 0
  jalr ra, 0(a1)
  CHECK(a0, 2)
  li a2, ADDI_A0_3 >> 16
  sb a2, 2(a1)
  fence.i
  li a0, 0
  jalr ra, 0(a1)
  CHECK(a0, 3)

  // The instruction right after the fence, on the page that is being executed
  li a0, 0
  la a1, patched
  li a2, ADDI_A0_2
  sw a2, 0(a1)
  fence.i
patched:
  addi a0, a0, 1
  CHECK(a0, 2)
  // In a loop, so that it was executed before; the page also holds the data written
  li a0, 0
  li s0, 10
  la a1, patched_loop
  la a4, loop_count
1:
  andi a3, s0, 1
  li a2, ADDI_A0_1
  beqz a3, 2f
  li a2, ADDI_A0_3
2:
  sw a2, 0(a1)
  lw a3, 0(a4)
  addi a3, a3, 1
  sw a3, 0(a4)
  fence.i
patched_loop:
  addi a0, a0, 0
  addi s0, s0, -1
  bnez s0, 1b
  CHECK(a0, 20)
  lw a3, 0(a4)
  CHECK(a3, 10)
  // By an AMO and by sc
  la a1, data_code
  li a2, ADDI_A0_1
  amoswap.w a0, a2, (a1)
  fence.i
  li a0, 0
  jalr ra, 0(a1)
  CHECK(a0, 1)
  li a2, ADDI_A0_2
  lr.w a0, (a1)
  sc.w a0, a2, (a1)
  fence.i
  jalr ra, 0(a1)
  CHECK(a0, 2)

  // Straight through from one page to the next: the last instruction of one, the first of the other
  la a1, page_1
  li a2, ADDI_A0_1
  sw a2, -8(a1)
  sw a2, -4(a1)
  li a2, ADDI_A0_2
  sw a2, 0(a1)
  li a2, RET
  sw a2, 4(a1)
  fence.i
  li a0, 0
  jalr ra, -8(a1)
  CHECK(a0, 4)
  // The second page changed alone
  li a2, ADDI_A0_3
  sw a2, 0(a1)
  fence.i
  li a0, 0
  jalr ra, -8(a1)
  CHECK(a0, 5)
  // A page of zeros that was never written is illegal instructions.
  la a1, zero_page
  expect_begin __LINE__
  jalr ra, 0(a1)
99:
  expect_cause __LINE__, CAUSE_ILLEGAL
  expect_epc_reg __LINE__, a1
  expect_tval __LINE__, 0
  TEST_END

  .balign 4
loop_count:
  .word 0

  .section .pages, "awx"
  .balign 4096
  .zero 256
data_code:
  .zero 4096 - 256
  .zero 4096
page_1:
  .zero 4096
  .bss
  .balign 4096
zero_page:
  .zero 4096
