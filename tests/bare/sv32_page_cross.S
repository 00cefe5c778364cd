// SPDX-License-Identifier: Apache-2.0
//
// Code that runs from one virtual page into the next, whose physical pages are in another order: straight
// through, by branches both ways, in a loop; into a page that is missing, not executable, or comes later.
#include "sv32.h"

#define FIRST_VA DATA_VA
#define SECOND_VA (DATA_VA+0x1000)
#define ENTRY_VA (SECOND_VA-16)

.macro map_first
  PTE_PAGE(leaf_table, DATA_INDEX, code_of_first, CODE_U)
.endm
.macro map_second flags
  PTE_PAGE(leaf_table, DATA_INDEX+1, code_of_second, \flags)
.endm

TEST_BEGIN
  SV32_BEGIN
  map_first
  map_second CODE_U
  sfence.vma
  // Straight through
  li a0, 0
  li a1, ENTRY_VA
  RUN_AT(MODE_U, a1)
  li a2, SECOND_VA+8
  TRAP_WAS_REGS(CAUSE_ECALL_U, a2, zero)
  CHECK(a0, 1+2+4+8+16)
  // A loop over the border, 100 times
  li a0, 0
  li a3, 100
  li a1, FIRST_VA+0x800
  RUN_AT(MODE_U, a1)
  TRAP_CAUSE_WAS(CAUSE_ECALL_U)
  CHECK(a0, 100*1+99*2)
  CHECK(a3, 0)
  // The second page is missing: everything before it was executed.
  PTE_RAW(leaf_table, DATA_INDEX+1, 0)
  sfence.vma
  li a0, 0
  li a1, ENTRY_VA
  RUN_AT(MODE_U, a1)
  li a2, SECOND_VA
  TRAP_WAS_REGS(CAUSE_FETCH_PAGE, a2, a2)
  CHECK(a0, 1+2+4)
  // It comes: the program goes on where it was.
  map_second CODE_U
  sfence.vma
  RUN_AT(MODE_U, a2)
  TRAP_CAUSE_WAS(CAUSE_ECALL_U)
  CHECK(a0, 1+2+4+8+16)
  // Not executable; not for U-mode
.irp flags, CODE_U-PTE_X, CODE_U-PTE_U
  map_second \flags
  sfence.vma
  li a0, 0
  li a1, ENTRY_VA
  RUN_AT(MODE_U, a1)
  li a2, SECOND_VA
  TRAP_WAS_REGS(CAUSE_FETCH_PAGE, a2, a2)
  CHECK(a0, 1+2+4)
.endr
  // The last instruction of a page that jumps away needs no second page.
  PTE_RAW(leaf_table, DATA_INDEX+1, 0)
  sfence.vma
  li a1, SECOND_VA-4
  li a4, FIRST_VA
  la a2, code_of_first+0xffc
  lw s3, 0(a2)
  li a3, 0x00070067 // jalr x0, 0(a4)
  sw a3, 0(a2)
  fence.i
  RUN_AT(MODE_U, a1)
  TRAP_WAS_REGS(CAUSE_ECALL_U, a4, zero)
  sw s3, 0(a2)
  fence.i
  // A load as the last instruction of a page that faults
  li a1, SECOND_VA-4
  li a3, 0x00072583 // lw a1, 0(a4)
  sw a3, 0(a2)
  fence.i
  li a4, 0x100
  RUN_AT(MODE_U, a1)
  TRAP_WAS_REGS(CAUSE_LOAD_PAGE, a1, a4)
  TEST_END

  // The second page lies before the first one.
  .section .pages, "awx"
  .balign 4096
code_of_second:
  addi a0, a0, 8
  addi a0, a0, 16
  ecall
  .zero 4
loop_second:
  addi a0, a0, 1
  addi a3, a3, -1
  beqz a3, 1f
  j code_of_second+0x10-0x800 // as if the first page lay before: FIRST_VA + 0x810
1:
  ecall
  .zero 4096-9*4
code_of_first:
  ecall
  .zero 0x800-4
  j 2f
  nop
  nop
  nop
loop_first:
  addi a0, a0, 1
  addi a0, a0, 1
2:
  j code_of_first+0x1010 // the loop's half in the second page
  .zero 0x1000-0x800-7*4-16
entry:
  addi a0, a0, 1
  addi a0, a0, 2
  addi a0, a0, 4
  nop
