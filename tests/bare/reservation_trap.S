// SPDX-License-Identifier: Apache-2.0
//
// A trap, and the return from one, end a reservation: a sc after it fails.
#include "common.h"

TEST_BEGIN
  la a1, cell
  li a2, 0x55
  lr.w a0, (a1)
  EXPECT_TRAP(CAUSE_ECALL_M, 0, ecall)
  sc.w a0, a2, (a1)
  CHECK(a0, 1)
  lw a0, 0(a1)
  CHECK(a0, 0x11)

  // lr in U-mode, sc in M-mode, and the reverse
  RUN(MODE_U, user_lr)
  TRAP_CAUSE_WAS(CAUSE_ECALL_U)
  sc.w a0, a2, (a1)
  CHECK(a0, 1)
  lr.w a0, (a1)
  RUN(MODE_U, user_sc)
  TRAP_CAUSE_WAS(CAUSE_ECALL_U)
  CHECK(a0, 1)
  lw a0, 0(a1)
  CHECK(a0, 0x11)

  // Both in U-mode, without a trap between them
  RUN(MODE_U, user_lr_sc)
  TRAP_CAUSE_WAS(CAUSE_ECALL_U)
  CHECK(a0, 0)
  lw a0, 0(a1)
  CHECK(a0, 0x55)
  TEST_END

user_lr:
  lr.w a0, (a1)
  ecall
user_sc:
  sc.w a0, a2, (a1)
  ecall
user_lr_sc:
  lr.w a0, (a1)
  sc.w a0, a2, (a1)
  ecall

  .data
  .balign 8
cell:
  .word 0x11, 0
