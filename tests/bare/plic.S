// SPDX-License-Identifier: Apache-2.0
//
// The PLIC with the UART's interrupt (source 10) as its only line: priority, threshold, enable, pending,
// claim and completion, for the machine context (0) and the supervisor context (1).
#include "common.h"

#define ENABLE_M 0x2000
#define ENABLE_S 0x2080
#define THRESHOLD_M 0x200000
#define CLAIM_M 0x200004
#define THRESHOLD_S 0x201000
#define CLAIM_S 0x201004
#define LINE (1<<UART_IRQ)

.macro plic_write offset, value
  li t5, PLIC+\offset
  li t6, \value
  sw t6, 0(t5)
.endm
.macro plic_read reg, offset
  li \reg, PLIC+\offset
  lw \reg, 0(\reg)
.endm
// QEMU 7.2 looks at the enable bits anew only when something else is written.
.macro plic_enable offset, value
  plic_write \offset, \value
  li t5, PLIC+4*UART_IRQ
  lw t6, 0(t5)
  sw t6, 0(t5)
.endm
// The UART's line: the "transmitter empty" interrupt is raised by enabling it, ended by disabling it.
.macro line_up
  li t5, UART
  sb zero, 1(t5)
  li t6, 2
  sb t6, 1(t5)
.endm
.macro line_down
  li t5, UART
  sb zero, 1(t5)
.endm
// No request is left.
.macro drain
  line_down
  plic_read t6, CLAIM_M
  li t5, PLIC+CLAIM_M
  li t6, UART_IRQ
  sw t6, 0(t5)
.endm
#define PLIC_IS(offset, want) plic_is __LINE__, offset, want
.macro plic_is line, offset, want
  plic_read a0, \offset
  check_reg \line, a0, \want
.endm
#define MIP_IS(want) mip_is __LINE__, want
.macro mip_is line, want
  csrr a0, mip
  check_reg \line, a0, \want
.endm

