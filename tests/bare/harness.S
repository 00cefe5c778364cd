// SPDX-License-Identifier: Apache-2.0
//
// Start, end and trap handlers of every bare-metal test program (see common.h).
//
// Invariant: the M handler runs with physical addresses and returns to M-mode; the S handler
// needs the program mapped one to one when satp translates. PMP is opened where it exists; where
// it does not, the illegal instruction is skipped.
#include "common.h"

  .section .text.init, "ax"
  .balign 4
  .globl _start
_start:
  la t0, no_pmp
  csrw mtvec, t0
  li t0, -1
  csrw pmpaddr0, t0
  li t0, 0x1f // NAPOT, everything, RWX
  csrw pmpcfg0, t0
  .balign 4
no_pmp:
  la t0, m_trap
  csrw mtvec, t0
  la t0, s_trap
  csrw stvec, t0
  csrw mscratch, zero
  // No timer interrupt is pending until a program asks for one.
  li t0, CLINT_MTIMECMP
  li t1, -1
  sw t1, 4(t0)
  sw t1, 0(t0)
  la sp, stack_end
  li gp, 0
  j test_main

  .text
// ---------------------------------------------------------------- the end
  .globl pass
pass:
  li t5, 1
  la t6, tohost
  SREG t5, 0(t6)
  li t5, TEST_DEVICE_PASS
  li t6, TEST_DEVICE
  sw t5, 0(t6)
1:
  j 1b

// gp: number of the test, t5: what came, t6: what was expected.
  .globl fail
fail:
  mv s0, t5
  mv s1, t6
  li t6, 0
fail_with_message:
  slli t5, gp, 1
  ori t5, t5, 1
  la a0, tohost
  SREG t5, 0(a0)
  la sp, stack_end
  la a0, message_line
  call print
  mv a0, gp
  call print_decimal
  la a0, message_got
  call print
  mv a0, s0
  call print_hex
  la a0, message_want
  call print
  mv a0, s1
  call print_hex
  la a0, message_trap
  call print
  csrr a0, mcause
  call print_hex
  la a0, message_epc
  call print
  csrr a0, mepc
  call print_hex
  la a0, message_tval
  call print
  csrr a0, mtval
  call print_hex
  la a0, message_end
  call print
  li t5, (TEST_DEVICE_FAIL | (1 << 16))
  li t6, TEST_DEVICE
  sw t5, 0(t6)
1:
  j 1b

// Prints the NUL-terminated text at a0.
print:
  li t0, UART
1:
  lbu t1, 0(a0)
  beqz t1, 2f
  sb t1, 0(t0)
  addi a0, a0, 1
  j 1b
2:
  ret

// Prints a0 in decimal.
print_decimal:
  li t0, UART
  addi t2, sp, -32 // digits, from the last
  sb zero, 31(t2)
  addi t3, t2, 31
1:
  li t1, 10
  remu t4, a0, t1
  divu a0, a0, t1
  addi t4, t4, '0'
  addi t3, t3, -1
  sb t4, 0(t3)
  bnez a0, 1b
  mv a0, t3
  j print

// Prints a0 in hexadecimal, all digits.
print_hex:
  li t0, UART
  li t2, __riscv_xlen
1:
  addi t2, t2, -4
  srl t1, a0, t2
  andi t1, t1, 15
  addi t1, t1, '0'
  li t3, '9'
  bleu t1, t3, 2f
  addi t1, t1, 'a' - '9' - 1
2:
  sb t1, 0(t0)
  bnez t2, 1b
  ret

// ---------------------------------------------------------------- traps
  .balign 4
  .globl m_trap
m_trap:
  csrw mscratch, t6
  la t6, trap_record
  SREG t5, TR_T5(t6)
  csrr t5, mcause
  SREG t5, TR_CAUSE(t6)
  csrr t5, mepc
  SREG t5, TR_EPC(t6)
  csrr t5, mtval
  SREG t5, TR_TVAL(t6)
  csrr t5, mstatus
  SREG t5, TR_STATUS(t6)
  LREG t5, TR_COUNT(t6)
  addi t5, t5, 1
  SREG t5, TR_COUNT(t6)
  LREG t5, TR_RESUME(t6)
  beqz t5, unexpected_trap
  SREG zero, TR_RESUME(t6)
  csrw mepc, t5
  li t5, MSTATUS_MPP
  csrs mstatus, t5
  li t5, MSTATUS_MPIE+MSTATUS_MPRV // after mret MPP is U: MPRV would make the next load one of U-mode
  csrc mstatus, t5
  LREG t5, TR_T5(t6)
  csrr t6, mscratch
  mret

unexpected_trap:
  li s0, 0xbad
  li s1, 0
  j fail_with_message

  .balign 4
  .globl s_trap
s_trap:
  csrw sscratch, t6
  la t6, supervisor_record
  SREG t5, TR_T5(t6)
  csrr t5, scause
  SREG t5, TR_CAUSE(t6)
  csrr t5, sepc
  SREG t5, TR_EPC(t6)
  csrr t5, stval
  SREG t5, TR_TVAL(t6)
  csrr t5, sstatus
  SREG t5, TR_STATUS(t6)
  LREG t5, TR_COUNT(t6)
  addi t5, t5, 1
  SREG t5, TR_COUNT(t6)
  LREG t5, TR_T5(t6)
  csrr t6, sscratch
  ecall
1:
  j 1b

  .section .tohost, "aw"
  .balign 64
  .globl tohost
tohost:
  .dword 0
  .balign 64
  .globl fromhost
fromhost:
  .dword 0

  .section .rodata
message_line:
  .asciz "failed: line "
message_got:
  .asciz ": got 0x"
message_want:
  .asciz ", expected 0x"
message_trap:
  .asciz "; last trap: mcause 0x"
message_epc:
  .asciz ", mepc 0x"
message_tval:
  .asciz ", mtval 0x"
message_end:
  .asciz "\n"

  .data
  .balign 8
  .globl trap_record
trap_record:
  .zero TR_BYTES
  .balign 8
  .globl supervisor_record
supervisor_record:
  .zero TR_BYTES

  .bss
  .balign 16
  .zero 2048
stack_end:
