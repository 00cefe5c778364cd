// SPDX-License-Identifier: Apache-2.0
//
// Pages and superpages: that addresses go where the tables say, at both ends of a page and of a superpage,
// two virtual pages of one physical one, a page over a superpage's physical memory.
#include "sv32.h"

#define SUPER_INDEX 0x200-2
#define SUPER_VA ((SUPER_INDEX)<<22)
#define BLOCK (RAM+0x400000) // 4 MiB of RAM that the program does not use

// S-mode stores `value` at `va`, M-mode finds it at `pa`; and the reverse with value + 1.
#define SAME(va, pa, value) same __LINE__, va, pa, value
.macro same line, va, pa, value
  li a1, \va
  li a0, \value
  li s3, \pa
  RUN(MODE_S, s_store)
  expect_cause \line, CAUSE_ECALL_S
  lw a2, 0(s3)
  check_reg \line, a2, \value
  addi a2, a2, 1
  sw a2, 0(s3)
  RUN(MODE_S, s_load)
  check_reg \line, a0, (\value+1)
.endm

TEST_BEGIN
  SV32_BEGIN
  PTE_RAW(root_table, SUPER_INDEX, ((BLOCK>>2)|LEAF_S))
  sfence.vma
  SAME(SUPER_VA, BLOCK, 0x1000)
  SAME(SUPER_VA+4, BLOCK+4, 0x1010)
  SAME(SUPER_VA+0xffc, BLOCK+0xffc, 0x1020)
  SAME(SUPER_VA+0x1000, BLOCK+0x1000, 0x1030)
  SAME(SUPER_VA+0x12345c, BLOCK+0x12345c, 0x1040)
  SAME(SUPER_VA+0x3ffffc, BLOCK+0x3ffffc, 0x1050)
  // What lies after it and before it is not mapped.
  li a1, SUPER_VA+0x400000-0x800000-4
  S_LOAD_TRAPS(CAUSE_LOAD_PAGE)

  // 4 KiB pages inside the same block, in the other order
  PTE_RAW(leaf_table, 1, (((BLOCK+0x5000)>>2)|LEAF_S))
  PTE_RAW(leaf_table, 2, (((BLOCK+0x4000)>>2)|LEAF_S))
  PTE_RAW(leaf_table, 1023, (((BLOCK+0x3ff000)>>2)|LEAF_S))
  sfence.vma
  SAME(USER_BASE+0x1000, BLOCK+0x5000, 0x2000)
  SAME(USER_BASE+0x1ffc, BLOCK+0x5ffc, 0x2010)
  SAME(USER_BASE+0x2000, BLOCK+0x4000, 0x2020)
  SAME(USER_BASE+0x2ffc, BLOCK+0x4ffc, 0x2030)
  SAME(USER_BASE+0x3ffffc, BLOCK+0x3ffffc, 0x2040)
  // Through the superpage it is the same memory.
  SAME(SUPER_VA+0x5000, BLOCK+0x5000, 0x2050)
  li a1, USER_BASE+0x1000
  RUN(MODE_S, s_load)
  CHECK(a0, 0x2051)
  // Two pages of one
  PTE_RAW(leaf_table, 3, (((BLOCK+0x4000)>>2)|LEAF_S))
  sfence.vma
  SAME(USER_BASE+0x3000, BLOCK+0x4000, 0x3000)
  li a1, USER_BASE+0x2000
  RUN(MODE_S, s_load)
  CHECK(a0, 0x3001)
  // 32 pages at once: more than a TLB of 16 entries holds, twice around
  li s0, 32
  la a3, leaf_table+4*64
  li a4, ((BLOCK>>2)|LEAF_S)
1:
  sw a4, 0(a3)
  addi a3, a3, 4
  addi a4, a4, 0x400
  addi s0, s0, -1
  bnez s0, 1b
  sfence.vma
  li s1, 2
3:
  li s0, 0
2:
  slli a1, s0, 12
  li t6, USER_BASE+(64<<12)
  add a1, a1, t6
  add a0, s0, s1
  RUN(MODE_S, s_store)
  TRAP_CAUSE_WAS(CAUSE_ECALL_S)
  addi s0, s0, 1
  li t6, 32
  bne s0, t6, 2b
  li s0, 0
2:
  slli a1, s0, 12
  li t6, USER_BASE+(64<<12)
  add a1, a1, t6
  RUN(MODE_S, s_load)
  add a2, s0, s1
  CHECK_REGS(a0, a2)
  slli a1, s0, 12
  li t6, BLOCK
  add a1, a1, t6
  lw a0, 0(a1)
  CHECK_REGS(a0, a2)
  addi s0, s0, 1
  li t6, 32
  bne s0, t6, 2b
  addi s1, s1, -1
  bnez s1, 3b

  // Code in a superpage: the program itself, seen a second time
  PTE_RAW(root_table, USER_INDEX+2, ((RAM>>2)|PTE_V|PTE_RWX|PTE_U|PTE_AD))
  sfence.vma
  la a1, data_page
  li t6, (USER_BASE+0x800000-RAM)
  add a1, a1, t6
  U_FETCH_OK
  TEST_END