TEST_BEGIN
  // Reset, and what can be written
  PLIC_IS(4*UART_IRQ, 0)
  PLIC_IS(ENABLE_M, 0)
  PLIC_IS(ENABLE_S, 0)
  PLIC_IS(THRESHOLD_M, 0)
  PLIC_IS(THRESHOLD_S, 0)
  PLIC_IS(0x1000, 0)
  PLIC_IS(CLAIM_M, 0)
  PLIC_IS(CLAIM_S, 0)
  plic_write 4*UART_IRQ, -1
  PLIC_IS(4*UART_IRQ, 7)
  plic_write 4*UART_IRQ, 5
  PLIC_IS(4*UART_IRQ, 5)
  plic_write THRESHOLD_M, -1
  PLIC_IS(THRESHOLD_M, 7)
  plic_write THRESHOLD_M, 0
  plic_enable ENABLE_M, LINE
  PLIC_IS(ENABLE_M, LINE)
  PLIC_IS(ENABLE_S, 0)
  plic_enable ENABLE_M, 0
  MIP_IS(0)

  // The line is up: pending, but not enabled
  line_up
  PLIC_IS(0x1000, LINE)
  MIP_IS(0)
  PLIC_IS(CLAIM_M, 0)
  // Enabled for M, for S, for both
  plic_enable ENABLE_M, LINE
  MIP_IS(IP_MEI)
  plic_enable ENABLE_M, 0
  plic_enable ENABLE_S, LINE
  MIP_IS(IP_SEI)
  plic_enable ENABLE_M, LINE
  MIP_IS(IP_MEI+IP_SEI)
  // Threshold: strictly above
  plic_write THRESHOLD_M, 5
  MIP_IS(IP_SEI)
  plic_write THRESHOLD_M, 4
  MIP_IS(IP_MEI+IP_SEI)
  plic_write THRESHOLD_S, 7
  MIP_IS(IP_MEI)
  plic_write THRESHOLD_M, 0
  plic_write THRESHOLD_S, 0
  // Priority 0 never interrupts, and cannot be claimed.
  plic_write 4*UART_IRQ, 0
  MIP_IS(0)
  PLIC_IS(CLAIM_M, 0)
  plic_write 4*UART_IRQ, 1
  MIP_IS(IP_MEI+IP_SEI)

  // A claim takes it for both contexts; the second claim finds nothing.
  PLIC_IS(CLAIM_M, UART_IRQ)
  MIP_IS(0)
  PLIC_IS(0x1000, 0)
  PLIC_IS(CLAIM_M, 0)
  PLIC_IS(CLAIM_S, 0)
  // Completed with the line down: nothing
  line_down
  plic_write CLAIM_M, UART_IRQ
  MIP_IS(0)
  PLIC_IS(0x1000, 0)
  // The line goes up again: the S context claims and completes.
  line_up
  MIP_IS(IP_MEI+IP_SEI)
  PLIC_IS(CLAIM_S, UART_IRQ)
  MIP_IS(0)
  // Up again before the completion: not before it
  line_down
  line_up
  MIP_IS(0)
  PLIC_IS(CLAIM_M, 0)
  plic_write CLAIM_S, UART_IRQ
  MIP_IS(IP_MEI+IP_SEI)
  // The line goes down by itself: a gateway may keep the request (QEMU) or not (Rookery).
  drain
  MIP_IS(0)
  // A claim below the threshold: the threshold masks the interrupt, not the claim.
  line_up
  plic_write THRESHOLD_M, 7
  plic_enable ENABLE_S, 0
  MIP_IS(0)
  plic_write THRESHOLD_M, 0
  MIP_IS(IP_MEI)

  // The interrupt itself: in M-mode
  li a0, IP_MEI
  csrw mie, a0
  EXPECT_INTERRUPT(IRQ_MEI, csrsi mstatus, MSTATUS_MIE)
  PLIC_IS(CLAIM_M, UART_IRQ)
  csrsi mstatus, MSTATUS_MIE
  nop
  csrci mstatus, MSTATUS_MIE
  line_down
  plic_write CLAIM_M, UART_IRQ
  // in S-mode, delegated
  plic_enable ENABLE_M, 0
  plic_enable ENABLE_S, LINE
  li a0, IP_SEI
  csrw mideleg, a0
  csrw mie, a0
  csrsi mstatus, MSTATUS_SIE
  line_up
  RUN(MODE_S, spin)
  SUPERVISOR_TRAP_WAS(INTERRUPT+IRQ_SEI, spin, 0)
  csrci mstatus, MSTATUS_SIE
  RUN(MODE_U, spin)
  SUPERVISOR_TRAP_WAS(INTERRUPT+IRQ_SEI, spin, 0)
  csrw mie, zero

  // mip.SEIP is the line or what software wrote; setting other bits does not turn one into the other.
  csrsi mip, IP_SSI
  MIP_IS(IP_SEI+IP_SSI)
  PLIC_IS(CLAIM_S, UART_IRQ)
  MIP_IS(IP_SSI)
  line_down
  plic_write CLAIM_S, UART_IRQ
  MIP_IS(IP_SSI)
  li a1, IP_SEI
  csrs mip, a1
  MIP_IS(IP_SEI+IP_SSI)
  line_up
  csrc mip, a1
  MIP_IS(IP_SEI+IP_SSI)
  PLIC_IS(CLAIM_S, UART_IRQ)
  MIP_IS(IP_SSI)
  csrw mip, zero
  MIP_IS(0)

  // Registers are words.
  li a1, PLIC+4*UART_IRQ
  EXPECT_TRAP_REG(CAUSE_LOAD_ACCESS, a1, lbu a0, 0(a1))
  EXPECT_TRAP_REG(CAUSE_STORE_ACCESS, a1, sh a0, 0(a1))
  TEST_END

spin:
  j spin
