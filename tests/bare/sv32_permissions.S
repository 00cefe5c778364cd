// SPDX-License-Identifier: Apache-2.0
//
// Every combination of R, W, X and U of a page, by loads, stores and fetches from S and U mode, with and
// without SUM and MXR. What must be allowed stands in the table at the end.
#include "sv32.h"

#define CONTEXTS 6 // S, S+SUM, S+MXR, S+SUM+MXR, U, U+MXR

// One access in the mode of s4; s5 := the cause. (The place of a failure is in what was got: bits 31:8.)
.macro access s_label, u_label
  expect_begin __LINE__
  li t6, MSTATUS_MPP
  csrc mstatus, t6
  la t5, \s_label
  beqz s4, .Ls\@
  user_va t5, \u_label
  j .Lu\@
.Ls\@:
  li t6, MSTATUS_MPP_S
  csrs mstatus, t6
.Lu\@:
  csrw mepc, t5
  mret
99:
  run_end
.endm

// The access must have ended with the ecall of its mode if bit `bit` of s6 is set, else with `fault`.
.macro verdict line, bit, fault
  la t6, trap_record
  LREG a3, TR_CAUSE(t6)
  li a4, \fault
  andi t5, s6, (1<<\bit)
  beqz t5, .Lfault\@
  li a4, CAUSE_ECALL_S
  beqz s4, .Lcompare\@
  li a4, CAUSE_ECALL_U
  j .Lcompare\@
.Lfault\@:
  LREG a5, TR_TVAL(t6)
  check_regs \line, a5, a1
.Lcompare\@:
  slli t5, s1, 16
  slli t6, s2, 8
  or t5, t5, t6
  or a3, a3, t5
  or a4, a4, t5
  check_regs \line, a3, a4
.endm

TEST_BEGIN
  SV32_BEGIN
  li a1, DATA_VA
  la s0, allowed
  li s1, 0 // flags: bits 0 to 2 are R, W, X, bit 3 is U
next_flags:
  li s2, 0 // context
next_context:
  // The PTE
  slli t5, s1, 1
  la t6, data_page
  srli t6, t6, 2
  or t6, t6, t5
  ori t6, t6, PTE_V|PTE_AD
  la t5, leaf_table
  sw t6, 4*DATA_INDEX(t5)
  sfence.vma
  // The context: mode (s4: 1 is U), SUM and MXR
  li t5, MSTATUS_SUM+MSTATUS_MXR
  csrc mstatus, t5
  slti s4, s2, 4
  xori s4, s4, 1
  la t6, context_status
  slli t5, s2, 2
  add t6, t6, t5
  lw t5, 0(t6)
  csrs mstatus, t5
  // What is allowed
  slli t5, s1, 3
  add t5, t5, s2
  add t5, t5, s0
  lbu s6, 0(t5)

  access s_load, u_load
  verdict __LINE__, 0, CAUSE_LOAD_PAGE
  li a0, 0x73 // the page keeps its ecall
  access s_store, u_store
  verdict __LINE__, 1, CAUSE_STORE_PAGE
  // Fetch
  expect_begin __LINE__
  li t6, MSTATUS_MPP
  csrc mstatus, t6
  bnez s4, 1f
  li t6, MSTATUS_MPP_S
  csrs mstatus, t6
1:
  csrw mepc, a1
  mret
99:
  run_end
  verdict __LINE__, 2, CAUSE_FETCH_PAGE
  expect_epc_reg __LINE__, a1

  addi s2, s2, 1
  li t5, CONTEXTS
  bne s2, t5, next_context
  addi s1, s1, 1
  li t5, 16
  bne s1, t5, next_flags
  TEST_END

  .section .rodata
  .balign 4
context_status:
  .word 0, MSTATUS_SUM, MSTATUS_MXR, MSTATUS_SUM+MSTATUS_MXR, 0, MSTATUS_MXR
// A row for each combination of flags, a column for each context: 1 load, 2 store, 4 fetch.
// W without R is reserved; no R, W and X makes a pointer, which the last level cannot be.
allowed:
  .byte 0, 0, 0, 0, 0, 0, 0, 0 // -
  .byte 1, 1, 1, 1, 0, 0, 0, 0 // R
  .byte 0, 0, 0, 0, 0, 0, 0, 0 // W
  .byte 3, 3, 3, 3, 0, 0, 0, 0 // RW
  .byte 4, 4, 5, 5, 0, 0, 0, 0 // X
  .byte 5, 5, 5, 5, 0, 0, 0, 0 // RX
  .byte 0, 0, 0, 0, 0, 0, 0, 0 // WX
  .byte 7, 7, 7, 7, 0, 0, 0, 0 // RWX
  .byte 0, 0, 0, 0, 0, 0, 0, 0 // - U
  .byte 0, 1, 0, 1, 1, 1, 0, 0 // R U
  .byte 0, 0, 0, 0, 0, 0, 0, 0 // W U
  .byte 0, 3, 0, 3, 3, 3, 0, 0 // RW U
  .byte 0, 0, 0, 1, 4, 5, 0, 0 // X U
  .byte 0, 1, 0, 1, 5, 5, 0, 0 // RX U
  .byte 0, 0, 0, 0, 0, 0, 0, 0 // WX U
  .byte 0, 3, 0, 3, 7, 7, 0, 0 // RWX U
