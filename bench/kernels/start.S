// SPDX-License-Identifier: Apache-2.0
//
// Start code of the kernels. a0 is the seed on entry (M-mode, at 0x80000000).
//
// Flavours: `flat` runs the kernel in M-mode; with KERNEL_SV32 it runs in S-mode with Sv32 on, the image
// mapped one to one by 4 KiB pages. With KERNEL_SEED, KERNEL_ROUNDS and KERNEL_CHECKSUM (the tests) it
// ends after so many rounds: `tohost` and the test device say whether the checksum was right. Without, it never ends.
//
// result: the number of rounds done and the checksum of the last, at 0x80004000 (see link.ld).
#define TEST_DEVICE 0x100000

  .option norelax
  .section .text.init, "ax"
  .balign 4
  .globl _start
_start:
#ifdef KERNEL_SEED
  li a0, KERNEL_SEED
#endif
  la sp, stack_end
  la t0, ended
  csrw mtvec, t0
#ifdef KERNEL_SV32
  // root[512] -> leaves; leaves[i]: page i of the image, RWX, A, D
  la t0, root_table
  la t1, leaf_table
  srli t2, t1, 2
  ori t2, t2, 1
  li t3, 2048
  add t3, t0, t3
  sw t2, 0(t3)
  li t2, (0x80000000 >> 2) | 0xcf
  la t3, _end
  li t4, 0x80000000
  sub t3, t3, t4
  li t4, 4095
  add t3, t3, t4
  srli t3, t3, 12
1:
  sw t2, 0(t1)
  addi t1, t1, 4
  addi t2, t2, 0x400
  addi t3, t3, -1
  bnez t3, 1b
  srli t0, t0, 12
  li t1, 0x80000000
  or t0, t0, t1
  csrw satp, t0
  sfence.vma
  li t0, 0x1800
  csrc mstatus, t0
  li t0, 0x0800
  csrs mstatus, t0
  la t0, run
  csrw mepc, t0
  mret
run:
#endif
  call kernel_setup
  la s0, result
  li s1, 0
1:
  call kernel_round
  addi s1, s1, 1
  sw s1, 0(s0)
  sw a0, 4(s0)
#ifdef KERNEL_ROUNDS
  li t0, KERNEL_ROUNDS
  bne s1, t0, 1b
  ecall
#else
  j 1b
#endif

// Any trap ends here, in M-mode.
  .balign 4
ended:
#ifdef KERNEL_ROUNDS
  csrr t0, mcause
  li t1, 9
#ifndef KERNEL_SV32
  li t1, 11
#endif
  bne t0, t1, 1f
  li t0, KERNEL_CHECKSUM
  bne a0, t0, 1f
  li t0, 1
  la t1, tohost
  sw t0, 0(t1)
  li t0, 0x5555
  li t1, TEST_DEVICE
  sw t0, 0(t1)
1:
  li t0, 3
  la t1, tohost
  sw t0, 0(t1)
  li t0, 0x13333
  li t1, TEST_DEVICE
  sw t0, 0(t1)
#endif
2:
  j 2b

  .section .result, "aw"
result:
  .word 0, 0

#ifdef KERNEL_ROUNDS
  .section .tohost, "aw"
  .balign 64
  .globl tohost
tohost:
  .dword 0
  .balign 64
  .globl fromhost
fromhost:
  .dword 0
#endif

  .bss
#ifdef KERNEL_SV32
  .balign 4096
root_table:
  .zero 4096
leaf_table:
  .zero 4096
#endif
  .balign 16
  .zero 1024
stack_end:
