// SPDX-License-Identifier: Apache-2.0
//
// A computation (arithmetic, loads, stores, branches, lr/sc, AMOs, calls) that a timer interrupts every
// few dozen instructions must come to what it comes to undisturbed.
#include "common.h"

#define ROUNDS 50
#define WORDS 64
#define MIN_INTERRUPTS 100

TEST_BEGIN
  call compute
  mv s10, a0
  call compute
  CHECK_REGS(a0, s10) // it repeats
  la t0, storm
  csrw mtvec, t0
  la t0, storm_record
  csrw mscratch, t0
  li t0, CLINT_MTIMECMP
  sw zero, 4(t0)
  sw zero, 0(t0)
  li t0, IP_MTI
  csrw mie, t0
  csrsi mstatus, MSTATUS_MIE
  call compute
  csrci mstatus, MSTATUS_MIE
  CHECK_REGS(a0, s10)
  la a1, storm_record
  LREG a0, 3*REG_BYTES(a1)
  li a1, MIN_INTERRUPTS
  CHECK_BRANCH(bgeu, a0, a1)
  // The same in U-mode
  la a1, storm_record
  SREG zero, 3*REG_BYTES(a1)
  li t0, MSTATUS_MPP
  csrc mstatus, t0
  la t0, user
  csrw mepc, t0
  mret
user:
  call compute
  ecall // to `storm`, which goes on at `done`
done:
  CHECK_REGS(a0, s10)
  la a1, storm_record
  LREG a0, 3*REG_BYTES(a1)
  li a1, MIN_INTERRUPTS
  CHECK_BRANCH(bgeu, a0, a1)
  TEST_END

// The next interrupt 2 to 9 ticks from now.
  .balign 4
storm:
  csrrw t6, mscratch, t6
  SREG t5, 0(t6)
  SREG t4, REG_BYTES(t6)
  csrr t5, mcause
  bgez t5, storm_end
  LREG t5, 3*REG_BYTES(t6)
  addi t5, t5, 1
  SREG t5, 3*REG_BYTES(t6)
  andi t5, t5, 7
  li t4, CLINT_MTIME
  lw t4, 0(t4)
  add t5, t5, t4
  addi t5, t5, 2
  li t4, CLINT_MTIMECMP
  sw t5, 0(t4)
  LREG t4, REG_BYTES(t6)
  LREG t5, 0(t6)
  csrrw t6, mscratch, t6
  mret
storm_end:
  la t5, done
  csrw mepc, t5
  li t5, MSTATUS_MPP
  csrs mstatus, t5
  li t5, MSTATUS_MPIE
  csrc mstatus, t5
  mret

// a0 := a checksum. Changes a, t0 to t3, s0 to s3 and `words`.
compute:
  mv s3, ra
  li s0, 12345
  li s1, ROUNDS
  li a0, 0
1:
  la s2, words
  li t0, WORDS
2:
  li t1, 1664525
  mul s0, s0, t1
  li t1, 1013904223
  add s0, s0, t1
  sw s0, 0(s2)
  addi s2, s2, 4
  addi t0, t0, -1
  bnez t0, 2b
  // bubble once, count with lr/sc and an AMO
  la s2, words
  li t0, WORDS-1
3:
  lw t1, 0(s2)
  lw t2, 4(s2)
  bltu t1, t2, 4f
  sw t2, 0(s2)
  sw t1, 4(s2)
5:
  lr.w t3, (s2)
  addi t3, t3, 1
  sc.w a1, t3, (s2)
  bnez a1, 5b
4:
  amoadd.w t3, t0, (s2)
  xor a0, a0, t3
  call fold
  addi s2, s2, 4
  addi t0, t0, -1
  bnez t0, 3b
  addi s1, s1, -1
  bnez s1, 1b
  mv ra, s3
  ret

fold:
  slli t1, a0, 5
  srli t2, a0, 27
  or a0, t1, t2
  lhu t1, 2(s2)
  divu t2, t1, t0
  add a0, a0, t2
  ret

  .data
  .balign 8
storm_record:
  .zero 4*REG_BYTES
words:
  .zero 4*WORDS
