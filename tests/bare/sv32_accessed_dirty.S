// SPDX-License-Identifier: Apache-2.0
//
// A and D are set by the hart: A by any access, D by stores, in memory, at once, in pages and superpages;
// not by an access that faults.
#include "sv32.h"

#define SUPER_INDEX (USER_INDEX+1)
#define SUPER_VA (USER_BASE+0x400000)
#define FLAGS (PTE_V|PTE_RWX)
#define AD_IS(want) PTE_CHECK(leaf_table, DATA_INDEX, 0x3ff, want)
#define SUPER_AD_IS(want) PTE_CHECK(root_table, SUPER_INDEX, 0x3ff, want)

.macro fresh flags
  PTE_PAGE(leaf_table, DATA_INDEX, data_page, \flags)
  sfence.vma
.endm
.macro fresh_super flags
  PTE_RAW(root_table, SUPER_INDEX, ((RAM>>2)|\flags))
  sfence.vma
.endm

TEST_BEGIN
  SV32_BEGIN
  li a1, DATA_VA
  // Load: A
  fresh FLAGS
  S_LOAD_OK
  AD_IS(FLAGS|PTE_A)
  // Store: A and D
  fresh FLAGS
  li a0, 0x73
  S_STORE_OK
  AD_IS(FLAGS|PTE_AD)
  // Fetch: A
  fresh FLAGS
  S_FETCH_OK
  AD_IS(FLAGS|PTE_A)
  // A load, and then a store through the translation that the load has made
  fresh FLAGS
  S_LOAD_OK
  AD_IS(FLAGS|PTE_A)
  li a0, 0x73
  S_STORE_OK
  AD_IS(FLAGS|PTE_AD)
  // A set already
  fresh FLAGS|PTE_A
  li a0, 0x73
  S_STORE_OK
  AD_IS(FLAGS|PTE_AD)
  // D without A
  fresh FLAGS|PTE_D
  S_LOAD_OK
  AD_IS(FLAGS|PTE_AD)
  // lr: A; amo: A and D
  fresh FLAGS
  RUN(MODE_S, s_lr)
  AD_IS(FLAGS|PTE_A)
  fresh FLAGS
  li a2, 0
  RUN(MODE_S, s_amo)
  TRAP_CAUSE_WAS(CAUSE_ECALL_S)
  AD_IS(FLAGS|PTE_AD)
  // From U-mode
  fresh FLAGS|PTE_U
  U_LOAD_OK
  AD_IS(FLAGS|PTE_U|PTE_A)
  li a0, 0x73
  U_STORE_OK
  AD_IS(FLAGS|PTE_U|PTE_AD)

  // Software clears them; after sfence.vma they are set anew.
  fresh FLAGS|PTE_A
  S_LOAD_OK
  AD_IS(FLAGS|PTE_A)
  fresh FLAGS
  S_LOAD_OK
  AD_IS(FLAGS|PTE_A)
  fresh FLAGS|PTE_A
  li a0, 0x73
  S_STORE_OK
  AD_IS(FLAGS|PTE_AD)

  // Faults set nothing: no permission, a U page from S-mode, an S page from U-mode
  fresh PTE_V|PTE_R
  S_STORE_TRAPS(CAUSE_STORE_PAGE)
  AD_IS(PTE_V|PTE_R)
  S_FETCH_TRAPS(CAUSE_FETCH_PAGE)
  AD_IS(PTE_V|PTE_R)
  fresh PTE_V|PTE_X
  S_LOAD_TRAPS(CAUSE_LOAD_PAGE)
  AD_IS(PTE_V|PTE_X)
  fresh FLAGS|PTE_U
  S_LOAD_TRAPS(CAUSE_LOAD_PAGE)
  S_STORE_TRAPS(CAUSE_STORE_PAGE)
  S_FETCH_TRAPS(CAUSE_FETCH_PAGE)
  AD_IS(FLAGS|PTE_U)
  fresh FLAGS
  U_LOAD_TRAPS(CAUSE_LOAD_PAGE)
  U_STORE_TRAPS(CAUSE_STORE_PAGE)
  U_FETCH_TRAPS(CAUSE_FETCH_PAGE)
  AD_IS(FLAGS)
  fresh FLAGS-PTE_V
  S_STORE_TRAPS(CAUSE_STORE_PAGE)
  AD_IS(FLAGS-PTE_V)

  // The pointer above is left alone.
  PTE_CHECK(root_table, USER_INDEX, 0x3ff, PTE_V)

  // Superpages
  li a1, SUPER_VA
  la t5, data_page
  li t6, RAM
  sub t5, t5, t6
  add a1, a1, t5
  fresh_super FLAGS
  S_LOAD_OK
  CHECK(a0, 0x73)
  SUPER_AD_IS(FLAGS|PTE_A)
  li a0, 0x73
  S_STORE_OK
  SUPER_AD_IS(FLAGS|PTE_AD)
  fresh_super FLAGS
  S_FETCH_OK
  SUPER_AD_IS(FLAGS|PTE_A)
  fresh_super FLAGS
  li a0, 0x73
  S_STORE_OK
  SUPER_AD_IS(FLAGS|PTE_AD)
  // A misaligned one is not touched.
  PTE_RAW(root_table, SUPER_INDEX, ((RAM>>2)|(1<<10)|FLAGS))
  sfence.vma
  S_STORE_TRAPS(CAUSE_STORE_PAGE)
  SUPER_AD_IS(FLAGS)

  // The page table may be seen through the page itself: the hart's update is the guest's memory.
  PTE_PAGE(leaf_table, DATA_INDEX, leaf_table, PTE_V|PTE_R|PTE_W)
  sfence.vma
  li a1, DATA_VA+4*DATA_INDEX
  RUN(MODE_S, s_load)
  andi a0, a0, 0xff
  CHECK(a0, (PTE_V|PTE_R|PTE_W|PTE_A))
  TEST_END
