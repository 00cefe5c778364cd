// SPDX-License-Identifier: Apache-2.0
//
// What a guest sees that changes a PTE and forgets sfence.vma. The specification leaves it open; Rookery
// promises the same on every engine: fetches, loads and stores have a TLB of 64 entries each, direct-mapped
// by the page number, filled by the first access, emptied by sfence.vma, by satp, and one by one by other
// pages in the same place.
// Rookery only.
#include "sv32.h"

.macro map_to label
  PTE_PAGE(leaf_table, DATA_INDEX, \label, LEAF_S)
.endm
#define S_SEES(want) S_LOAD_OK; CHECK(a0, want)

TEST_BEGIN
  SV32_BEGIN
  la a2, data_page
  li a0, 0x111
  sw a0, 0(a2)
  la a2, second_page
  li a0, 0x222
  sw a0, 0(a2)
  PTE_PAGE(leaf_table, DATA_INDEX+63, second_page, LEAF_S)
  PTE_PAGE(leaf_table, DATA_INDEX+64, second_page, LEAF_S)
  li a1, DATA_VA
  map_to data_page
  sfence.vma
  S_SEES(0x111)
  // No fence: the old page
  map_to second_page
  S_SEES(0x111)
  // Stores have entries of their own: this one is the first.
  li a0, 0x223
  S_STORE_OK
  S_SEES(0x111)
  la a2, second_page
  lw a0, 0(a2)
  CHECK(a0, 0x223)
  // The page 63 further on has another place, the one 64 further on the same.
  li a1, DATA_VA+0x3f000
  S_SEES(0x223)
  li a1, DATA_VA
  S_SEES(0x111)
  li a1, DATA_VA+0x40000
  S_SEES(0x223)
  li a1, DATA_VA
  S_SEES(0x223)
  // A fault is not remembered, and a page that came needs no fence.
  PTE_RAW(leaf_table, DATA_INDEX, 0)
  sfence.vma
  S_LOAD_TRAPS(CAUSE_LOAD_PAGE)
  map_to data_page
  S_SEES(0x111)
  // A page that went is still there, for loads only.
  PTE_RAW(leaf_table, DATA_INDEX, 0)
  S_SEES(0x111)
  S_STORE_TRAPS(CAUSE_STORE_PAGE)
  // SUM and MXR belong to an entry: other values are another one.
  li a3, MSTATUS_MXR
  csrs mstatus, a3
  S_LOAD_TRAPS(CAUSE_LOAD_PAGE)
  csrc mstatus, a3
  S_SEES(0x111)
  // satp, even with the same value
  csrr a0, satp
  csrw satp, a0
  S_LOAD_TRAPS(CAUSE_LOAD_PAGE)
  // A physical address of M-mode in the same place
  map_to data_page
  S_SEES(0x111)
  map_to second_page
  li a2, RAM+0x401000 // the same place as DATA_VA: both page numbers end in 1
  lw a0, 0(a2)
  S_SEES(0x223)
  TEST_END
