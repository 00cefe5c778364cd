// SPDX-License-Identifier: Apache-2.0
//
// Page tables that fault: entries that are not valid, pointers with bits of leaves, pointers in the last
// level, superpages that are not aligned, reserved combinations; each by load, store and fetch from S and
// U mode, with the exact address, and by delegation to S-mode.
#include "sv32.h"

#define LEAF_ALL (PTE_V|PTE_RWX|PTE_U|PTE_AD)

TEST_BEGIN
  SV32_BEGIN
  // No entry in the root table; the whole range of addresses
.irp address, 0x00000000, 0x00000ffc, 0x3ffffffc, 0x40400000, 0x7ffffffc, 0x90000000, 0xfffffffc
  li a1, \address
  ALL_PAGE_FAULTS
.endr
  // No entry in the last table
  li a1, DATA_VA
  ALL_PAGE_FAULTS
  // V = 0 with everything else
  PTE_PAGE(leaf_table, DATA_INDEX, data_page, LEAF_ALL-PTE_V)
  sfence.vma
  ALL_PAGE_FAULTS
  // A pointer in the last level
  PTE_PAGE(leaf_table, DATA_INDEX, data_page, PTE_V)
  sfence.vma
  ALL_PAGE_FAULTS
  // W without R, with and without X and U
.irp flags, PTE_W, PTE_W|PTE_X, PTE_W|PTE_U, PTE_W|PTE_X|PTE_U
  PTE_PAGE(leaf_table, DATA_INDEX, data_page, (PTE_V|PTE_AD|\flags))
  sfence.vma
  ALL_PAGE_FAULTS
.endr
  // It works with a proper leaf, so that the above was not something else.
  PTE_PAGE(leaf_table, DATA_INDEX, data_page, LEAF_ALL)
  sfence.vma
  U_LOAD_OK
  CHECK(a0, 0x73)

  // Pointers with A, D or U
  PTE_PAGE(leaf_table, DATA_INDEX, data_page, LEAF_ALL)
.irp flags, PTE_A, PTE_D, PTE_U, PTE_A|PTE_D|PTE_U
  PTE_PAGE(root_table, USER_INDEX+1, leaf_table, (PTE_V|\flags))
  sfence.vma
  li a1, DATA_VA+0x400000
  ALL_TRAP(CAUSE_LOAD_PAGE, CAUSE_STORE_PAGE, CAUSE_FETCH_PAGE)
.endr
  // G on a pointer is fine.
  PTE_PAGE(root_table, USER_INDEX+1, leaf_table, (PTE_V|PTE_G))
  sfence.vma
  U_LOAD_OK
  U_FETCH_OK
  // V = 0 on a pointer
  PTE_PAGE(root_table, USER_INDEX+1, leaf_table, 0)
  sfence.vma
  ALL_PAGE_FAULTS

  // A superpage whose physical address is not a multiple of 4 MiB
.irp ppn0, 1, 2, 0x200, 0x3ff
  PTE_RAW(root_table, USER_INDEX+1, ((RAM>>2)|(\ppn0<<10)|LEAF_ALL))
  sfence.vma
  ALL_PAGE_FAULTS
.endr
  // Reserved combinations on a superpage
.irp flags, PTE_W, PTE_W|PTE_X
  PTE_RAW(root_table, USER_INDEX+1, ((RAM>>2)|PTE_V|PTE_U|PTE_AD|\flags))
  sfence.vma
  ALL_PAGE_FAULTS
.endr
  // The two bits for software mean nothing.
  PTE_PAGE(leaf_table, DATA_INDEX, data_page, (LEAF_ALL|0x300))
  sfence.vma
  li a1, DATA_VA
  U_LOAD_OK
  U_FETCH_OK

  // Addresses inside a page: the fault has the exact one.
  PTE_RAW(leaf_table, DATA_INDEX, 0)
  sfence.vma
.irp offset, 4, 0x7fc, 0xffc
  li a1, DATA_VA+\offset
  ALL_PAGE_FAULTS
.endr
  // Bytes
  li a1, DATA_VA+0xfff
  RUN(MODE_S, byte_load)
  TRAP_WAS_REG(CAUSE_LOAD_PAGE, byte_load, a1)
  RUN(MODE_S, byte_store)
  TRAP_WAS_REG(CAUSE_STORE_PAGE, byte_store, a1)
  // lr is a load.
  li a1, DATA_VA
  RUN(MODE_S, s_lr)
  TRAP_WAS_REG(CAUSE_LOAD_PAGE, s_lr, a1)
  // An AMO to a page that can only be read is a store fault.
  PTE_PAGE(leaf_table, DATA_INDEX, data_page, (PTE_V|PTE_R|PTE_U|PTE_AD))
  sfence.vma
  user_va s10, u_amo
  RUN_AT(MODE_U, s10)
  TRAP_WAS_REGS(CAUSE_STORE_PAGE, s10, a1)

  // Delegated: to S-mode, from S and U mode
  PTE_RAW(leaf_table, DATA_INDEX, 0)
  sfence.vma
  li a0, 0xb000
  csrw medeleg, a0
  RUN(MODE_S, s_load)
  SUPERVISOR_TRAP_WAS_REG(CAUSE_LOAD_PAGE, s_load, a1)
  RUN(MODE_S, s_store)
  SUPERVISOR_TRAP_WAS_REG(CAUSE_STORE_PAGE, s_store, a1)
  RUN_AT(MODE_S, a1)
  TRAP_CAUSE_WAS(CAUSE_ECALL_S)
  supervisor_cause __LINE__, CAUSE_FETCH_PAGE
  supervisor_tval_reg __LINE__, a1
  user_va s10, u_load
  RUN_AT(MODE_U, s10)
  TRAP_CAUSE_WAS(CAUSE_ECALL_S)
  supervisor_cause __LINE__, CAUSE_LOAD_PAGE
  supervisor_tval_reg __LINE__, a1
  RUN_AT(MODE_U, a1)
  supervisor_cause __LINE__, CAUSE_FETCH_PAGE
  supervisor_tval_reg __LINE__, a1
  // Only the load's: the others go to M-mode.
  li a0, 0x2000
  csrw medeleg, a0
  RUN(MODE_S, s_load)
  SUPERVISOR_TRAP_WAS_REG(CAUSE_LOAD_PAGE, s_load, a1)
  S_STORE_TRAPS(CAUSE_STORE_PAGE)
  S_FETCH_TRAPS(CAUSE_FETCH_PAGE)
  TEST_END

byte_load:
  lbu a0, 0(a1)
  ecall
byte_store:
  sb a0, 0(a1)
  ecall
