// SPDX-License-Identifier: Apache-2.0
//
// Random straight-line code: the program itself makes blocks of 48 instructions from the templates at the
// end, with random registers and immediates, executes each (after fence.i) on the registers that the
// block before has left, and folds the registers and at last the data into a checksum (WANT), which is
// QEMU's. Covers the decoding of every field of every instruction that neither traps nor
// depends on its address.
#include "common.h"

#define ROUNDS 200
#define LENGTH 48
#define FIRST 5 // blocks use x5 to x15, and x0; x16 is the base of their data
#define LAST 15
#define DATA_BYTES 4096

// What of a template is random
#define RD 1
#define RS1 2
#define RS2 4
#define IMM_I 8
#define SHAMT 16
#define IMM_U 32
#define OFFSET_I 64  // a load's offset: a multiple of 8 in the data
#define OFFSET_S 128 // a store's
#define SHAMT_W 256  // five bits on RV64, too

#if __riscv_xlen == 64
#define TEMPLATES 79
#define WANT 0x5ac6518d67f6ab09
#else
#define TEMPLATES 53
#define WANT 0x398e0cc9
#endif

// s1: the generator's state. reg := 24 random bits.
.macro random reg
  mul s1, s1, s2
  add s1, s1, s3
  srli \reg, s1, __riscv_xlen-24
.endm
// t0 |= a random register's number, shifted
.macro random_register kind, shift
  andi t1, s5, \kind
  beqz t1, .Lno\@
  random t1
  li t2, LAST-FIRST+2
  remu t1, t1, t2
  beqz t1, .Lno\@ // x0
  addi t1, t1, FIRST-1
  slli t1, t1, \shift
  or t0, t0, t1
.Lno\@:
.endm

TEST_BEGIN
  li s1, 20240229
  li s2, 1103515245
  li s3, 12345
  li s8, ROUNDS
  li s11, 0 // checksum
round:
  // ---- make a block
  la s9, block
  li s10, LENGTH
make:
  la s4, templates
  random t0
  li t1, TEMPLATES
  remu t0, t0, t1
  slli t0, t0, 3
  add s4, s4, t0
  lw t0, 0(s4)
  lw s5, 4(s4)
  random_register RD, 7
  random_register RS1, 15
  random_register RS2, 20
  andi t1, s5, IMM_I
  beqz t1, 1f
  random t1
  slli t1, t1, 20
  or t0, t0, t1
1:
  andi t1, s5, SHAMT
  beqz t1, 1f
  random t1
  andi t1, t1, __riscv_xlen-1
  slli t1, t1, 20
  or t0, t0, t1
1:
  andi t1, s5, SHAMT_W
  beqz t1, 1f
  random t1
  andi t1, t1, 31
  slli t1, t1, 20
  or t0, t0, t1
1:
  andi t1, s5, IMM_U
  beqz t1, 1f
  random t1
  slli t1, t1, 12
  or t0, t0, t1
1:
  andi t1, s5, OFFSET_I
  beqz t1, 1f
  random t1
  andi t1, t1, -8
  slli t1, t1, 20
  or t0, t0, t1
1:
  andi t1, s5, OFFSET_S
  beqz t1, 1f
  random t1
  andi t2, t1, 0x18
  slli t2, t2, 7
  or t0, t0, t2
  srli t1, t1, 8
  slli t1, t1, 25
  or t0, t0, t1
1:
  sw t0, 0(s9)
  addi s9, s9, 4
  addi s10, s10, -1
  bnez s10, make
  fence.i

  // ---- execute it
  la s6, registers
  la x16, data+DATA_BYTES/2
.irp reg, 5,6,7,8,9,10,11,12,13,14,15
  .if \reg!=9 // s1 is the generator's: it goes through memory, too
  LREG x\reg, \reg*REG_BYTES(s6)
  .endif
.endr
  SREG s1, 0(s6)
  LREG x9, 9*REG_BYTES(s6)
  la s7, block
  jalr ra, 0(s7)
.irp reg, 5,6,7,8,9,10,11,12,13,14,15
  SREG x\reg, \reg*REG_BYTES(s6)
.endr
  LREG s1, 0(s6)
  // ---- fold
.irp reg, 5,6,7,8,9,10,11,12,13,14,15
  slli t0, s11, 1
  srli t1, s11, __riscv_xlen-1
  or s11, t0, t1
  LREG t0, \reg*REG_BYTES(s6)
  xor s11, s11, t0
.endr
  addi s8, s8, -1
  bnez s8, round

  la t2, data
  li s8, DATA_BYTES/REG_BYTES
1:
  slli t0, s11, 1
  srli t1, s11, __riscv_xlen-1
  or s11, t0, t1
  LREG t0, 0(t2)
  xor s11, s11, t0
  addi t2, t2, REG_BYTES
  addi s8, s8, -1
  bnez s8, 1b
  CHECK(s11, WANT)
  TEST_END

  .section .rodata
  .balign 8
