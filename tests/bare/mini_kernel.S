// SPDX-License-Identifier: Apache-2.0
//
// A little kernel in S-mode under Sv32: maps a process's pages on demand (page faults), takes timer
// interrupts by M-mode's help (M-mode turns the machine timer into SSIP, as firmware does), switches
// between two processes with their own page tables at every tick and at every `yield`, and serves their
// system calls. Each process fills and checks an array over many pages, sorts, and computes a checksum;
// the sum of both, which does not depend on when the ticks came, ends the test. At least 5 ticks and all
// pages must have been seen.
//
// Layout: the kernel one to one in a superpage (S), a process's code at 0x10000 (U, R and X), its data
// from 0x400000 on, on demand, from a pool of zeroed pages.
#include "common.h"

#define PROCESSES 2
#define CODE_VA 0x10000
#define DATA_START 0x400000
#define DATA_PAGES 24
#define CHECKSUM 0x41e0b271 // computed on a host from the same recipe, too
#define TICK 500 // mtime units between ticks
#define MIN_TICKS 5

// System calls, by a7
#define SYS_EXIT 0  // a0: checksum
#define SYS_YIELD 1
#define SYS_ADD 2   // a0 + a1 -> a0, done by the kernel through SUM from the array at a2 (2 words)
#define SYS_TICKS 3 // -> a0

// A process: x1 to x31, sepc, satp, state, checksum
#define P_EPC (32*4)
#define P_SATP (33*4)
#define P_DONE (34*4)
#define P_SUM (35*4)
#define P_BYTES (36*4)

TEST_BEGIN
  // M-mode: the timer, delegation, counters
  la t0, m_timer
  csrw mtvec, t0
  li t0, 0xb109 // misaligned fetch, breakpoint, ecall from U, page faults
  csrw medeleg, t0
  li t0, IP_SSI
  csrw mideleg, t0
  li t0, IP_MTI+IP_SSI
  csrw mie, t0
  la t0, m_scratch
  csrw mscratch, t0
  li t0, 7
  csrw mcounteren, t0
  li t0, CLINT_MTIME
  lw t1, 0(t0)
  addi t1, t1, TICK
  li t0, CLINT_MTIMECMP
  sw t1, 0(t0)
  sw zero, 4(t0)
  // to S-mode
  li t0, MSTATUS_MPP
  csrc mstatus, t0
  li t0, MSTATUS_MPP_S
  csrs mstatus, t0
  la t0, kernel
  csrw mepc, t0
  mret

// Timer: next tick, SSIP; ecall from S-mode: the end, a0 is the failed line or 0, a1 what came.
  .balign 4
m_timer:
  csrrw t6, mscratch, t6
  sw t5, 0(t6)
  sw t4, 4(t6)
  csrr t5, mcause
  bgez t5, m_end
  li t4, CLINT_MTIMECMP
  lw t5, 0(t4)
  addi t5, t5, TICK
  sw t5, 0(t4)
  csrsi mip, IP_SSI
  lw t4, 4(t6)
  lw t5, 0(t6)
  csrrw t6, mscratch, t6
  mret
m_end:
  li t4, CAUSE_ECALL_S
  mv gp, a0
  mv t6, t5
  bne t5, t4, m_fail
  li t6, 0
  beqz a0, pass
m_fail:
  mv t5, a1
  j fail

// ---------------------------------------------------------------- the kernel, in S-mode
#define KERNEL_FAIL li a0, __LINE__; ecall

kernel:
  la t0, kernel_trap
  csrw stvec, t0
  // Page tables: kernel, code; the data comes on demand
.irp process, 0, 1
  map_program root_\process
  PTE_PAGE(root_\process, 0, low_\process, PTE_V)
  PTE_PAGE(root_\process, 1, data_\process, PTE_V)
  PTE_PAGE(low_\process, 16, process_code, (PTE_V|PTE_R|PTE_X|PTE_U|PTE_AD))
  la s0, processes
  li t0, \process*P_BYTES
  add s0, s0, t0
  li t0, CODE_VA
  sw t0, P_EPC(s0)
  la t0, root_\process
  srli t0, t0, 12
  li t1, SATP_SV32
  or t0, t0, t1
  sw t0, P_SATP(s0)
  li t0, 0x1234+\process*0x777
  sw t0, 10*4(s0) // a0: the seed
.endr
  la s0, processes
  // to user mode: s0 is the process
