// SPDX-License-Identifier: Apache-2.0
//
// What the Sv32 programs share: a root table that maps the program one to one for S-mode and one table
// for the 4 MiB at USER_BASE, whose first page is code for U-mode. A program adds pages from
// USER_BASE + 0x1000 on (entry 1 of `leaf_table`), and uses the little functions below.
#pragma once
#include "common.h"

#define USER_BASE 0x40000000
#define USER_INDEX 256 // of the root table
#define DATA_VA (USER_BASE+0x1000)
#define DATA_INDEX 1 // of leaf_table

#define LEAF_S (PTE_V|PTE_R|PTE_W|PTE_AD)
#define LEAF_U (PTE_V|PTE_R|PTE_W|PTE_U|PTE_AD)
#define CODE_U (PTE_V|PTE_R|PTE_X|PTE_U|PTE_AD)

#ifdef __ASSEMBLER__

// Both tables as above, satp on.
#define SV32_BEGIN sv32_begin
.macro sv32_begin
  map_program root_table
  PTE_PAGE(root_table, USER_INDEX, leaf_table, PTE_V)
  PTE_PAGE(leaf_table, 0, user_code, CODE_U)
  satp_set root_table
.endm

// reg := where U-mode sees `label` of the user code. Changes t6.
.macro user_va reg, label
  la \reg, \label
  la t6, user_code
  sub \reg, \reg, t6
  li t6, USER_BASE
  add \reg, \reg, t6
.endm

// One access by S or U mode to the address in a1 (data in a0), and what came of it.
#define S_LOAD_OK RUN(MODE_S, s_load); TRAP_CAUSE_WAS(CAUSE_ECALL_S)
#define S_STORE_OK RUN(MODE_S, s_store); TRAP_CAUSE_WAS(CAUSE_ECALL_S)
#define S_LOAD_TRAPS(cause) RUN(MODE_S, s_load); TRAP_WAS_REG(cause, s_load, a1)
#define S_STORE_TRAPS(cause) RUN(MODE_S, s_store); TRAP_WAS_REG(cause, s_store, a1)
#define S_FETCH_TRAPS(cause) RUN_AT(MODE_S, a1); TRAP_WAS_REGS(cause, a1, a1)
#define S_FETCH_OK RUN_AT(MODE_S, a1); expect_cause __LINE__, CAUSE_ECALL_S; expect_epc_reg __LINE__, a1
#define U_LOAD_OK user_va s10, u_load; RUN_AT(MODE_U, s10); TRAP_CAUSE_WAS(CAUSE_ECALL_U)
#define U_STORE_OK user_va s10, u_store; RUN_AT(MODE_U, s10); TRAP_CAUSE_WAS(CAUSE_ECALL_U)
#define U_LOAD_TRAPS(cause) user_va s10, u_load; RUN_AT(MODE_U, s10); TRAP_WAS_REGS(cause, s10, a1)
#define U_STORE_TRAPS(cause) user_va s10, u_store; RUN_AT(MODE_U, s10); TRAP_WAS_REGS(cause, s10, a1)
#define U_FETCH_TRAPS(cause) RUN_AT(MODE_U, a1); TRAP_WAS_REGS(cause, a1, a1)
#define U_FETCH_OK RUN_AT(MODE_U, a1); expect_cause __LINE__, CAUSE_ECALL_U; expect_epc_reg __LINE__, a1
// All three, in both modes (the causes are those of pages: 13, 15, 12; or of access: 5, 7, 1)
#define ALL_TRAP(load, store, fetch) \
  S_LOAD_TRAPS(load); S_STORE_TRAPS(store); S_FETCH_TRAPS(fetch); \
  U_LOAD_TRAPS(load); U_STORE_TRAPS(store); U_FETCH_TRAPS(fetch)
#define ALL_PAGE_FAULTS ALL_TRAP(CAUSE_LOAD_PAGE, CAUSE_STORE_PAGE, CAUSE_FETCH_PAGE)
#define ALL_ACCESS_FAULTS ALL_TRAP(CAUSE_LOAD_ACCESS, CAUSE_STORE_ACCESS, CAUSE_FETCH_ACCESS)

  .text
  .balign 4
s_load:
  lw a0, 0(a1)
  ecall
s_store:
  sw a0, 0(a1)
  ecall
s_amo:
  amoadd.w a0, a2, (a1)
  ecall
s_lr:
  lr.w a0, (a1)
  ecall
s_sc:
  sc.w a0, a2, (a1)
  ecall

  .section .user_code, "ax"
  .balign 4096
user_code:
u_load:
  lw a0, 0(a1)
  ecall
u_store:
  sw a0, 0(a1)
  ecall
u_amo:
  amoadd.w a0, a2, (a1)
  ecall
u_ecall:
  ecall

  .section .pages, "awx"
  .balign 4096
root_table:
  .zero 4096
leaf_table:
  .zero 4096
// A page of data that starts with an ecall, for fetches.
data_page:
  ecall
  .zero 4092
second_page:
  ecall
  .zero 4092

#endif // __ASSEMBLER__