.macro template bits, random
  .word \bits, \random
.endm
#define R_ROW(funct7, funct3, opcode) template (funct7<<25)|(funct3<<12)|opcode, RD|RS1|RS2
#define I_ROW(funct3, opcode) template (funct3<<12)|opcode, RD|RS1|IMM_I
#define LOAD_ROW(funct3) template (16<<15)|(funct3<<12)|0x03, RD|OFFSET_I
#define STORE_ROW(funct3) template (16<<15)|(funct3<<12)|0x23, RS2|OFFSET_S
#define AMO_ROW(funct5, width) template (funct5<<27)|(16<<15)|(width<<12)|0x2f, RD|RS2
// A branch over the next instruction
#define BRANCH_ROW(funct3) template (funct3<<12)|0x463, RS1|RS2
templates:
  R_ROW(0x00, 0, 0x33)
  R_ROW(0x20, 0, 0x33)
  R_ROW(0x00, 1, 0x33)
  R_ROW(0x00, 2, 0x33)
  R_ROW(0x00, 3, 0x33)
  R_ROW(0x00, 4, 0x33)
  R_ROW(0x00, 5, 0x33)
  R_ROW(0x20, 5, 0x33)
  R_ROW(0x00, 6, 0x33)
  R_ROW(0x00, 7, 0x33)
  R_ROW(0x01, 0, 0x33)
  R_ROW(0x01, 1, 0x33)
  R_ROW(0x01, 2, 0x33)
  R_ROW(0x01, 3, 0x33)
  R_ROW(0x01, 4, 0x33)
  R_ROW(0x01, 5, 0x33)
  R_ROW(0x01, 6, 0x33)
  R_ROW(0x01, 7, 0x33)
  I_ROW(0, 0x13)
  I_ROW(2, 0x13)
  I_ROW(3, 0x13)
  I_ROW(4, 0x13)
  I_ROW(6, 0x13)
  I_ROW(7, 0x13)
  template 0x00001013, RD|RS1|SHAMT
  template 0x00005013, RD|RS1|SHAMT
  template 0x40005013, RD|RS1|SHAMT
  template 0x00000037, RD|IMM_U
  LOAD_ROW(0)
  LOAD_ROW(1)
  LOAD_ROW(2)
  LOAD_ROW(4)
  LOAD_ROW(5)
  STORE_ROW(0)
  STORE_ROW(1)
  STORE_ROW(2)
  BRANCH_ROW(0)
  BRANCH_ROW(1)
  BRANCH_ROW(4)
  BRANCH_ROW(5)
  BRANCH_ROW(6)
  BRANCH_ROW(7)
  template 0x0080006f, 0 // jal x0, . + 8
  AMO_ROW(0x00, 2)
  AMO_ROW(0x01, 2)
  AMO_ROW(0x04, 2)
  AMO_ROW(0x08, 2)
  AMO_ROW(0x0c, 2)
  AMO_ROW(0x10, 2)
  AMO_ROW(0x14, 2)
  AMO_ROW(0x18, 2)
  AMO_ROW(0x1c, 2)
  template 0x1008202f, RD // lr.w rd, (x16)
#if __riscv_xlen == 64
  R_ROW(0x00, 0, 0x3b)
  R_ROW(0x20, 0, 0x3b)
  R_ROW(0x00, 1, 0x3b)
  R_ROW(0x00, 5, 0x3b)
  R_ROW(0x20, 5, 0x3b)
  R_ROW(0x01, 0, 0x3b)
  R_ROW(0x01, 4, 0x3b)
  R_ROW(0x01, 5, 0x3b)
  R_ROW(0x01, 6, 0x3b)
  R_ROW(0x01, 7, 0x3b)
  I_ROW(0, 0x1b)
  template 0x0000101b, RD|RS1|SHAMT_W
  template 0x0000501b, RD|RS1|SHAMT_W
  template 0x4000501b, RD|RS1|SHAMT_W
  LOAD_ROW(3)
  LOAD_ROW(6)
  STORE_ROW(3)
  AMO_ROW(0x00, 3)
  AMO_ROW(0x01, 3)
  AMO_ROW(0x04, 3)
  AMO_ROW(0x08, 3)
  AMO_ROW(0x0c, 3)
  AMO_ROW(0x10, 3)
  AMO_ROW(0x14, 3)
  AMO_ROW(0x18, 3)
  AMO_ROW(0x1c, 3)
#endif

  .if (.-templates)!=8*TEMPLATES
  .error "TEMPLATES is not the number of rows."
  .endif

  .section .pages, "awx"
  .balign 4096
block:
  .zero 4*LENGTH
  nop
  nop
  ret
  .balign 8
registers:
  .zero 16*REG_BYTES
  .balign 4096
data:
  .zero DATA_BYTES
