// SPDX-License-Identifier: Apache-2.0
//
// lr and sc: what succeeds, what fails (and then stores nothing), what ends a reservation.
#include "common.h"

TEST_BEGIN
  la a1, cell
  la a3, other
  li a2, 0x55

  // sc without lr fails with 1
  li a0, 7
  sc.w a0, a2, (a1)
  CHECK(a0, 1)
  lw a0, 0(a1)
  CHECK(a0, 0x11)

  // lr, sc: stores; a second sc fails
  lr.w a0, (a1)
  CHECK(a0, 0x11)
  sc.w a0, a2, (a1)
  CHECK(a0, 0)
  lw a0, 0(a1)
  CHECK(a0, 0x55)
  li a2, 0x66
  sc.w a0, a2, (a1)
  CHECK(a0, 1)
  lw a0, 0(a1)
  CHECK(a0, 0x55)

  // sc to another address fails and ends the reservation
  lr.w a0, (a1)
  sc.w a0, a2, (a3)
  CHECK(a0, 1)
  lw a0, 0(a3)
  CHECK(a0, 0x22)
  sc.w a0, a2, (a1)
  CHECK(a0, 1)
  lw a0, 0(a1)
  CHECK(a0, 0x55)

  // A second lr replaces the first one
  lr.w a0, (a1)
  lr.w a0, (a3)
  CHECK(a0, 0x22)
  sc.w a0, a2, (a1)
  CHECK(a0, 1)
  lr.w a0, (a1)
  lr.w a0, (a3)
  sc.w a0, a2, (a3)
  CHECK(a0, 0)
  lw a0, 0(a3)
  CHECK(a0, 0x66)
  lw a0, 0(a1)
  CHECK(a0, 0x55)

  // Ordering bits; rd = rs2; rd = x0; lr into its own base
  lr.w.aq a0, (a1)
  li a2, 0x77
  sc.w.rl a2, a2, (a1)
  CHECK(a2, 0)
  lw a0, 0(a1)
  CHECK(a0, 0x77)
  lr.w.aqrl x0, (a1)
  CHECK(x0, 0)
  li a2, 0x78
  sc.w.aqrl x0, a2, (a1)
  CHECK(x0, 0)
  lw a0, 0(a1)
  CHECK(a0, 0x78)
  mv a4, a1
  lr.w a4, (a4)
  CHECK(a4, 0x78)
  li a2, 0x79
  mv a4, a1
  sc.w a4, a2, (a4)
  CHECK(a4, 0)
  lw a0, 0(a1)
  CHECK(a0, 0x79)

  // A negative word is sign-extended
  li a2, -2
  sw a2, 0(a1)
  lr.w a0, (a1)
  CHECK(a0, -2)

  // An increment as programs write it, 100 times
  sw zero, 0(a1)
  li a4, 100
1:
  lr.w a0, (a1)
  addi a0, a0, 1
  sc.w a5, a0, (a1)
  bnez a5, 1b
  addi a4, a4, -1
  bnez a4, 1b
  lw a0, 0(a1)
  CHECK(a0, 100)

#if __riscv_xlen == 64
  la a1, cell_d
  li a2, 0x123456789abcdef0
  sc.d a0, a2, (a1)
  CHECK(a0, 1)
  lr.d a0, (a1)
  CHECK(a0, 0x8877665544332211)
  sc.d a0, a2, (a1)
  CHECK(a0, 0)
  ld a0, 0(a1)
  CHECK(a0, 0x123456789abcdef0)
  sc.d a0, a2, (a1)
  CHECK(a0, 1)
#endif
  TEST_END

  .data
  .balign 4096
cell:
  .word 0x11, 0
  .zero 504
other:
  .word 0x22, 0
cell_d:
  .dword 0x8877665544332211
