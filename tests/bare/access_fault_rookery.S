// SPDX-License-Identifier: Apache-2.0
//
// Access faults of AMOs are store faults (exception 7); devices hold no instructions (exception 1);
// a sc without reservation to nowhere fails without a fault or faults, but stores nothing.
// Rookery only: QEMU reports AMOs as loads, and fetches from devices.
#include "common.h"

TEST_BEGIN
  li a0, 0x123
  li a1, NOWHERE
  li a2, 1
.irp op, amoswap.w,amoadd.w,amoxor.w,amoand.w,amoor.w,amomin.w,amomax.w,amominu.w,amomaxu.w
  EXPECT_TRAP_REG(CAUSE_STORE_ACCESS, a1, \op a0, a2, (a1))
.endr
#if __riscv_xlen == 64
.irp op, amoswap.d,amoadd.d,amoxor.d,amoand.d,amoor.d,amomin.d,amomax.d,amominu.d,amomaxu.d
  EXPECT_TRAP_REG(CAUSE_STORE_ACCESS, a1, \op a0, a2, (a1))
.endr
#endif
  EXPECT_TRAP_REG(CAUSE_STORE_ACCESS, a1, amoswap.w x0, x0, (a1))
  CHECK(a0, 0x123)
.irp device, UART, CLINT_MSIP, PLIC, TEST_DEVICE
  li a1, \device
  EXPECT_FETCH_TRAP(CAUSE_FETCH_ACCESS, a1)
.endr
  TEST_END
