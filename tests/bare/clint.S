// SPDX-License-Identifier: Apache-2.0
//
// The CLINT of hart 0: msip, mtimecmp, mtime; what is pending follows the registers at once.
#include "common.h"

TEST_BEGIN
  // msip: one bit
  li a1, CLINT_MSIP
  lw a0, 0(a1)
  CHECK(a0, 0)
  li a2, -1
  sw a2, 0(a1)
  lw a0, 0(a1)
  CHECK(a0, 1)
  csrr a0, mip
  CHECK(a0, IP_MSI)
  li a2, -2
  sw a2, 0(a1)
  lw a0, 0(a1)
  CHECK(a0, 0)
  csrr a0, mip
  CHECK(a0, 0)
  // mip.MSIP itself is read-only.
  li a2, IP_MSI
  csrs mip, a2
  csrr a0, mip
  CHECK(a0, 0)

  // mtimecmp: two words that keep what is written
  li a1, CLINT_MTIMECMP
  li a2, 0x12345678
  sw a2, 0(a1)
  li a2, 0x7edcba98
  sw a2, 4(a1)
  lw a0, 0(a1)
  CHECK(a0, 0x12345678)
  lw a0, 4(a1)
  CHECK(a0, 0x7edcba98)
#if __riscv_xlen == 64
  ld a0, 0(a1)
  CHECK(a0, 0x7edcba9812345678)
  li a2, 0x0fedcba987654321
  sd a2, 0(a1)
  ld a0, 0(a1)
  CHECK(a0, 0x0fedcba987654321)
#endif
  csrr a0, mip
  CHECK(a0, 0)
  // Pending when mtime >= mtimecmp
  sw zero, 4(a1)
  sw zero, 0(a1)
  csrr a0, mip
  CHECK(a0, IP_MTI)
  csrw mip, zero // read-only there
  csrr a0, mip
  CHECK(a0, IP_MTI)
  li a2, -1
  sw a2, 4(a1)
  csrr a0, mip
  CHECK(a0, 0)
  sw zero, 4(a1)
  csrr a0, mip
  CHECK(a0, IP_MTI)
  // A compare value a little ahead comes true by itself.
  li a3, CLINT_MTIME
  lw a2, 0(a3)
  li a4, 2000
  add a2, a2, a4
  sw a2, 0(a1)
  csrr a0, mip
  CHECK(a0, 0)
1:
  csrr a0, mip
  beqz a0, 1b
  CHECK(a0, IP_MTI)
  lw a0, 0(a3)
  lw a2, 0(a1)
  CHECK_BRANCH(bgeu, a0, a2)

  // mtime advances, and is continuous over its halves.
  lw a0, 0(a3)
1:
  lw a2, 0(a3)
  beq a0, a2, 1b
  CHECK_BRANCH(bltu, a0, a2)
  lw a0, 4(a3)
  CHECK(a0, 0)
#if __riscv_xlen == 64
  ld a0, 0(a3)
  csrr a2, time
  ld a4, 0(a3)
  CHECK_BRANCH(bgeu, a2, a0)
  CHECK_BRANCH(bgeu, a4, a2)
#endif

  // An interrupt from a timer ahead, taken in a loop
  li a2, -1
  sw a2, 4(a1)
  lw a2, 0(a3)
  li a4, 1000
  add a2, a2, a4
  sw a2, 0(a1)
  li a0, IP_MTI
  csrw mie, a0
  csrsi mstatus, MSTATUS_MIE
  la a0, spin
  sw zero, 4(a1)
  expect_begin __LINE__
  j spin
99:
  expect_cause __LINE__, (INTERRUPT+IRQ_MTI)
  la a0, trap_record
  LREG a0, TR_EPC(a0)
  CHECK_LABEL(a0, spin)
  csrci mstatus, MSTATUS_MIE

  // mtime can be written; mtimecmp is compared with the new one.
  csrw mie, zero
  li a2, 1000
  sw a2, 4(a1)
  csrr a0, mip
  CHECK(a0, 0)
  li a2, 999
  sw a2, 4(a3)
  lw a0, 4(a3)
  CHECK(a0, 999)
  csrr a0, mip
  CHECK(a0, 0)
  li a2, 1000
  sw a2, 4(a3)
  li a2, 0x70000000
  sw a2, 0(a3)
  csrr a0, mip
  CHECK(a0, IP_MTI)
#if __riscv_xlen == 32
  csrr a0, timeh
  CHECK(a0, 1000)
#else
  csrr a0, time
  srli a0, a0, 32
  CHECK(a0, 1000)
#endif
  sw zero, 4(a3)
  csrr a0, mip
  CHECK(a0, 0)

  // Registers are words: bytes and halfwords are access faults.
  li a1, CLINT_MSIP
  EXPECT_TRAP_REG(CAUSE_LOAD_ACCESS, a1, lbu a0, 0(a1))
  EXPECT_TRAP_REG(CAUSE_STORE_ACCESS, a1, sb a0, 0(a1))
  li a1, CLINT_MTIME
  EXPECT_TRAP_REG(CAUSE_LOAD_ACCESS, a1, lhu a0, 0(a1))
  EXPECT_TRAP_REG(CAUSE_STORE_ACCESS, a1, sh a0, 0(a1))
  TEST_END

spin:
  j spin
