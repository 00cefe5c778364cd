// SPDX-License-Identifier: Apache-2.0
//
// Changing translations: a PTE with sfence.vma (all forms), satp to another table and to Bare and back,
// global pages, and S-mode that does it itself while it runs.
#include "sv32.h"

.macro map_to label
  PTE_PAGE(leaf_table, DATA_INDEX, \label, LEAF_U)
.endm
#define U_SEES(want) U_LOAD_OK; CHECK(a0, want)

TEST_BEGIN
  SV32_BEGIN
  la a2, data_page
  li a0, 0x111
  sw a0, 0(a2)
  la a2, second_page
  li a0, 0x222
  sw a0, 0(a2)
  li a1, DATA_VA
  map_to data_page
  sfence.vma
  U_SEES(0x111)
  // Another page: sfence.vma of everything, of the address, of an ASID, of both
  map_to second_page
  sfence.vma
  U_SEES(0x222)
  map_to data_page
  sfence.vma a1, zero
  U_SEES(0x111)
  map_to second_page
  sfence.vma zero, zero
  U_SEES(0x222)
  map_to data_page
  li a2, 0
  sfence.vma a1, a2
  U_SEES(0x111)
  map_to second_page
  sfence.vma zero, a2
  U_SEES(0x222)
  // Taken away, given back
  PTE_RAW(leaf_table, DATA_INDEX, 0)
  sfence.vma
  U_LOAD_TRAPS(CAUSE_LOAD_PAGE)
  map_to data_page
  sfence.vma
  U_SEES(0x111)
  // Read-only, and writable again
  PTE_PAGE(leaf_table, DATA_INDEX, data_page, LEAF_U-PTE_W)
  sfence.vma
  U_STORE_TRAPS(CAUSE_STORE_PAGE)
  map_to data_page
  sfence.vma
  li a0, 0x333
  U_STORE_OK
  U_SEES(0x333)
  // A pointer changed
  PTE_PAGE(other_leaf, 0, user_code, CODE_U)
  PTE_PAGE(other_leaf, DATA_INDEX, second_page, LEAF_U)
  PTE_PAGE(root_table, USER_INDEX, other_leaf, PTE_V)
  sfence.vma
  U_SEES(0x222)
  PTE_PAGE(root_table, USER_INDEX, leaf_table, PTE_V)
  sfence.vma
  U_SEES(0x333)

  // A second root table
  map_program other_root
  PTE_PAGE(other_root, USER_INDEX, other_leaf, PTE_V)
  satp_set other_root
  U_SEES(0x222)
  satp_set root_table
  U_SEES(0x333)
  satp_set other_root
  U_SEES(0x222)
  // satp reads back
  csrr a0, satp
  la a2, other_root
  srli a2, a2, 12
  li t6, SATP_SV32
  or a2, a2, t6
  CHECK_REGS(a0, a2)
  // Bare: virtual addresses are physical ones.
  csrw satp, zero
  sfence.vma
  la a1, data_page
  RUN(MODE_U, s_load)
  TRAP_CAUSE_WAS(CAUSE_ECALL_U)
  CHECK(a0, 0x333)
  li a1, DATA_VA
  satp_set root_table
  U_SEES(0x333)
  // Global pages obey sfence.vma of everything.
  PTE_PAGE(leaf_table, DATA_INDEX, second_page, (LEAF_U|PTE_G))
  sfence.vma
  U_SEES(0x222)
  PTE_PAGE(leaf_table, DATA_INDEX, data_page, (LEAF_U|PTE_G))
  sfence.vma
  U_SEES(0x333)

  // S-mode changes a PTE, fences, and sees it, without leaving S-mode; then it changes satp.
  PTE_PAGE(leaf_table, DATA_INDEX, data_page, LEAF_S)
  PTE_PAGE(other_leaf, DATA_INDEX, second_page, LEAF_S)
  sfence.vma
  la s3, leaf_table
  lw s4, 4*DATA_INDEX(s3)
  la s5, other_leaf
  lw s5, 4*DATA_INDEX(s5)
  la s6, other_root
  srli s6, s6, 12
  li t6, SATP_SV32
  or s6, s6, t6
  RUN(MODE_S, supervisor_switches)
  TRAP_CAUSE_WAS(CAUSE_ECALL_S)
  CHECK(a2, 0x333)
  CHECK(a3, 0x222)
  CHECK(a4, 0x333)
  CHECK(a5, 0x222)
  CHECK(a6, 0x333)

  // The same virtual address as code: two pages with different instructions
  la a2, data_page
  li a0, 0x00100513 // li a0, 1
  sw a0, 0(a2)
  li a0, 0x00000073 // ecall
  sw a0, 4(a2)
  la a2, second_page
  li a0, 0x00200513 // li a0, 2
  sw a0, 0(a2)
  li a0, 0x00000073
  sw a0, 4(a2)
  fence.i
  PTE_PAGE(leaf_table, DATA_INDEX, data_page, CODE_U)
  PTE_PAGE(other_leaf, DATA_INDEX, second_page, CODE_U)
  satp_set root_table
  RUN_AT(MODE_U, a1)
  CHECK(a0, 1)
  satp_set other_root
  RUN_AT(MODE_U, a1)
  CHECK(a0, 2)
  satp_set root_table
  RUN_AT(MODE_U, a1)
  CHECK(a0, 1)
  PTE_PAGE(leaf_table, DATA_INDEX, second_page, CODE_U)
  sfence.vma
  RUN_AT(MODE_U, a1)
  CHECK(a0, 2)
  TEST_END

supervisor_switches:
  lw a2, 0(a1)
  sw s5, 4*DATA_INDEX(s3)
  sfence.vma
  lw a3, 0(a1)
  sw s4, 4*DATA_INDEX(s3)
  sfence.vma a1
  lw a4, 0(a1)
  csrrw s6, satp, s6
  sfence.vma
  lw a5, 0(a1)
  csrw satp, s6
  sfence.vma
  lw a6, 0(a1)
  ecall

  .section .pages, "awx"
  .balign 4096
other_root:
  .zero 4096
other_leaf:
  .zero 4096
