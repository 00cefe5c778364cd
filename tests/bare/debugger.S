// SPDX-License-Identifier: Apache-2.0
//
// What tests/cli/gdb_sessions.py debugs: a counted loop that loads and stores, a function, a line on
// the UART, and a wait for `released` that a debugger ends (it is set from the start otherwise).
#include "common.h"

#define UART_THR 0

TEST_BEGIN
  la s0, counter
  li s1, 5
  .globl count
count:
  lw a0, 0(s0)
  call increment
  nop  // what a function returns to is its caller's
  .globl store_counter
store_counter:
  sw a0, 0(s0)
  addi s1, s1, -1
  bnez s1, count
  lw a0, 0(s0)
  CHECK(a0, 5)

  .globl say_hello
say_hello:
  la a1, hello
  li a2, UART
1:
  lbu a0, 0(a1)
  beqz a0, wait_for_release
  sb a0, UART_THR(a2)
  addi a1, a1, 1
  j 1b

  .globl wait_for_release
wait_for_release:
  la s0, released
1:
  lw a0, 0(s0)
  beqz a0, 1b
  TEST_END

  .globl increment
increment:
  addi a0, a0, 1
  ret

  .data
  .balign 4
  .globl counter
counter:
  .word 0
  .globl released
released:
  .word 1
hello:
  .asciz "hello from the guest\n"