run_process:
  lw t0, P_SATP(s0)
  csrw satp, t0
  sfence.vma
  lw t0, P_EPC(s0)
  csrw sepc, t0
  li t0, MSTATUS_SPP
  csrc sstatus, t0
  li t0, MSTATUS_SPIE
  csrs sstatus, t0
  csrw sscratch, s0
  mv x31, s0
.irp reg, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
  lw x\reg, 4*\reg(x31)
.endr
  lw x31, 4*31(x31)
  sret

  .balign 4
kernel_trap:
  csrrw x31, sscratch, x31
.irp reg, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
  sw x\reg, 4*\reg(x31)
.endr
  mv s0, x31
  csrr t0, sscratch
  sw t0, 4*31(s0)
  csrr t0, sepc
  sw t0, P_EPC(s0)
  csrr t0, sstatus
  andi t0, t0, MSTATUS_SPP
  beqz t0, 1f
  KERNEL_FAIL // a trap in the kernel
1:
  csrr t0, scause
  li t1, INTERRUPT+IRQ_SSI
  beq t0, t1, tick
  li t1, CAUSE_ECALL_U
  beq t0, t1, system_call
  li t1, CAUSE_LOAD_PAGE
  beq t0, t1, page_fault
  li t1, CAUSE_STORE_PAGE
  beq t0, t1, page_fault
  KERNEL_FAIL

tick:
  csrci sip, IP_SSI
  la t0, ticks
  lw t1, 0(t0)
  addi t1, t1, 1
  sw t1, 0(t0)
  j schedule

// The other process, unless it is done.
schedule:
  la t0, processes
  addi t1, t0, P_BYTES
  mv t2, s0
  mv s0, t1
  bne t2, t1, 1f
  mv s0, t0
1:
  lw t3, P_DONE(s0)
  beqz t3, run_process
  mv s0, t2
  j run_process

// A page of zeros at stval, if it is one of the data pages and not there yet.
page_fault:
  csrr t0, stval
  li t1, DATA_START
  sub t0, t0, t1
  li t1, DATA_PAGES<<12
  bltu t0, t1, 1f
  KERNEL_FAIL
1:
  srli t0, t0, 12
  slli t0, t0, 2
  la t1, data_0
  la t2, processes
  beq s0, t2, 1f
  la t1, data_1
1:
  add t0, t0, t1
  lw t1, 0(t0)
  beqz t1, 1f
  KERNEL_FAIL // mapped already: why did it fault?
1:
  la t1, next_page
  lw t2, 0(t1)
  li t3, 4096
  add t3, t2, t3
  sw t3, 0(t1)
  srli t2, t2, 2
  ori t2, t2, PTE_V|PTE_R|PTE_W|PTE_U // A and D are the hart's to set
  sw t2, 0(t0)
  csrr t0, stval
  sfence.vma t0, zero
  la t0, faults
  lw t1, 0(t0)
  addi t1, t1, 1
  sw t1, 0(t0)
  j run_process

system_call:
  lw t0, P_EPC(s0)
  addi t0, t0, 4
  sw t0, P_EPC(s0)
  lw a7, 4*17(s0)
  lw a0, 4*10(s0)
  lw a2, 4*12(s0)
  beqz a7, sys_exit
  li t0, SYS_YIELD
  beq a7, t0, schedule
  li t0, SYS_ADD
  beq a7, t0, sys_add
  li t0, SYS_TICKS
  beq a7, t0, sys_ticks
  KERNEL_FAIL

sys_add:
  li t0, MSTATUS_SUM
  csrs sstatus, t0
  lw t1, 0(a2)
  lw t2, 4(a2)
  csrc sstatus, t0
  add t1, t1, t2
  sw t1, 4*10(s0)
  j run_process

sys_ticks:
  la t0, ticks
  lw t0, 0(t0)
  sw t0, 4*10(s0)
  j run_process

sys_exit:
  sw a0, P_SUM(s0)
  li t0, 1
  sw t0, P_DONE(s0)
  la t0, processes
  lw t1, P_DONE(t0)
  beqz t1, schedule
  lw t1, P_DONE+P_BYTES(t0)
  beqz t1, schedule
  // Both are done: judge.
  lw t1, P_SUM(t0)
  lw t2, P_SUM+P_BYTES(t0)
  slli t3, t1, 1
  xor t1, t3, t2
  li t2, CHECKSUM
  mv a1, t1
  beq t1, t2, 1f
  KERNEL_FAIL
