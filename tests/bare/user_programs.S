// SPDX-License-Identifier: Apache-2.0
//
// Executes programs that somebody has put at `programs`, in U-mode, and prints a hash of what each left: registers,
// data, and every trap on the way (cause, value, place), after which it goes on behind the instruction. A program is
// over at its ecall. As it is built there are none. tests/boot/qemu_fuzz_test.py puts random ones there.
//
// programs:
//   word 0   how many there are
//   word 1   bytes from one to the next
//   word 2   the first program: x0 to x31 (REG_BYTES each; x8 to x11 are offsets into the data), code, ecall
#include "common.h"

#define PROGRAM_BYTES 0x200000
#define DATA_BYTES 8192
#define POINTERS 0x0f00 // x8 to x11
#define REGISTERS_BYTES (32 * REG_BYTES)

// s2: the program, s3: how many are left, s4: bytes of one, s5: the hash, s6: its multiplier
TEST_BEGIN
  la s2, programs
  lw s3, 0(s2)
  lw s4, 4(s2)
  addi s2, s2, 8
  li s6, 0x01000193
  la t0, trapped
  csrw mtvec, t0
next:
  beqz s3, done
  // ---- data that are the same for each program
  la t0, data
  li t1, DATA_BYTES / 4
  li t2, 0x12345
  li t3, 1103515245
1:
  sw t2, 0(t0)
  mul t2, t2, t3
  addi t2, t2, 0x39
  addi t0, t0, 4
  addi t1, t1, -1
  bnez t1, 1b

  li s5, 0x811c9dc5
  la t0, frame
  csrw mscratch, t0
  SREG s2, 0(t0) // x0's place is ours
  // ---- its registers
  li t2, POINTERS
  li t3, 1
  la t6, data
copy:
  slli t5, t3, 2
#if __riscv_xlen == 64
  slli t5, t3, 3
#endif
  add a0, s2, t5
  LREG a1, 0(a0)
  srl a2, t2, t3
  andi a2, a2, 1
  beqz a2, 1f
  add a1, a1, t6
1:
  add a0, t0, t5
  SREG a1, 0(a0)
  addi t3, t3, 1
  li a0, 32
  bne t3, a0, copy

  la t1, ours
  SREG s3, 0*REG_BYTES(t1)
  SREG s4, 1*REG_BYTES(t1)
  SREG s5, 2*REG_BYTES(t1)
  SREG s6, 3*REG_BYTES(t1)
  addi t5, s2, REGISTERS_BYTES
  csrw mepc, t5
  li t5, MSTATUS_MPP
  csrc mstatus, t5
resume:
  csrr x31, mscratch
#define LOAD(number) LREG x##number, number*REG_BYTES(x31);
#define STORE(number) SREG x##number, number*REG_BYTES(x31);
#define ALL_BUT_31(of) of(1) of(2) of(3) of(4) of(5) of(6) of(7) of(8) of(9) of(10) of(11) of(12) of(13) of(14) of(15) \
  of(16) of(17) of(18) of(19) of(20) of(21) of(22) of(23) of(24) of(25) of(26) of(27) of(28) of(29) of(30)
  ALL_BUT_31(LOAD)
  LOAD(31)
  mret

  .balign 4
trapped:
  csrrw x31, mscratch, x31
  ALL_BUT_31(STORE)
  csrrw x1, mscratch, x31
  SREG x1, 31*REG_BYTES(x31)
  LREG s2, 0(x31)
  la t1, ours
  LREG s3, 0*REG_BYTES(t1)
  LREG s4, 1*REG_BYTES(t1)
  LREG s5, 2*REG_BYTES(t1)
  LREG s6, 3*REG_BYTES(t1)
  csrr a0, mcause
  csrr a1, mepc
  li a2, CAUSE_ECALL_U
  beq a0, a2, over
  csrr a2, mtval
  call fold
  mv a0, a2
  call fold
  sub a0, a1, s2
  call fold
  addi a1, a1, 4
  csrw mepc, a1
  la t1, ours
  SREG s5, 2*REG_BYTES(t1)
  j resume

over:
  la a4, frame
  la a6, data
  li a5, 1
1:
  addi a4, a4, REG_BYTES
  LREG a0, 0(a4)
  call fold
  addi a5, a5, 1
  li a3, 32
  bne a5, a3, 1b
  li a5, DATA_BYTES / REG_BYTES
1:
  LREG a0, 0(a6)
  call fold
  addi a6, a6, REG_BYTES
  addi a5, a5, -1
  bnez a5, 1b

  // ---- the hash, in hexadecimal
  li a1, UART
  li a2, __riscv_xlen - 4
1:
  srl a0, s5, a2
  andi a0, a0, 15
  li a3, 10
  blt a0, a3, 2f
  addi a0, a0, 'a' - 10 - '0'
2:
  addi a0, a0, '0'
  sb a0, 0(a1)
  addi a2, a2, -4
  bgez a2, 1b
  li a0, '\n'
  sb a0, 0(a1)
  add s2, s2, s4
  addi s3, s3, -1
  j next
done:
  TEST_END

// s5 := the hash with a0. Changes t0.
fold:
  xor s5, s5, a0
  mul s5, s5, s6
  srli t0, s5, 15
  xor s5, s5, t0
  ret

  .data
  .balign 8
frame:
  .zero REGISTERS_BYTES
ours:
  .zero 4 * REG_BYTES
  .balign 8
  .globl data
data:
  .zero DATA_BYTES
  .balign 8
  .globl programs
programs:
  .zero PROGRAM_BYTES
  .globl programs_end
programs_end:
