// SPDX-License-Identifier: Apache-2.0
//
// lr and AMOs that are not naturally aligned: exception 4 (lr) and 6 (AMOs) with the exact address,
// and no effect.
// Rookery only: QEMU reports AMOs as loads, and fails a misaligned sc without a trap.
#include "common.h"

TEST_BEGIN
  la a1, cell+1
  li a0, 0x123
  li a2, 7
.irp op, amoswap.w,amoadd.w,amoxor.w,amoand.w,amoor.w,amomin.w,amomax.w,amominu.w,amomaxu.w
  EXPECT_TRAP_REG(CAUSE_STORE_MISALIGNED, a1, \op a0, a2, (a1))
.endr
  EXPECT_TRAP_REG(CAUSE_LOAD_MISALIGNED, a1, lr.w a0, (a1))
  la a1, cell+2
  EXPECT_TRAP_REG(CAUSE_STORE_MISALIGNED, a1, amoadd.w a0, a2, (a1))
  EXPECT_TRAP_REG(CAUSE_LOAD_MISALIGNED, a1, lr.w a0, (a1))
  la a1, cell+3
  EXPECT_TRAP_REG(CAUSE_STORE_MISALIGNED, a1, amoadd.w.aqrl x0, a2, (a1))
#if __riscv_xlen == 64
  la a1, cell+4
.irp op, amoswap.d,amoadd.d,amoxor.d,amoand.d,amoor.d,amomin.d,amomax.d,amominu.d,amomaxu.d
  EXPECT_TRAP_REG(CAUSE_STORE_MISALIGNED, a1, \op a0, a2, (a1))
.endr
  EXPECT_TRAP_REG(CAUSE_LOAD_MISALIGNED, a1, lr.d a0, (a1))
#endif
  // sc traps, too, whether there is a reservation or not.
  la a1, cell+2
  EXPECT_TRAP_REG(CAUSE_STORE_MISALIGNED, a1, sc.w a0, a2, (a1))
  CHECK(a0, 0x123)
  la a1, cell
  lw a2, 0(a1)
  CHECK(a2, 0x01020304)
  lw a2, 4(a1)
  CHECK(a2, 0x05060708)
  TEST_END

  .data
  .balign 16
cell:
  .word 0x01020304, 0x05060708