1:
  la t0, faults
  lw t1, 0(t0)
  li t2, PROCESSES*DATA_PAGES
  beq t1, t2, 1f
  KERNEL_FAIL
1:
  // Every page was read or written, so its A bit is set; the written ones have D.
.irp process, 0, 1
  la t0, data_\process
  li t1, DATA_PAGES
1:
  lw t2, 0(t0)
  andi t2, t2, PTE_AD
  li t3, PTE_AD
  beq t2, t3, 2f
  KERNEL_FAIL
2:
  addi t0, t0, 4
  addi t1, t1, -1
  bnez t1, 1b
.endr
  li a0, 0
  ecall

  .data
  .balign 4
ticks:
  .word 0
faults:
  .word 0
next_page:
  .word pool
processes:
  .zero PROCESSES*P_BYTES
m_scratch:
  .zero 16

// ---------------------------------------------------------------- the process, in U-mode
  // s0 data, s1 random number, s2 checksum
  .section .user_code, "ax"
  .balign 4096
process_code:
  mv s1, a0
  li s0, DATA_START
  li s2, 0
  // The first word of each page, from the last page to the first
  li t0, DATA_PAGES-1
1:
  slli t1, t0, 12
  add t1, t1, s0
  lw t2, 0(t1) // a load faults first: the page is zero
  bnez t2, process_bad
  sw t0, 0(t1)
  addi t0, t0, -1
  bgez t0, 1b
  // 24 rounds: 96 numbers in one of eight blocks, sorted by insertion, folded into the checksum
  li s3, 0 // round
process_round:
  andi t0, s3, 7
  slli t0, t0, 13
  add s4, s0, t0
  addi s4, s4, 64 // not aligned to the page
  li t0, 0
1:
  li t1, 1664525
  mul s1, s1, t1
  li t1, 1013904223
  add s1, s1, t1
  slli t1, t0, 2
  add t1, t1, s4
  srli t2, s1, 5
  sw t2, 0(t1)
  addi t0, t0, 1
  li t1, 96
  bne t0, t1, 1b
  // insertion sort of 96
  li t0, 1
2:
  slli t1, t0, 2
  add t1, t1, s4
  lw t2, 0(t1)
3:
  beq t1, s4, 4f
  lw t3, -4(t1)
  bgeu t2, t3, 4f
  sw t3, 0(t1)
  addi t1, t1, -4
  j 3b
4:
  sw t2, 0(t1)
  addi t0, t0, 1
  li t3, 96
  bne t0, t3, 2b
  // fold
  li t0, 0
5:
  slli t1, t0, 2
  add t1, t1, s4
  lw t2, 0(t1)
  slli t3, s2, 7
  srli s2, s2, 25
  or s2, s2, t3
  add s2, s2, t2
  addi t0, t0, 1
  li t3, 96
  bne t0, t3, 5b
  // the kernel adds two words of ours
  mv a2, s4
  li a7, SYS_ADD
  ecall
  xor s2, s2, a0
  // an AMO, and lr/sc with whatever comes between them
  amoadd.w t0, s2, (s4)
  xor s2, s2, t0
6:
  lr.w t0, (s4)
  addi t0, t0, 3
  sc.w t1, t0, (s4)
  bnez t1, 6b
  lw t0, 0(s4)
  add s2, s2, t0
  li a7, SYS_YIELD
  andi t0, s3, 3
  bnez t0, 7f
  ecall
7:
  addi s3, s3, 1
  li t0, 24
  bne s3, t0, process_round
  // Wait for the ticks, without counting them into the checksum.
8:
  li a7, SYS_TICKS
  ecall
  li t0, MIN_TICKS
  bltu a0, t0, 8b
  // The first words are still what they were.
  li t0, DATA_PAGES-1
9:
  slli t1, t0, 12
  add t1, t1, s0
  lw t2, 0(t1)
  bne t2, t0, process_bad
  sw t2, 4(t1)
  addi t0, t0, -1
  bgez t0, 9b
  mv a0, s2
  li a7, SYS_EXIT
  ecall
process_bad:
  li a7, 99
  ecall

  .section .pages, "aw"
  .balign 4096
root_0:
  .zero 4096
root_1:
  .zero 4096
low_0:
  .zero 4096
low_1:
  .zero 4096
data_0:
  .zero 4096
data_1:
  .zero 4096
  .bss
  .balign 4096
pool:
  .zero PROCESSES*DATA_PAGES*4096
