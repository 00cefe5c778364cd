// SPDX-License-Identifier: Apache-2.0
//
// The bus: sizes that devices take, registers that are not there, the test device's other values.
#include "common.h"

TEST_BEGIN
  // The test device reads 0, and ignores what is no command. Bytes are access faults.
  li a1, TEST_DEVICE
  lw a0, 0(a1)
  CHECK(a0, 0)
  li a0, 0x1234
  sw a0, 0(a1)
  EXPECT_TRAP_REG(CAUSE_LOAD_ACCESS, a1, lbu a0, 0(a1))
  EXPECT_TRAP_REG(CAUSE_STORE_ACCESS, a1, sb a0, 0(a1))
  // A store that faults changes nothing, a load that faults keeps rd.
  li a1, PLIC+4*UART_IRQ
  li a0, 6
  sw a0, 0(a1)
  li a0, 1
  EXPECT_TRAP_REG(CAUSE_STORE_ACCESS, a1, sb a0, 0(a1))
  EXPECT_TRAP_REG(CAUSE_LOAD_ACCESS, a1, lhu a0, 0(a1))
  CHECK(a0, 1)
  lw a0, 0(a1)
  CHECK(a0, 6)
  sw zero, 0(a1)
  // PLIC sources and contexts other than the UART's: enable bits of a word
  li a1, PLIC+0x2000
  li a0, 0x7fffffff-1
  sw a0, 0(a1)
  lw a0, 0(a1)
  CHECK(a0, 0x7ffffffe)
  sw zero, 0(a1)
  // An empty virtio slot: the magic is there or nothing is; no fault
  li a1, 0x10008000
  lw a0, 0(a1)
  lw a0, 8(a1)
  CHECK(a0, 0) // no device behind it
  // rd = x0 still reads: the UART's receive buffer is emptied
  li a1, UART
  li a0, 0x10
  sb a0, 4(a1)
  li a0, 'x'
  sb a0, 0(a1)
  lbu a0, 5(a1)
  andi a0, a0, 1
  CHECK(a0, 1)
  lbu x0, 0(a1)
  lbu a0, 5(a1)
  andi a0, a0, 1
  CHECK(a0, 0)
  sb zero, 4(a1)
  TEST_END
