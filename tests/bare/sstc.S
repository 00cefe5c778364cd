// SPDX-License-Identifier: Apache-2.0
//
// Sstc: stimecmp, its gate in menvcfg.STCE and mcounteren.TM, and STIP as the comparison of time.
#include "common.h"

#if __riscv_xlen == 32
#define STCE_REGISTER CSR_MENVCFGH
#define STCE 0x80000000
#else
#define STCE_REGISTER CSR_MENVCFG
#define STCE 0x8000000000000000
#endif

// stimecmp := the sign-extended constant (so small ones are in the past, -1 is never)
.macro compare value
  li t5, \value
  csrw CSR_STIMECMP, t5
#if __riscv_xlen == 32
  li t5, (\value>>31)
  csrw CSR_STIMECMPH, t5
#endif
.endm

TEST_BEGIN
  li s2, STCE
  // Closed: STIP is software's; S-mode has no stimecmp.
  csrw STCE_REGISTER, zero
  li a1, 7
  csrw mcounteren, a1
  RUN(MODE_S, read_stimecmp)
  TRAP_WAS_ILLEGAL(read_stimecmp)
  RUN(MODE_S, write_stimecmp)
  TRAP_WAS_ILLEGAL(write_stimecmp)
  RUN(MODE_U, read_stimecmp)
  TRAP_WAS_ILLEGAL(read_stimecmp)
  li a1, IP_STI
  csrs mip, a1
  csrr a0, mip
  CHECK(a0, IP_STI)
  csrc mip, a1
  csrr a0, mip
  CHECK(a0, 0)

  // Open
  compare -1
  csrs STCE_REGISTER, s2
  csrr a0, STCE_REGISTER
  and a0, a0, s2
  CHECK_REGS(a0, s2)
  csrr a0, mip
  CHECK(a0, 0)
  csrr a0, CSR_STIMECMP
  CHECK(a0, -1)
#if __riscv_xlen == 32
  csrr a0, CSR_STIMECMPH
  CHECK(a0, -1)
#endif
  // STIP is read-only now.
  csrs mip, a1
  csrr a0, mip
  CHECK(a0, 0)
  compare 0
  csrr a0, mip
  CHECK(a0, IP_STI)
  csrc mip, a1
  csrr a0, mip
  CHECK(a0, IP_STI)
  compare -1
  csrr a0, mip
  CHECK(a0, 0)
  // mcounteren.TM
  RUN(MODE_S, read_stimecmp)
  TRAP_CAUSE_WAS(CAUSE_ECALL_S)
  li a1, 5
  csrw mcounteren, a1
  RUN(MODE_S, read_stimecmp)
  TRAP_WAS_ILLEGAL(read_stimecmp)
  li a1, 2
  csrw mcounteren, a1
  RUN(MODE_S, write_stimecmp)
  TRAP_CAUSE_WAS(CAUSE_ECALL_S)
  RUN(MODE_U, read_stimecmp)
  TRAP_WAS_ILLEGAL(read_stimecmp)
  compare -1

  // It comes true by itself.
  csrr a0, time
  li a1, 2000
  add a0, a0, a1
  csrw CSR_STIMECMP, a0
#if __riscv_xlen == 32
  csrw CSR_STIMECMPH, zero
#endif
  csrr a1, mip
  CHECK(a1, 0)
1:
  csrr a1, mip
  beqz a1, 1b
  CHECK(a1, IP_STI)
  csrr a1, time
  CHECK_BRANCH(bgeu, a1, a0)

  // Delegated: the interrupt in S and U mode, and wfi
  li a0, IP_STI
  csrw mideleg, a0
  csrw mie, a0
  csrsi mstatus, MSTATUS_SIE
  RUN(MODE_S, spin)
  SUPERVISOR_TRAP_WAS(INTERRUPT+IRQ_STI, spin, 0)
  RUN(MODE_U, spin)
  SUPERVISOR_TRAP_WAS(INTERRUPT+IRQ_STI, spin, 0)
  // S-mode sets its timer and waits for it.
  compare -1
  csrsi mstatus, MSTATUS_SIE
  RUN(MODE_S, timer_and_wfi)
  SUPERVISOR_TRAP_WAS(INTERRUPT+IRQ_STI, after_wfi, 0)
  csrr a1, time
  CHECK_BRANCH(bgeu, a1, a0)
  csrci mstatus, MSTATUS_SIE
  RUN(MODE_S, timer_and_wfi)
  TRAP_WAS(CAUSE_ECALL_S, after_wfi, 0)
  NO_SUPERVISOR_TRAP
  csrr a1, time
  CHECK_BRANCH(bgeu, a1, a0)
  // sip shows it, and does not write it.
  csrr a0, sip
  CHECK(a0, IP_STI)
  csrw sip, zero
  csrr a0, sip
  CHECK(a0, IP_STI)
  compare -1
  csrr a0, sip
  CHECK(a0, 0)
  // Not delegated: an M interrupt
  csrw mideleg, zero
  compare 0
  EXPECT_INTERRUPT(IRQ_STI, csrsi mstatus, MSTATUS_MIE)
  TEST_END

read_stimecmp:
  csrr a0, CSR_STIMECMP
  ecall
write_stimecmp:
  csrwi CSR_STIMECMP, 31
  ecall
spin:
  j spin
timer_and_wfi:
  li a0, -1
  csrw CSR_STIMECMP, a0
  csrr a0, time
  addi a0, a0, 2000
  csrw CSR_STIMECMP, a0
#if __riscv_xlen == 32
  csrw CSR_STIMECMPH, zero
#endif
  wfi
after_wfi:
  ecall
