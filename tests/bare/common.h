// SPDX-License-Identifier: Apache-2.0
//
// What every bare-metal test program shares: names of CSR bits, causes and devices, the test
// macros, and the records kept by the trap handlers in harness.S.
//
// A program defines `test_main` (entered in M-mode, interrupts off) and ends with TEST_END. The
// number of a test is its source line, so a failure "line 57" is line 57 of the program. Its
// end is a store to `tohost` (1: passed, (line << 1) | 1: failed), which ends Rookery; where
// nobody watches `tohost` (QEMU) the SiFive test device ends the machine.
//
// Registers: gp is the number of the running test; t5 and t6 belong to the macros; mscratch
// and sscratch belong to the trap handlers. Everything else is the program's.
//
// How to add a program: write NAME.S with `#include "common.h"`, `TEST_BEGIN`, `TEST_END`, and
// add a row to programs.cmake.
#pragma once

#if __riscv_xlen == 64
#define LREG ld
#define SREG sd
#define REG_BYTES 8
#define REG_WORD .dword
#define XLEN_MIN 0x8000000000000000
#define XLEN_MAX 0x7fffffffffffffff
#define INTERRUPT 0x8000000000000000
#else
#define LREG lw
#define SREG sw
#define REG_BYTES 4
#define REG_WORD .word
#define XLEN_MIN 0x80000000
#define XLEN_MAX 0x7fffffff
#define INTERRUPT 0x80000000
#endif

// Privilege modes, as in mstatus.MPP.
#define MODE_U 0
#define MODE_S 1
#define MODE_M 3

// mstatus
#define MSTATUS_SIE 0x2
#define MSTATUS_MIE 0x8
#define MSTATUS_SPIE 0x20
#define MSTATUS_MPIE 0x80
#define MSTATUS_SPP 0x100
#define MSTATUS_MPP 0x1800
#define MSTATUS_MPP_S 0x0800
#define MSTATUS_MPRV 0x20000
#define MSTATUS_SUM 0x40000
#define MSTATUS_MXR 0x80000
#define MSTATUS_TVM 0x100000
#define MSTATUS_TW 0x200000
#define MSTATUS_TSR 0x400000

// Exceptions (mcause)
#define CAUSE_FETCH_MISALIGNED 0
#define CAUSE_FETCH_ACCESS 1
#define CAUSE_ILLEGAL 2
#define CAUSE_BREAKPOINT 3
#define CAUSE_LOAD_MISALIGNED 4
#define CAUSE_LOAD_ACCESS 5
#define CAUSE_STORE_MISALIGNED 6
#define CAUSE_STORE_ACCESS 7
#define CAUSE_ECALL_U 8
#define CAUSE_ECALL_S 9
#define CAUSE_ECALL_M 11
#define CAUSE_FETCH_PAGE 12
#define CAUSE_LOAD_PAGE 13
#define CAUSE_STORE_PAGE 15

// Interrupts: numbers and bits of mip/mie
#define IRQ_SSI 1
#define IRQ_MSI 3
#define IRQ_STI 5
#define IRQ_MTI 7
#define IRQ_SEI 9
#define IRQ_MEI 11
#define IP_SSI 0x2
#define IP_MSI 0x8
#define IP_STI 0x20
#define IP_MTI 0x80
#define IP_SEI 0x200
#define IP_MEI 0x800
#define IP_ALL 0xaaa

// CSRs that the assembler of Debian 12 does not know by name
#define CSR_MENVCFG 0x30a
#define CSR_MENVCFGH 0x31a
#define CSR_STIMECMP 0x14d
#define CSR_STIMECMPH 0x15d
#define CSR_MSTATUSH 0x310

// The board
#define TEST_DEVICE 0x100000
#define TEST_DEVICE_PASS 0x5555
#define TEST_DEVICE_FAIL 0x3333
#define CLINT_MSIP 0x2000000
#define CLINT_MTIMECMP 0x2004000
#define CLINT_MTIME 0x200bff8
#define PLIC 0xc000000
#define UART 0x10000000
#define UART_IRQ 10
#define RAM 0x80000000
#define NOWHERE 0x00400000 // No device and no RAM, here and in QEMU.

// Sv32 PTE bits
#define PTE_V 0x01
#define PTE_R 0x02
#define PTE_W 0x04
#define PTE_X 0x08
#define PTE_U 0x10
#define PTE_G 0x20
#define PTE_A 0x40
#define PTE_D 0x80
#define PTE_RWX 0x0e
#define PTE_AD 0xc0
#define SATP_SV32 0x80000000

// Offsets into trap_record (kept by the M handler) and supervisor_record (kept by the S handler)
#define TR_CAUSE (0 * REG_BYTES)
#define TR_EPC (1 * REG_BYTES)
#define TR_TVAL (2 * REG_BYTES)
#define TR_STATUS (3 * REG_BYTES) // mstatus/sstatus on entry to the handler
#define TR_COUNT (4 * REG_BYTES)  // traps so far
#define TR_RESUME (5 * REG_BYTES) // M: where to go on, in M-mode; 0: a trap is a failure
#define TR_T5 (6 * REG_BYTES)
#define TR_BYTES (7 * REG_BYTES)

#ifdef __ASSEMBLER__

// The linker must not move code: programs rely on where instructions are in a page.
.option norelax

#define TEST_BEGIN \
  .text; \
  .balign 4; \
  .globl test_main; \
  test_main:

#define TEST_END j pass

// Fails when register `reg` differs from the constant `want`.
#define CHECK(reg, want) check_reg __LINE__, reg, want
// Fails when register `reg` differs from the address of `label`.
#define CHECK_LABEL(reg, label) check_label __LINE__, reg, label
// Fails when two registers differ (`got` first).
#define CHECK_REGS(got, want) check_regs __LINE__, got, want
// Fails unless `condition` (a branch mnemonic, "bltu") holds for the two registers.
#define CHECK_BRANCH(condition, a, b) check_branch __LINE__, condition, a, b
#define FAIL fail_here __LINE__

.macro check_reg line, reg, want
  li gp, \line
  mv t5, \reg
  li t6, \want
  beq t5, t6, .Lok\@
  j fail
.Lok\@:
.endm

.macro check_label line, reg, label
  li gp, \line
  mv t5, \reg
  la t6, \label
  beq t5, t6, .Lok\@
  j fail
.Lok\@:
.endm

.macro check_regs line, got, want
  li gp, \line
  mv t5, \got
  mv t6, \want
  beq t5, t6, .Lok\@
  j fail
.Lok\@:
.endm

.macro check_branch line, condition, a, b
  li gp, \line
  mv t5, \a
  mv t6, \b
  \condition t5, t6, .Lok\@
  j fail
.Lok\@:
.endm

.macro fail_here line
  li gp, \line
  li t5, 0
  li t6, 0
  j fail
.endm

// ---------------------------------------------------------------- one instruction, two operands
// RR(op, want, a, b): op rd, a, b.  RI(op, want, a, imm): op rd, a, imm.
#define RR(op, want, a, b) test_rr __LINE__, op, want, a, b
#define RI(op, want, a, imm) test_ri __LINE__, op, want, a, imm
// The same registers as sources and destination: rd = rs1, rd = rs2, rs1 = rs2, rd = x0.
#define RR_ALIAS(op, want_ab, want_aa, a, b) test_rr_alias __LINE__, op, want_ab, want_aa, a, b
#define RI_ALIAS(op, want, a, imm) test_ri_alias __LINE__, op, want, a, imm

.macro test_rr line, op, want, a, b
  li a1, \a
  li a2, \b
  \op a0, a1, a2
  check_reg \line, a0, \want
.endm

.macro test_ri line, op, want, a, imm
  li a1, \a
  \op a0, a1, \imm
  check_reg \line, a0, \want
.endm

.macro test_rr_alias line, op, want_ab, want_aa, a, b
  li a1, \a
  li a2, \b
  \op a1, a1, a2
  check_reg \line, a1, \want_ab
  check_reg \line, a2, \b
  li a1, \a
  \op a2, a1, a2
  check_reg \line, a2, \want_ab
  check_reg \line, a1, \a
  \op a0, a1, a1
  check_reg \line, a0, \want_aa
  \op a1, a1, a1
  check_reg \line, a1, \want_aa
  li a1, \a
  li a2, \b
  \op x0, a1, a2
  check_reg \line, x0, 0
.endm

.macro test_ri_alias line, op, want, a, imm
  li a1, \a
  \op a1, a1, \imm
  check_reg \line, a1, \want
  li a1, \a
  \op x0, a1, \imm
  check_reg \line, x0, 0
.endm

// ---------------------------------------------------------------- traps
// One instruction, executed in M-mode, that must trap with `cause` at itself. The instruction
// must not use t5 and t6. The second argument is what mtval must be: a constant, a label
// (EXPECT_TRAP_LABEL), or what a register holds after it (EXPECT_TRAP_REG).
#define EXPECT_TRAP(cause, tval, ...) \
  expect_begin __LINE__; 98: __VA_ARGS__; 99: expect_cause __LINE__, cause; \
  expect_epc __LINE__, 98b; expect_tval __LINE__, tval
#define EXPECT_TRAP_LABEL(cause, label, ...) \
  expect_begin __LINE__; 98: __VA_ARGS__; 99: expect_cause __LINE__, cause; \
  expect_epc __LINE__, 98b; expect_tval_label __LINE__, label
