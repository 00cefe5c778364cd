// SPDX-License-Identifier: Apache-2.0
//
// Supervisor CSRs as views of the machine's: sstatus of mstatus, sie and sip of mie and mip under
// mideleg.
#include "common.h"

#define SSTATUS_BITS (MSTATUS_SIE+MSTATUS_SPIE+MSTATUS_SPP+MSTATUS_SUM+MSTATUS_MXR)
#define MSTATUS_ONLY (MSTATUS_MPIE+MSTATUS_MPP+MSTATUS_MPRV+MSTATUS_TVM+MSTATUS_TW+MSTATUS_TSR)

TEST_BEGIN
  // sstatus shows its own bits and hides the machine's.
  li a1, SSTATUS_BITS+MSTATUS_ONLY
  csrw mstatus, a1
  csrr a0, sstatus
  li a2, 0x7fffffff
  and a0, a0, a2
#if __riscv_xlen == 64
  li a2, 0x1ffff9fff // without FS, VS and UXL
#else
  li a2, 0x7fff99ff // without FS and VS
#endif
  and a0, a0, a2
  CHECK(a0, SSTATUS_BITS)
  // Writing sstatus leaves them alone.
  csrw sstatus, zero
  csrr a0, mstatus
  li a2, SSTATUS_BITS+MSTATUS_ONLY
  and a0, a0, a2
  CHECK(a0, MSTATUS_ONLY)
  csrw mstatus, zero
  li a1, SSTATUS_BITS+MSTATUS_ONLY+MSTATUS_MIE
  csrw sstatus, a1
  csrr a0, mstatus
  li a2, SSTATUS_BITS+MSTATUS_ONLY+MSTATUS_MIE
  and a0, a0, a2
  CHECK(a0, SSTATUS_BITS)
  li a1, MSTATUS_SUM
  csrc sstatus, a1
  csrr a0, mstatus
  and a0, a0, a2
  CHECK(a0, SSTATUS_BITS-MSTATUS_SUM)
  csrw sstatus, zero

  // sie and sip: nothing delegated, nothing to see
  li a1, IP_ALL
  csrw mie, a1
  csrr a0, sie
  CHECK(a0, 0)
  csrw sie, zero
  csrr a0, mie
  CHECK(a0, IP_ALL)
  li a1, IP_SSI+IP_STI+IP_SEI
  csrs mip, a1
  csrr a0, sip
  CHECK(a0, 0)
  csrc sip, a1
  csrr a0, mip
  CHECK(a0, IP_SSI+IP_STI+IP_SEI)
  // SSI and SEI delegated
  li a1, IP_SSI+IP_SEI
  csrw mideleg, a1
  csrr a0, sie
  CHECK(a0, IP_SSI+IP_SEI)
  csrr a0, sip
  CHECK(a0, IP_SSI+IP_SEI)
  csrw sie, zero
  csrr a0, mie
  CHECK(a0, IP_ALL-IP_SSI-IP_SEI)
  li a1, -1
  csrw sie, a1
  csrr a0, sie
  CHECK(a0, IP_SSI+IP_SEI)
  // Of sip only SSIP can be written.
  csrc sip, a1
  csrr a0, mip
  CHECK(a0, IP_STI+IP_SEI)
  csrs sip, a1
  csrr a0, mip
  CHECK(a0, IP_SSI+IP_STI+IP_SEI)
  csrw mie, zero
  // Everything delegated
  li a1, IP_SSI+IP_STI+IP_SEI
  csrw mideleg, a1
  csrr a0, sip
  CHECK(a0, IP_SSI+IP_STI+IP_SEI)
  csrw sip, zero
  csrr a0, mip
  CHECK(a0, IP_STI+IP_SEI)
  csrw mip, zero
  csrw mideleg, zero

  // S-mode itself reads and writes them.
  RUN(MODE_S, supervisor_registers)
  TRAP_CAUSE_WAS(CAUSE_ECALL_S)
  CHECK(a0, 0x1234)
  CHECK(a1, 0x1238)
  CHECK(a2, INTERRUPT+5)
  CHECK(a3, 0x4321)
  TEST_END

supervisor_registers:
  li a4, 0x1234
  csrw sscratch, a4
  csrr a0, sscratch
  li a4, 0x1238
  csrw sepc, a4
  csrr a1, sepc
  li a4, INTERRUPT+5
  csrw scause, a4
  csrr a2, scause
  li a4, 0x4321
  csrw stval, a4
  csrr a3, stval
  csrr a4, stvec
  csrw stvec, a4
  csrr a4, sie
  csrr a4, sip
  csrr a4, sstatus
  csrr a4, scounteren
  csrr a4, 0x10a // senvcfg
  csrr a4, satp
  ecall
