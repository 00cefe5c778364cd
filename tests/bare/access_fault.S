// SPDX-License-Identifier: Apache-2.0
//
// Accesses to addresses where there is neither RAM nor a device: exceptions 1, 5 and 7 with the
// exact address, from M, S and U mode; rd keeps its value. AMOs are in access_fault_rookery.S.
#include "common.h"

#define RAM_END (RAM+0x1000000) // run with 16 MiB

TEST_BEGIN
  li a0, 0x123
  li a2, 1
.irp address, NOWHERE, 0x18000000, 0x1ffffffc, 0x7ffffffc
  li a1, \address
  .if (\address!=0x7ffffffc) // QEMU has its PCI window there
.irp op, lb, lbu, lh, lhu, lw
  EXPECT_TRAP_REG(CAUSE_LOAD_ACCESS, a1, \op a0, 0(a1))
.endr
.irp op, sb, sh, sw
  EXPECT_TRAP_REG(CAUSE_STORE_ACCESS, a1, \op a0, 0(a1))
.endr
  EXPECT_TRAP_REG(CAUSE_LOAD_ACCESS, a1, lr.w a0, (a1))
#if __riscv_xlen == 64
  .if ((\address&7)==0)
  EXPECT_TRAP_REG(CAUSE_LOAD_ACCESS, a1, ld a0, 0(a1))
  EXPECT_TRAP_REG(CAUSE_STORE_ACCESS, a1, sd a0, 0(a1))
  .endif
  EXPECT_TRAP_REG(CAUSE_LOAD_ACCESS, a1, lwu a0, 0(a1))
#endif
  EXPECT_FETCH_TRAP(CAUSE_FETCH_ACCESS, a1)
  .endif
  li a0, 0x123
.endr
  // The first bytes after the end of RAM, and the last ones of it
  li a1, RAM_END
  EXPECT_TRAP_REG(CAUSE_LOAD_ACCESS, a1, lw a0, 0(a1))
  EXPECT_TRAP_REG(CAUSE_LOAD_ACCESS, a1, lbu a0, 0(a1))
  EXPECT_TRAP_REG(CAUSE_STORE_ACCESS, a1, sb a0, 0(a1))
  EXPECT_TRAP_REG(CAUSE_STORE_ACCESS, a1, sw a0, 0(a1))
  CHECK(a0, 0x123)
  sw a0, -4(a1)
  lw a2, -4(a1)
  CHECK(a2, 0x123)
  EXPECT_FETCH_TRAP(CAUSE_FETCH_ACCESS, a1)
#if __riscv_xlen == 64
  // Addresses of more than 32 bits, whose lower half is RAM
.irp address, 0x180000000, 0x8000000080000000, 0xffffffff80000000
  li a1, \address
  EXPECT_TRAP_REG(CAUSE_LOAD_ACCESS, a1, lw a0, 0(a1))
  EXPECT_TRAP_REG(CAUSE_LOAD_ACCESS, a1, ld a0, 0(a1))
  EXPECT_TRAP_REG(CAUSE_LOAD_ACCESS, a1, lr.d a0, (a1))
  EXPECT_TRAP_REG(CAUSE_STORE_ACCESS, a1, sb a0, 0(a1))
  EXPECT_TRAP_REG(CAUSE_STORE_ACCESS, a1, sd a0, 0(a1))
  EXPECT_FETCH_TRAP(CAUSE_FETCH_ACCESS, a1)
.endr
#endif
  // jalr into nowhere has written its link before the fetch fails.
  li a1, NOWHERE
  li a0, 0
  expect_begin __LINE__
  jalr a0, 0(a1)
99:
  expect_cause __LINE__, CAUSE_FETCH_ACCESS
  CHECK_LABEL(a0, 99b)
  // Offsets: mtval is the address, not the base.
  li a1, NOWHERE+0x800
  EXPECT_TRAP(CAUSE_LOAD_ACCESS, NOWHERE+4, lw a0, -2044(a1))
  EXPECT_TRAP(CAUSE_STORE_ACCESS, NOWHERE+0x800+2044, sw a0, 2044(a1))
  // Addresses wrap at the end of the address space: -4 + 8 = 4 is no RAM either.
  li a1, -4
  EXPECT_TRAP(CAUSE_LOAD_ACCESS, -4, lw a0, 0(a1))
  // S and U mode
  li a1, NOWHERE
  RUN(MODE_S, load_a1)
  TRAP_WAS_REG(CAUSE_LOAD_ACCESS, load_a1, a1)
  RUN(MODE_U, load_a1)
  TRAP_WAS_REG(CAUSE_LOAD_ACCESS, load_a1, a1)
  RUN(MODE_S, store_a1)
  TRAP_WAS_REG(CAUSE_STORE_ACCESS, store_a1, a1)
  RUN(MODE_U, store_a1)
  TRAP_WAS_REG(CAUSE_STORE_ACCESS, store_a1, a1)
  RUN_AT(MODE_S, a1)
  TRAP_WAS_REGS(CAUSE_FETCH_ACCESS, a1, a1)
  RUN_AT(MODE_U, a1)
  TRAP_WAS_REGS(CAUSE_FETCH_ACCESS, a1, a1)
  TEST_END

load_a1:
  lw a0, 0(a1)
  ecall
store_a1:
  sw a0, 0(a1)
  ecall
