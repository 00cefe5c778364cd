// SPDX-License-Identifier: Apache-2.0
//
// Page tables that lie where there is no RAM: access faults of the original access. Faults of AMOs and sc
// are store faults. Physical addresses have 32 bits: nothing is beyond. Misaligned accesses are that before they are anything else.
// Rookery only: QEMU 7.2 makes page faults of the first, load faults of the second, drops the upper bits,
// and executes what is misaligned.
#include "sv32.h"

TEST_BEGIN
  SV32_BEGIN
  li a2, 0
  // The last table: nowhere, in a device, above 4 GiB
.irp ppn, NOWHERE>>12, UART>>12, 0x100000, 0x3fffff, (RAM+0x1000000)>>12
  PTE_RAW(root_table, USER_INDEX+1, (((\ppn)<<10)|PTE_V))
  sfence.vma
  li a1, USER_BASE+0x400000
  ALL_ACCESS_FAULTS
.endr
  // The root table
.irp ppn, NOWHERE>>12, 0x100000, 0x3fffff
  li a0, SATP_SV32+(\ppn)
  csrw satp, a0
  sfence.vma
  la a1, s_load
  RUN(MODE_S, s_load)
  TRAP_WAS_REG(CAUSE_FETCH_ACCESS, s_load, a1)
.endr
  satp_set root_table

  // Physical addresses of more than 32 bits
.irp ppn, 0x100000, 0x180000, 0x280000, 0x3fffff
  li a1, DATA_VA
  PTE_RAW(leaf_table, DATA_INDEX, ((\ppn<<10)|PTE_V|PTE_RWX|PTE_AD))
  sfence.vma
  S_LOAD_TRAPS(CAUSE_LOAD_ACCESS)
  S_STORE_TRAPS(CAUSE_STORE_ACCESS)
  S_FETCH_TRAPS(CAUSE_FETCH_ACCESS)
.endr

  // AMOs and sc without a page
  li a1, DATA_VA
  PTE_RAW(leaf_table, DATA_INDEX, 0)
  sfence.vma
  RUN(MODE_S, s_amo)
  TRAP_WAS_REG(CAUSE_STORE_PAGE, s_amo, a1)
  RUN(MODE_S, s_sc)
  TRAP_WAS_REG(CAUSE_STORE_PAGE, s_sc, a1)
  RUN(MODE_S, s_lr)
  TRAP_WAS_REG(CAUSE_LOAD_PAGE, s_lr, a1)
  // with a page that can only be read
  PTE_PAGE(leaf_table, DATA_INDEX, data_page, (PTE_V|PTE_R|PTE_AD))
  sfence.vma
  RUN(MODE_S, s_amo)
  TRAP_WAS_REG(CAUSE_STORE_PAGE, s_amo, a1)
  RUN(MODE_S, s_sc)
  TRAP_WAS_REG(CAUSE_STORE_PAGE, s_sc, a1)
  // to nowhere, to a device
.irp address, NOWHERE, UART
  PTE_RAW(leaf_table, DATA_INDEX, ((\address>>2)|LEAF_S))
  sfence.vma
  RUN(MODE_S, s_amo)
  TRAP_WAS_REG(CAUSE_STORE_ACCESS, s_amo, a1)
  RUN(MODE_S, s_lr)
  TRAP_WAS_REG(CAUSE_LOAD_ACCESS, s_lr, a1)
.endr
  // A sc that fails for want of a reservation sets D all the same.
  PTE_PAGE(leaf_table, DATA_INDEX, data_page, (PTE_V|PTE_R|PTE_W))
  sfence.vma
  RUN(MODE_S, s_sc)
  TRAP_CAUSE_WAS(CAUSE_ECALL_S)
  CHECK(a0, 1)
  PTE_CHECK(leaf_table, DATA_INDEX, 0xff, (PTE_V|PTE_R|PTE_W|PTE_AD))

  // Misaligned comes first: no page, over the end of a page whose neighbour is missing
  PTE_RAW(leaf_table, DATA_INDEX+1, 0)
  sfence.vma
.irp offset, 0xffd, 0xffe, 0xfff, 0x1001, 0x1002
  li a1, DATA_VA+\offset
  S_LOAD_TRAPS(CAUSE_LOAD_MISALIGNED)
  S_STORE_TRAPS(CAUSE_STORE_MISALIGNED)
.endr
  li a1, DATA_VA+0x1002
  RUN(MODE_S, s_amo)
  TRAP_WAS_REG(CAUSE_STORE_MISALIGNED, s_amo, a1)
  RUN(MODE_S, s_lr)
  TRAP_WAS_REG(CAUSE_LOAD_MISALIGNED, s_lr, a1)
  // None of them set A or D on the page it began on.
  PTE_PAGE(leaf_table, DATA_INDEX, data_page, (PTE_V|PTE_R|PTE_W))
  sfence.vma
  li a1, DATA_VA+0xffe
  S_STORE_TRAPS(CAUSE_STORE_MISALIGNED)
  PTE_CHECK(leaf_table, DATA_INDEX, 0xff, (PTE_V|PTE_R|PTE_W))
  TEST_END
