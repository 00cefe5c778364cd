// SPDX-License-Identifier: Apache-2.0
//
// Good page tables that lead to addresses where there is nothing: access faults (5, 7, 1) with the virtual
// address. And to devices, which S and U mode then reach.
#include "sv32.h"

TEST_BEGIN
  SV32_BEGIN
  li a1, DATA_VA
  // S pages, U pages: nowhere; after the end of RAM (16 MiB)
.irp address, NOWHERE, 0x18000000, RAM+0x1000000, 0xfffff000
  PTE_RAW(leaf_table, DATA_INDEX, ((\address>>2)|PTE_V|PTE_RWX|PTE_AD))
  sfence.vma
  S_LOAD_TRAPS(CAUSE_LOAD_ACCESS)
  S_STORE_TRAPS(CAUSE_STORE_ACCESS)
  S_FETCH_TRAPS(CAUSE_FETCH_ACCESS)
  PTE_RAW(leaf_table, DATA_INDEX, ((\address>>2)|PTE_V|PTE_RWX|PTE_U|PTE_AD))
  sfence.vma
  U_LOAD_TRAPS(CAUSE_LOAD_ACCESS)
  U_STORE_TRAPS(CAUSE_STORE_ACCESS)
  U_FETCH_TRAPS(CAUSE_FETCH_ACCESS)
  // A page fault comes first.
  S_LOAD_TRAPS(CAUSE_LOAD_PAGE)
.endr
  // A superpage to nowhere
  PTE_RAW(root_table, USER_INDEX+1, ((NOWHERE>>2)|PTE_V|PTE_RWX|PTE_AD))
  sfence.vma
  li a1, USER_BASE+0x400000
  S_LOAD_TRAPS(CAUSE_LOAD_ACCESS)
  S_STORE_TRAPS(CAUSE_STORE_ACCESS)
  S_FETCH_TRAPS(CAUSE_FETCH_ACCESS)
  // Delegated
  li a0, 0xa2
  csrw medeleg, a0
  RUN(MODE_S, s_load)
  SUPERVISOR_TRAP_WAS_REG(CAUSE_LOAD_ACCESS, s_load, a1)
  csrw medeleg, zero

  // Devices: the UART's scratch register from S-mode, its registers from U-mode
  PTE_RAW(leaf_table, DATA_INDEX, ((UART>>2)|LEAF_S))
  PTE_RAW(leaf_table, DATA_INDEX+1, ((UART>>2)|LEAF_U))
  sfence.vma
  li a1, DATA_VA+7
  li a0, 0xa5
  RUN(MODE_S, byte_store)
  TRAP_CAUSE_WAS(CAUSE_ECALL_S)
  li a1, UART+7
  lbu a0, 0(a1)
  CHECK(a0, 0xa5)
  li a1, DATA_VA+7
  RUN(MODE_S, byte_load)
  CHECK(a0, 0xa5)
  li a1, DATA_VA+0x1004
  U_LOAD_OK
  // The CLINT's msip by a page of it
  PTE_RAW(leaf_table, DATA_INDEX, ((CLINT_MSIP>>2)|LEAF_S))
  sfence.vma
  li a1, DATA_VA
  li a0, 1
  S_STORE_OK
  csrr a0, mip
  CHECK(a0, IP_MSI)
  li a0, 0
  S_STORE_OK
  csrr a0, mip
  CHECK(a0, 0)
  // Nothing in a device's page: an access fault at the virtual address
  PTE_RAW(leaf_table, DATA_INDEX, ((CLINT_MSIP>>2)|LEAF_S))
  sfence.vma
  RUN(MODE_S, byte_load)
  TRAP_WAS_REG(CAUSE_LOAD_ACCESS, byte_load, a1)
  TEST_END

byte_load:
  lbu a0, 0(a1)
  ecall
byte_store:
  sb a0, 0(a1)
  ecall
