// SPDX-License-Identifier: Apache-2.0
//
// Loads and stores that are not naturally aligned: exceptions 4 and 6 with the exact address,
// nothing loaded, nothing stored.
// Rookery only: QEMU executes them.
#include "common.h"

#define LOAD_TRAPS(op, offset) EXPECT_TRAP_LABEL(CAUSE_LOAD_MISALIGNED, cell+offset, op a0, offset(a1))
#define STORE_TRAPS(op, offset) EXPECT_TRAP_LABEL(CAUSE_STORE_MISALIGNED, cell+offset, op a0, offset(a1))

TEST_BEGIN
  la a1, cell
  li a0, 0x123
  LOAD_TRAPS(lh, 1)
  LOAD_TRAPS(lh, 3)
  LOAD_TRAPS(lhu, 1)
  LOAD_TRAPS(lhu, 3)
  LOAD_TRAPS(lw, 1)
  LOAD_TRAPS(lw, 2)
  LOAD_TRAPS(lw, 3)
  LOAD_TRAPS(lw, -1)
  STORE_TRAPS(sh, 1)
  STORE_TRAPS(sh, 3)
  STORE_TRAPS(sw, 1)
  STORE_TRAPS(sw, 2)
  STORE_TRAPS(sw, 3)
  STORE_TRAPS(sw, -2)
#if __riscv_xlen == 64
  LOAD_TRAPS(lwu, 1)
  LOAD_TRAPS(lwu, 2)
  LOAD_TRAPS(lwu, 3)
  LOAD_TRAPS(ld, 1)
  LOAD_TRAPS(ld, 2)
  LOAD_TRAPS(ld, 4)
  LOAD_TRAPS(ld, 7)
  STORE_TRAPS(sd, 1)
  STORE_TRAPS(sd, 2)
  STORE_TRAPS(sd, 4)
  STORE_TRAPS(sd, 7)
#endif
  CHECK(a0, 0x123)
  EXPECT_TRAP_LABEL(CAUSE_LOAD_MISALIGNED, cell+1, lw x0, 1(a1))
  // rd = rs1 keeps its value
  EXPECT_TRAP_LABEL(CAUSE_LOAD_MISALIGNED, cell+1, lw a1, 1(a1))
  CHECK_LABEL(a1, cell)
  lw a2, -4(a1)
  CHECK(a2, 0x01010101)
  lw a2, 0(a1)
  CHECK(a2, 0x02020202)
  lw a2, 4(a1)
  CHECK(a2, 0x03030303)
  // Over the end of a page
  la a1, page_1
  EXPECT_TRAP_LABEL(CAUSE_LOAD_MISALIGNED, page_1-1, lw a0, -1(a1))
  EXPECT_TRAP_LABEL(CAUSE_LOAD_MISALIGNED, page_1-2, lw a0, -2(a1))
  EXPECT_TRAP_LABEL(CAUSE_LOAD_MISALIGNED, page_1-1, lhu a0, -1(a1))
  EXPECT_TRAP_LABEL(CAUSE_STORE_MISALIGNED, page_1-3, sw a0, -3(a1))
  EXPECT_TRAP_LABEL(CAUSE_STORE_MISALIGNED, page_1-1, sh a0, -1(a1))
  // Misaligned comes before the access fault: devices and nowhere
  li a1, UART
  EXPECT_TRAP(CAUSE_LOAD_MISALIGNED, UART+1, lw a0, 1(a1))
  EXPECT_TRAP(CAUSE_STORE_MISALIGNED, UART+1, sh a0, 1(a1))
  li a1, NOWHERE
  EXPECT_TRAP(CAUSE_LOAD_MISALIGNED, NOWHERE+2, lw a0, 2(a1))
  EXPECT_TRAP(CAUSE_STORE_MISALIGNED, NOWHERE+2, sw a0, 2(a1))
  TEST_END

  .data
  .balign 16
  .word 0, 0, 0, 0x01010101
cell:
  .word 0x02020202, 0x03030303, 0, 0
  .balign 4096
  .zero 4096
page_1:
  .zero 16
