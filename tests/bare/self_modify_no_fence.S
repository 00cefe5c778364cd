// SPDX-License-Identifier: Apache-2.0
//
// Code that is written and executed without fence.i. The specification leaves open what happens;
// Rookery promises that a store is seen by the next fetch of any later instruction, on every engine.
// Rookery only: QEMU promises the same only on some hosts.
#include "common.h"

#define ADDI_A0_1 0x00150513 // addi a0, a0, 1
#define ADDI_A0_2 0x00250513
#define RET 0x00008067

TEST_BEGIN
  la a1, data_code
  li a2, RET
  sw a2, 4(a1)
  li s0, 20
  li s1, 0
1:
  slli a2, s0, 20
  li a3, 0x00000513 // li a0, 0
  or a2, a2, a3
  sw a2, 0(a1)
  jalr ra, 0(a1)
  CHECK_REGS(a0, s0)
  addi s0, s0, -1
  bnez s0, 1b
  // The very next instruction
  li a0, 0
  la a1, patched
  li a2, ADDI_A0_2
  sw a2, 0(a1)
patched:
  addi a0, a0, 1
  CHECK(a0, 2)
  // One further down, in a straight line that was executed before
  li s0, 2
  li a0, 0
  la a1, patched_later
  li a2, ADDI_A0_1
  sw a2, 0(a1)
1:
  nop
  nop
patched_later:
  addi a0, a0, 0
  li a2, ADDI_A0_2
  sw a2, 0(a1)
  addi s0, s0, -1
  bnez s0, 1b
  CHECK(a0, 3)
  TEST_END

  .section .pages, "awx"
  .balign 4096
data_code:
  .zero 4096
