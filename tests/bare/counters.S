// SPDX-License-Identifier: Apache-2.0
//
// cycle, time and instret: they advance, mcounteren and scounteren open them to S and U mode one by
// one, mcountinhibit stops them, and mcycle/minstret can be written.
#include "common.h"

// RUN in mode, expecting an illegal instruction or the ecall of that mode.
#define CLOSED(mode, label) RUN(mode, label); TRAP_WAS_ILLEGAL(label)
#define OPEN_S(label) RUN(MODE_S, label); TRAP_CAUSE_WAS(CAUSE_ECALL_S)
#define OPEN_U(label) RUN(MODE_U, label); TRAP_CAUSE_WAS(CAUSE_ECALL_U)

.macro enable machine, supervisor
  li t5, \machine
  csrw mcounteren, t5
  li t5, \supervisor
  csrw scounteren, t5
.endm

TEST_BEGIN
  enable 0, 0
  CLOSED(MODE_S, read_cycle)
  CLOSED(MODE_S, read_time)
  CLOSED(MODE_S, read_instret)
  CLOSED(MODE_U, read_cycle)
  CLOSED(MODE_U, read_time)
  CLOSED(MODE_U, read_instret)
  enable 0, 7
  CLOSED(MODE_S, read_cycle)
  CLOSED(MODE_S, read_time)
  CLOSED(MODE_S, read_instret)
  CLOSED(MODE_U, read_cycle)
  CLOSED(MODE_U, read_time)
  CLOSED(MODE_U, read_instret)
  enable 7, 0
  OPEN_S(read_cycle)
  OPEN_S(read_time)
  OPEN_S(read_instret)
  CLOSED(MODE_U, read_cycle)
  CLOSED(MODE_U, read_time)
  CLOSED(MODE_U, read_instret)
  enable 7, 7
  OPEN_U(read_cycle)
  OPEN_U(read_time)
  OPEN_U(read_instret)
  enable 1, 7
  OPEN_U(read_cycle)
  CLOSED(MODE_U, read_time)
  CLOSED(MODE_U, read_instret)
  enable 2, 7
  CLOSED(MODE_U, read_cycle)
  OPEN_U(read_time)
  CLOSED(MODE_U, read_instret)
  enable 7, 4
  CLOSED(MODE_U, read_cycle)
  CLOSED(MODE_U, read_time)
  OPEN_U(read_instret)
#if __riscv_xlen == 32
  enable 5, 7
  CLOSED(MODE_S, read_timeh)
  CLOSED(MODE_U, read_timeh)
  OPEN_S(read_cycleh)
  OPEN_U(read_cycleh)
  OPEN_U(read_instreth)
  enable 2, 2
  OPEN_S(read_timeh)
  OPEN_U(read_timeh)
  CLOSED(MODE_S, read_cycleh)
  CLOSED(MODE_U, read_cycleh)
  CLOSED(MODE_U, read_instreth)
#endif
  // An enabled counter is still read-only.
  enable 7, 7
  RUN(MODE_U, write_cycle)
  TRAP_WAS_ILLEGAL(write_cycle)

  // They advance.
  csrr a0, mcycle
  csrr a1, minstret
  csrr a2, cycle
  csrr a3, instret
  nop
  nop
  csrr a4, mcycle
  csrr a5, minstret
  CHECK_BRANCH(bltu, a0, a4)
  CHECK_BRANCH(bltu, a1, a5)
  CHECK_BRANCH(bgeu, a2, a0)
  CHECK_BRANCH(bgeu, a3, a1)
  csrr a0, time
1:
  csrr a1, time
  beq a0, a1, 1b
  CHECK_BRANCH(bltu, a0, a1)
  // time is mtime.
  li a2, CLINT_MTIME
  lw a0, 0(a2)
  csrr a1, time
  lw a3, 0(a2)
#if __riscv_xlen == 64
  addiw a1, a1, 0
#endif
  CHECK_BRANCH(bgeu, a1, a0)
  CHECK_BRANCH(bgeu, a3, a1)

  // Stopped, they stand still; started, they go on.
  li a0, 5
  csrw mcountinhibit, a0
  csrr a0, mcycle
  csrr a1, minstret
  nop
  nop
  csrr a2, mcycle
  csrr a3, minstret
  csrr a4, cycle
  csrr a5, instret
  CHECK_REGS(a2, a0)
  CHECK_REGS(a3, a1)
  CHECK_REGS(a4, a0)
  CHECK_REGS(a5, a1)
  // A write while they stand still is exact.
  li a0, 0x12345
  csrw mcycle, a0
  li a0, 0x54321
  csrw minstret, a0
  csrr a0, mcycle
  CHECK(a0, 0x12345)
  csrr a0, minstret
  CHECK(a0, 0x54321)
#if __riscv_xlen == 32
  li a0, 0x77
  csrw mcycleh, a0
  li a0, 0x88
  csrw minstreth, a0
  csrr a0, mcycleh
  CHECK(a0, 0x77)
  csrr a0, minstreth
  CHECK(a0, 0x88)
  csrr a0, mcycle
  CHECK(a0, 0x12345)
  csrr a0, cycleh
  CHECK(a0, 0x77)
  csrr a0, instreth
  CHECK(a0, 0x88)
#endif
  csrw mcountinhibit, zero
  csrr a0, mcycle
  csrr a1, mcycle
  CHECK_BRANCH(bltu, a0, a1)
  li a2, 0x12345
  CHECK_BRANCH(bgeu, a0, a2)
  TEST_END

read_cycle:
  csrr a0, cycle
  ecall
read_time:
  csrr a0, time
  ecall
read_instret:
  csrr a0, instret
  ecall
#if __riscv_xlen == 32
read_cycleh:
  csrr a0, cycleh
  ecall
read_timeh:
  csrr a0, timeh
  ecall
read_instreth:
  csrr a0, instreth
  ecall
#endif
write_cycle:
  csrw cycle, zero
  ecall