#define EXPECT_TRAP_REG(cause, reg, ...) \
  expect_begin __LINE__; 98: __VA_ARGS__; 99: expect_cause __LINE__, cause; \
  expect_epc __LINE__, 98b; expect_tval_reg __LINE__, reg
// An instruction (given as its encoding) that must be illegal.
#define EXPECT_ILLEGAL_WORD(bits) EXPECT_TRAP(CAUSE_ILLEGAL, bits, .word bits)
// An instruction (given as text) that must be illegal; mtval is the instruction.
#define EXPECT_ILLEGAL(...) \
  expect_begin __LINE__; 98: __VA_ARGS__; 99: expect_cause __LINE__, CAUSE_ILLEGAL; \
  expect_epc __LINE__, 98b; expect_tval_instruction __LINE__, 98b
// Control that must arrive (with a trap of `cause`) at an address held in `reg`: mepc = mtval = reg.
#define EXPECT_FETCH_TRAP(cause, reg) \
  expect_begin __LINE__; 98: jalr a0, 0(reg); 99: expect_cause __LINE__, cause; \
  expect_epc_reg __LINE__, reg; expect_tval_reg __LINE__, reg
// A breakpoint at itself. The specification allows mtval to be 0 (QEMU) or the address (Rookery).
#define EXPECT_BREAKPOINT \
  expect_begin __LINE__; 98: ebreak; 99: expect_cause __LINE__, CAUSE_BREAKPOINT; \
  expect_epc __LINE__, 98b; expect_tval_or_0 __LINE__, 98b
// An interrupt that must be taken right after the instruction(s) given: mepc is the next one.
#define EXPECT_INTERRUPT(number, ...) \
  expect_begin __LINE__; __VA_ARGS__; 98: nop; nop; nop; nop; \
  99: expect_cause __LINE__, (INTERRUPT+number); expect_epc __LINE__, 98b; expect_tval __LINE__, 0

.macro expect_begin line
  li gp, \line
  la t5, trap_record
  la t6, 99f
  SREG t6, TR_RESUME(t5)
  li t6, -1
  SREG t6, TR_CAUSE(t5)
  la t5, supervisor_record
  SREG t6, TR_CAUSE(t5)
.endm

.macro expect_cause line, cause
  la t6, trap_record
  SREG zero, TR_RESUME(t6)
  LREG t5, TR_CAUSE(t6)
  check_reg \line, t5, \cause
.endm

.macro expect_epc line, label
  la t6, trap_record
  LREG t5, TR_EPC(t6)
  check_label \line, t5, \label
.endm

.macro expect_epc_reg line, reg
  la t6, trap_record
  LREG t5, TR_EPC(t6)
  check_regs \line, t5, \reg
.endm

.macro expect_tval line, tval
  la t6, trap_record
  LREG t5, TR_TVAL(t6)
  check_reg \line, t5, \tval
.endm

.macro expect_tval_label line, label
  la t6, trap_record
  LREG t5, TR_TVAL(t6)
  check_label \line, t5, \label
.endm

.macro expect_tval_reg line, reg
  la t6, trap_record
  LREG t5, TR_TVAL(t6)
  check_regs \line, t5, \reg
.endm

.macro expect_tval_or_0 line, label
  la t6, trap_record
  LREG t5, TR_TVAL(t6)
  beqz t5, .Lzero\@
  check_label \line, t5, \label
.Lzero\@:
.endm

// mtval must hold the 32-bit instruction at `label` (as an unsigned number).
.macro expect_tval_instruction line, label
  li gp, \line
  la t6, \label
#if __riscv_xlen == 64
  lwu t6, 0(t6)
#else
  lw t6, 0(t6)
#endif
  la t5, trap_record
  LREG t5, TR_TVAL(t5)
  beq t5, t6, .Lok\@
  j fail
.Lok\@:
.endm

// ---------------------------------------------------------------- code in another mode
// Goes to `label` (RUN) or to the address in `reg` (RUN_AT) in `mode`, with every register but
// t5 and t6 kept, and comes back, in M-mode, at the next trap that reaches M-mode. What happened
// is checked with TRAP_WAS... (the trap to M) and SUPERVISOR_TRAP_WAS... (the last one to S).
#define RUN(mode, label) run_begin __LINE__, mode; la t6, label; csrw mepc, t6; mret; 99: run_end
#define RUN_AT(mode, reg) run_begin __LINE__, mode; csrw mepc, reg; mret; 99: run_end

.macro run_begin line, mode
  expect_begin \line
  li t6, MSTATUS_MPP
  csrc mstatus, t6
  li t6, (\mode<<11)
  csrs mstatus, t6
.endm

.macro run_end
  la t6, trap_record
  SREG zero, TR_RESUME(t6)
