// SPDX-License-Identifier: Apache-2.0
//
// Interrupts that are pending at the same time: MEI, MSI, MTI, SEI, SSI, STI in this order; those for
// M-mode before those for S-mode.
// Rookery only: QEMU 7.2 takes the lowest number first.
#include "common.h"

TEST_BEGIN
  // All six: MEI and SEI from the PLIC by the UART's "transmitter empty", the rest by hand
  li a1, PLIC
  li a0, 1
  sw a0, 4*UART_IRQ(a1)
  li a2, PLIC+0x2000
  li a0, (1<<UART_IRQ)
  sw a0, 0(a2)
  li a1, UART
  li a0, 2
  sb a0, 1(a1)
  li a1, CLINT_MSIP
  li a0, 1
  sw a0, 0(a1)
  li a1, CLINT_MTIMECMP
  sw zero, 0(a1)
  sw zero, 4(a1)
  li a0, IP_SSI+IP_STI+IP_SEI
  csrw mip, a0
  csrr a0, mip
  CHECK(a0, IP_ALL)

  // All for M-mode, one after the other closed
  csrw mideleg, zero
  li a2, IP_ALL
.irp number, IRQ_MEI, IRQ_MSI, IRQ_MTI, IRQ_SEI, IRQ_SSI, IRQ_STI
  csrw mie, a2
  EXPECT_INTERRUPT(\number, csrsi mstatus, MSTATUS_MIE)
  li a0, (1<<\number)
  xor a2, a2, a0
.endr
  // S interrupts delegated: M interrupts first, then SEI, SSI, STI to S-mode
  li a0, IP_ALL
  csrw mideleg, a0
  li a2, IP_ALL
.irp number, IRQ_MEI, IRQ_MSI, IRQ_MTI
  csrw mie, a2
  RUN(MODE_U, spin)
  TRAP_WAS(INTERRUPT+\number, spin, 0)
  NO_SUPERVISOR_TRAP
  li a0, (1<<\number)
  xor a2, a2, a0
.endr
.irp number, IRQ_SEI, IRQ_SSI, IRQ_STI
  csrw mie, a2
  RUN(MODE_U, spin)
  SUPERVISOR_TRAP_WAS(INTERRUPT+\number, spin, 0)
  li a0, (1<<\number)
  xor a2, a2, a0
.endr
  // One S interrupt kept for M-mode comes before delegated ones of a higher rank.
  li a0, IP_SEI+IP_SSI
  csrw mideleg, a0
  li a0, IP_SEI+IP_SSI+IP_STI
  csrw mie, a0
  RUN(MODE_U, spin)
  TRAP_WAS(INTERRUPT+IRQ_STI, spin, 0)
  NO_SUPERVISOR_TRAP
  TEST_END

spin:
  j spin
