// SPDX-License-Identifier: Apache-2.0
//
// MPRV: loads and stores of M-mode with the translation and the permissions of the mode in MPP; fetches
// stay physical; faults go to M-mode.
#include "sv32.h"

// One M-mode access with MPRV = 1 and MPP = mode. Uses s11.
#define AS(mode, ...) \
  expect_begin __LINE__; mprv_as mode; 98: __VA_ARGS__; 99: csrc mstatus, s11
#define AS_OK(mode, ...) AS(mode, __VA_ARGS__); TRAP_CAUSE_WAS(-1)
#define AS_TRAPS(mode, cause, ...) AS(mode, __VA_ARGS__); TRAP_WAS_REG(cause, 98b, a1)

.macro mprv_as mode
  li s11, MSTATUS_MPP
  csrc mstatus, s11
  li s11, (\mode<<11)
  csrs mstatus, s11
  li s11, MSTATUS_MPRV
  csrs mstatus, s11
.endm

TEST_BEGIN
  SV32_BEGIN
  la a2, data_page
  li a0, 0x123
  sw a0, 0(a2)
  li a1, DATA_VA
  // A U page: as U; as S only with SUM; as M there is no translation
  PTE_PAGE(leaf_table, DATA_INDEX, data_page, LEAF_U)
  sfence.vma
  AS_OK(MODE_U, lw a0, 0(a1))
  CHECK(a0, 0x123)
  li a0, 0x124
  AS_OK(MODE_U, sw a0, 0(a1))
  lw a0, 0(a2)
  CHECK(a0, 0x124)
  AS_TRAPS(MODE_S, CAUSE_LOAD_PAGE, lw a0, 0(a1))
  AS_TRAPS(MODE_S, CAUSE_STORE_PAGE, sw a0, 0(a1))
  li a3, MSTATUS_SUM
  csrs mstatus, a3
  AS_OK(MODE_S, lw a0, 0(a1))
  AS_OK(MODE_S, sw a0, 0(a1))
  csrc mstatus, a3
  AS_OK(MODE_M, lw a0, 0(a2))
  CHECK(a0, 0x124)
  // An S page: as S, not as U
  PTE_PAGE(leaf_table, DATA_INDEX, data_page, LEAF_S)
  sfence.vma
  AS_OK(MODE_S, lw a0, 0(a1))
  CHECK(a0, 0x124)
  AS_OK(MODE_S, amoadd.w a0, zero, (a1))
  CHECK(a0, 0x124)
  AS_OK(MODE_S, lr.w a0, (a1))
  AS_TRAPS(MODE_U, CAUSE_LOAD_PAGE, lw a0, 0(a1))
  AS_TRAPS(MODE_U, CAUSE_STORE_PAGE, sw a0, 0(a1))
  // MXR
  PTE_PAGE(leaf_table, DATA_INDEX, data_page, (PTE_V|PTE_X|PTE_AD))
  sfence.vma
  AS_TRAPS(MODE_S, CAUSE_LOAD_PAGE, lw a0, 0(a1))
  li a3, MSTATUS_MXR
  csrs mstatus, a3
  AS_OK(MODE_S, lw a0, 0(a1))
  CHECK(a0, 0x124)
  csrc mstatus, a3
  // Without MPRV, M-mode has physical addresses whatever MPP says.
  li a3, MSTATUS_MPP
  csrc mstatus, a3
  lw a0, 0(a2)
  CHECK(a0, 0x124)
  // The trap comes from M-mode: MPP is M, MPRV is kept, and medeleg does not matter.
  li a0, 0xb000
  csrw medeleg, a0
  AS_TRAPS(MODE_U, CAUSE_LOAD_PAGE, lw a0, 0(a1))
  NO_SUPERVISOR_TRAP
  trap_status a0
  li a3, MSTATUS_MPP+MSTATUS_MPRV
  and a0, a0, a3
  CHECK(a0, MSTATUS_MPP+MSTATUS_MPRV)
  csrw medeleg, zero
  // Back to back: a translation made for one mode is not used for another.
  PTE_PAGE(leaf_table, DATA_INDEX, data_page, LEAF_U)
  sfence.vma
  AS_OK(MODE_U, lw a0, 0(a1))
  AS_TRAPS(MODE_S, CAUSE_LOAD_PAGE, lw a0, 0(a1))
  AS_OK(MODE_U, sw a0, 0(a1))
  AS_TRAPS(MODE_S, CAUSE_STORE_PAGE, sw a0, 0(a1))
  TEST_END