.endm

#define TRAP_WAS(cause, epc_label, tval) \
  expect_cause __LINE__, cause; expect_epc __LINE__, epc_label; expect_tval __LINE__, tval
#define TRAP_WAS_REG(cause, epc_label, tval_reg) \
  expect_cause __LINE__, cause; expect_epc __LINE__, epc_label; expect_tval_reg __LINE__, tval_reg
#define TRAP_WAS_REGS(cause, epc_reg, tval_reg) \
  expect_cause __LINE__, cause; expect_epc_reg __LINE__, epc_reg; expect_tval_reg __LINE__, tval_reg
#define TRAP_WAS_BREAKPOINT(label) \
  expect_cause __LINE__, CAUSE_BREAKPOINT; expect_epc __LINE__, label; expect_tval_or_0 __LINE__, label
#define TRAP_WAS_ILLEGAL(label) \
  expect_cause __LINE__, CAUSE_ILLEGAL; expect_epc __LINE__, label; expect_tval_instruction __LINE__, label
#define TRAP_CAUSE_WAS(cause) expect_cause __LINE__, cause
#define SUPERVISOR_TRAP_WAS(cause, epc_label, tval) \
  TRAP_CAUSE_WAS(CAUSE_ECALL_S); supervisor_cause __LINE__, cause; \
  supervisor_epc __LINE__, epc_label; supervisor_tval __LINE__, tval
#define SUPERVISOR_TRAP_WAS_REG(cause, epc_label, tval_reg) \
  TRAP_CAUSE_WAS(CAUSE_ECALL_S); supervisor_cause __LINE__, cause; \
  supervisor_epc __LINE__, epc_label; supervisor_tval_reg __LINE__, tval_reg
#define NO_SUPERVISOR_TRAP supervisor_cause __LINE__, -1

.macro supervisor_cause line, cause
  la t6, supervisor_record
  LREG t5, TR_CAUSE(t6)
  check_reg \line, t5, \cause
.endm

.macro supervisor_epc line, label
  la t6, supervisor_record
  LREG t5, TR_EPC(t6)
  check_label \line, t5, \label
.endm

.macro supervisor_tval line, tval
  la t6, supervisor_record
  LREG t5, TR_TVAL(t6)
  check_reg \line, t5, \tval
.endm

.macro supervisor_tval_reg line, reg
  la t6, supervisor_record
  LREG t5, TR_TVAL(t6)
  check_regs \line, t5, \reg
.endm

// mstatus/sstatus as the last handler saw it, into `reg`.
.macro trap_status reg
  la \reg, trap_record
  LREG \reg, TR_STATUS(\reg)
.endm
.macro supervisor_status reg
  la \reg, supervisor_record
  LREG \reg, TR_STATUS(\reg)
.endm

// ---------------------------------------------------------------- Sv32 page tables
// Writes one PTE. PTE_PAGE: to the page at `label`; PTE_RAW: any value. No sfence.vma.
#define PTE_PAGE(table, index, label, flags) pte_page table, index, label, flags
#define PTE_RAW(table, index, value) pte_raw table, index, value
#define PTE_CHECK(table, index, mask, want) pte_check __LINE__, table, index, mask, want

.macro pte_page table, index, label, flags
  la t6, \label
  srli t6, t6, 2
  ori t6, t6, \flags
  la t5, \table
  addi t5, t5, 4*(\index&511)
  .if (\index>511)
  addi t5, t5, 1024
  addi t5, t5, 1024
  .endif
  sw t6, 0(t5)
.endm

.macro pte_raw table, index, value
  li t6, \value
  la t5, \table
  addi t5, t5, 4*(\index&511)
  .if (\index>511)
  addi t5, t5, 1024
  addi t5, t5, 1024
  .endif
  sw t6, 0(t5)
.endm

// The bits `mask` of a PTE must be `want`.
.macro pte_check line, table, index, mask, want
  la t5, \table
  addi t5, t5, 4*(\index&511)
  .if (\index>511)
  addi t5, t5, 1024
  addi t5, t5, 1024
  .endif
  lw t5, 0(t5)
  li t6, \mask
  and t5, t5, t6
  check_reg \line, t5, \want
.endm

// satp := Sv32 with the root table at `table`, and sfence.vma.
.macro satp_set table
  la t6, \table
  srli t6, t6, 12
  li t5, SATP_SV32
  or t6, t6, t5
  csrw satp, t6
  sfence.vma
.endm

// Maps RAM's first 4 MiB (the program) one to one for S-mode by a superpage of `table`.
.macro map_program table
  PTE_RAW(\table, 512, ((RAM>>2)|PTE_V|PTE_RWX|PTE_AD))
.endm

#endif // __ASSEMBLER__
