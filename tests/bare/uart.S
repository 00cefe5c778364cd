// SPDX-License-Identifier: Apache-2.0
//
// The ns16550a: registers, output, loopback, FIFO, interrupts. Prints "uart ok".
#include "common.h"

#define RBR 0
#define THR 0
#define IER 1
#define IIR 2
#define FCR 2
#define LCR 3
#define MCR 4
#define LSR 5
#define MSR 6
#define SCR 7

#define READS(reg, want) uart_reads __LINE__, reg, want
#define READS_MASKED(reg, mask, want) uart_reads_masked __LINE__, reg, mask, want
#define PUT(reg, value) uart_put reg, value

.macro uart_put reg, value
  li t6, \value
  sb t6, \reg(s0)
.endm
.macro uart_reads line, reg, want
  lbu a0, \reg(s0)
  check_reg \line, a0, \want
.endm
.macro uart_reads_masked line, reg, mask, want
  lbu a0, \reg(s0)
  andi a0, a0, \mask
  check_reg \line, a0, \want
.endm

TEST_BEGIN
  li s0, UART
  // Reset
  READS(IER, 0)
  READS(IIR, 0x01)
  READS(LSR, 0x60)
  READS(MSR, 0xb0)
  // Registers that keep what is written
.irp value, 0x00, 0x55, 0xaa, 0xff
  PUT(SCR, \value)
  READS(SCR, \value)
.endr
  PUT(LCR, 0x1b)
  READS(LCR, 0x1b)
  PUT(LCR, 0x03)
  READS(LCR, 0x03)
  PUT(IER, 0x0d)
  READS(IER, 0x0d)
  PUT(IER, 0)
  // The divisor latch hides RBR/THR and IER.
  PUT(LCR, 0x83)
  PUT(0, 0x34)
  PUT(1, 0x12)
  READS(0, 0x34)
  READS(1, 0x12)
  PUT(LCR, 0x03)
  READS(IER, 0)
  PUT(LCR, 0x83)
  READS(0, 0x34)
  READS(1, 0x12)
  PUT(0, 1)
  PUT(1, 0)
  PUT(LCR, 0x03)
  // LSR and MSR are read-only.
  PUT(LSR, 0xff)
  READS(LSR, 0x60)
  PUT(MSR, 0)
  READS_MASKED(MSR, 0xf0, 0xb0)

  // Output: the transmitter is always ready.
  la a1, text
1:
  lbu a2, 0(a1)
  beqz a2, 2f
  READS_MASKED(LSR, 0x60, 0x60)
  sb a2, THR(s0)
  addi a1, a1, 1
  j 1b
2:
  READS(LSR, 0x60)

  // Loopback: modem lines
  PUT(MCR, 0x10)
  READS(MCR, 0x10)
  READS_MASKED(MSR, 0xf0, 0x00)
  PUT(MCR, 0x11) // DTR -> DSR
  READS_MASKED(MSR, 0xf0, 0x20)
  PUT(MCR, 0x12) // RTS -> CTS
  READS_MASKED(MSR, 0xf0, 0x10)
  PUT(MCR, 0x14) // OUT1 -> RI
  READS_MASKED(MSR, 0xf0, 0x40)
  PUT(MCR, 0x18) // OUT2 -> DCD
  READS_MASKED(MSR, 0xf0, 0x80)
  PUT(MCR, 0x10)
  // Loopback: a byte
  PUT(THR, 'A')
  READS_MASKED(LSR, 0x01, 0x01)
  READS(RBR, 'A')
  READS_MASKED(LSR, 0x01, 0x00)
  // Without FIFOs a second byte overruns the first one.
  PUT(THR, 'B')
  PUT(THR, 'C')
  READS_MASKED(LSR, 0x03, 0x03)
  READS_MASKED(LSR, 0x03, 0x01) // reading it has cleared the overrun
  READS(RBR, 'C')
  READS(LSR, 0x60)

  // FIFOs on: IIR says so; 16 bytes in order
  PUT(FCR, 0x01)
  READS(IIR, 0xc1)
  li a3, 16
  li a2, 0x40
1:
  sb a2, THR(s0)
  addi a2, a2, 1
  addi a3, a3, -1
  bnez a3, 1b
  READS(LSR, 0x61)
  // One more is lost.
  PUT(THR, 'z')
  READS(LSR, 0x63)
  READS(LSR, 0x61)
  li a3, 16
  li a2, 0x40
1:
  lbu a0, RBR(s0)
  CHECK_REGS(a0, a2)
  addi a2, a2, 1
  addi a3, a3, -1
  bnez a3, 1b
  READS(LSR, 0x60)
  // Clearing the receive FIFO
  PUT(THR, 'D')
  PUT(THR, 'E')
  READS_MASKED(LSR, 0x01, 0x01)
  PUT(FCR, 0x03)
  READS(LSR, 0x60)
  READS(IIR, 0xc1)

  // Interrupts by IIR: received data
  PUT(THR, 'F')
  READS(IIR, 0xc1)
  PUT(IER, 0x01)
  READS(IIR, 0xc4)
  READS(IIR, 0xc4) // reading the identity does not acknowledge this one
  READS(RBR, 'F')
  READS(IIR, 0xc1)
  // Transmitter empty: raised by enabling it, acknowledged by reading IIR, raised by a byte sent
  PUT(IER, 0x02)
  READS(IIR, 0xc2)
  READS(IIR, 0xc1)
  PUT(IER, 0x02) // not raised by writing what is there already
  READS(IIR, 0xc1)
  PUT(IER, 0x00)
  PUT(IER, 0x02)
  READS(IIR, 0xc2)
  READS(IIR, 0xc1)
  PUT(THR, 'G')
  READS(IIR, 0xc2)
  READS(IIR, 0xc1)
  // Received data comes before transmitter empty, line status before both.
  PUT(IER, 0x03)
  READS(IIR, 0xc4)
  READS(RBR, 'G')
  PUT(IER, 0x00)
  PUT(FCR, 0x00)
  PUT(THR, 'H')
  PUT(THR, 'I')
  PUT(IER, 0x07)
  READS(IIR, 0x06)
  READS_MASKED(LSR, 0x03, 0x03)
  READS(IIR, 0x04)
  READS(RBR, 'I')
  READS(IIR, 0x02)
  READS(IIR, 0x01)
  PUT(IER, 0x00)

  // Wider accesses are those of a byte.
  PUT(MCR, 0x12)
  lw a0, MCR(s0)
  CHECK(a0, 0x12)
  lhu a0, MCR(s0)
  CHECK(a0, 0x12)
  li a0, 0x12345600
  sw a0, MCR(s0)
  READS(MCR, 0x00)
  READS(LSR, 0x60)
  TEST_END

  .section .rodata
text:
  .asciz "uart ok\n"
