// SPDX-License-Identifier: Apache-2.0
//
// Encodings that RV32IMA/RV64IMA do not have: every one must raise an illegal instruction exception
// at itself, with mtval = the instruction, and change no register.
#include "common.h"

// An R-type encoding with rd = a0, rs1 = a1, rs2 = a2.
#define R_TYPE(funct7, funct3, opcode) (\funct7<<25)|(12<<20)|(11<<15)|(\funct3<<12)|(10<<7)|(opcode)
// The same without rs2.
#define AMO_TYPE(funct5, rs2, funct3, opcode) (funct5<<27)|(rs2<<20)|(11<<15)|(funct3<<12)|(10<<7)|(opcode)

#define OP 0x33
#define OP_IMM 0x13
#define OP_32 0x3b
#define OP_IMM_32 0x1b
#define LOAD 0x03
#define STORE 0x23
#define BRANCH 0x63
#define JALR 0x67
#define MISC_MEM 0x0f
#define AMO 0x2f

TEST_BEGIN
  li a0, 0x5a5
  la a1, cell
  li a2, 3
  EXPECT_ILLEGAL_WORD(0x00000000)
  EXPECT_ILLEGAL_WORD(0xffffffff)

  // Major opcodes: floating point, vectors, custom, reserved, longer than 32 bits
.irp opcode, 0x07,0x0b,0x27,0x2b,0x43,0x47,0x4b,0x4f,0x53,0x57,0x5b,0x6b,0x77,0x7b,0x1f,0x3f,0x5f,0x7f
  EXPECT_ILLEGAL_WORD((0x00c58500|\opcode))
  EXPECT_ILLEGAL_WORD((0x00c5a500|\opcode))
  EXPECT_ILLEGAL_WORD((0xfec5f500|\opcode))
.endr

  // OP: funct7 other than 0, 1, 0x20; and 0x20 where it means nothing
.irp funct7, 0x02,0x03,0x04,0x05,0x07,0x08,0x0a,0x10,0x14,0x21,0x22,0x24,0x30,0x34,0x40,0x60,0x7f
.irp funct3, 0,1,2,3,4,5,6,7
  EXPECT_ILLEGAL_WORD(R_TYPE(funct7,funct3,OP))
.endr
.endr
.irp funct7, 0x20
.irp funct3, 1,2,3,4,6,7
  EXPECT_ILLEGAL_WORD(R_TYPE(funct7,funct3,OP))
.endr
.endr

  // OP-IMM: shifts with bits above the amount
.irp funct7, 0x02,0x04,0x08,0x10,0x14,0x22,0x24,0x30,0x34,0x40,0x60,0x7e
.irp funct3, 1,5
  EXPECT_ILLEGAL_WORD(R_TYPE(funct7,funct3,OP_IMM))
.endr
.endr
.irp funct7, 0x20
.irp funct3, 1
  EXPECT_ILLEGAL_WORD(R_TYPE(funct7,funct3,OP_IMM))
.endr
.endr
#if __riscv_xlen == 32
  // An amount of 32 or more
.irp funct7, 0x01,0x21
.irp funct3, 1,5
  EXPECT_ILLEGAL_WORD(R_TYPE(funct7,funct3,OP_IMM))
.endr
.endr
#endif

  // OP-32, OP-IMM-32: RV64 only, and there with few operations
#if __riscv_xlen == 32
.irp funct7, 0x00,0x01,0x20
.irp funct3, 0,1,4,5,6,7
  EXPECT_ILLEGAL_WORD(R_TYPE(funct7,funct3,OP_32))
.endr
.irp funct3, 0,1,5
  EXPECT_ILLEGAL_WORD(R_TYPE(funct7,funct3,OP_IMM_32))
.endr
.endr
#endif
.irp funct7, 0x00
.irp funct3, 2,3,4,6,7
  EXPECT_ILLEGAL_WORD(R_TYPE(funct7,funct3,OP_32))
.endr
.irp funct3, 2,3,4,6,7
  EXPECT_ILLEGAL_WORD(R_TYPE(funct7,funct3,OP_IMM_32))
.endr
.endr
.irp funct7, 0x01
.irp funct3, 1,2,3
  EXPECT_ILLEGAL_WORD(R_TYPE(funct7,funct3,OP_32))
.endr
.irp funct3, 1,5
  EXPECT_ILLEGAL_WORD(R_TYPE(funct7,funct3,OP_IMM_32)) // amounts of 32 or more
.endr
.endr
.irp funct7, 0x20
.irp funct3, 1,2,3,4,6,7
  EXPECT_ILLEGAL_WORD(R_TYPE(funct7,funct3,OP_32))
.endr
.irp funct3, 1
  EXPECT_ILLEGAL_WORD(R_TYPE(funct7,funct3,OP_IMM_32))
.endr
.endr
.irp funct7, 0x02,0x04,0x05,0x10,0x30,0x40
.irp funct3, 0,1,2,4,5,6
  EXPECT_ILLEGAL_WORD(R_TYPE(funct7,funct3,OP_32))
.endr
.irp funct3, 5
  EXPECT_ILLEGAL_WORD(R_TYPE(funct7,funct3,OP_IMM_32))
.endr
.endr

  // LOAD, STORE, BRANCH, JALR, MISC-MEM: funct3
.irp funct7, 0x00,0x7f
.irp funct3, 7
  EXPECT_ILLEGAL_WORD(R_TYPE(funct7,funct3,LOAD))
.endr
.irp funct3, 4,5,6,7
  EXPECT_ILLEGAL_WORD(R_TYPE(funct7,funct3,STORE))
.endr
#if __riscv_xlen == 32
.irp funct3, 3,6
  EXPECT_ILLEGAL_WORD(R_TYPE(funct7,funct3,LOAD))
.endr
.irp funct3, 3
  EXPECT_ILLEGAL_WORD(R_TYPE(funct7,funct3,STORE))
.endr
#endif
.irp funct3, 2,3
  EXPECT_ILLEGAL_WORD(R_TYPE(funct7,funct3,BRANCH))
.endr
.irp funct3, 1,2,3,4,5,6,7
  EXPECT_ILLEGAL_WORD(R_TYPE(funct7,funct3,JALR))
.endr
.irp funct3, 2,3,4,5,6,7
  EXPECT_ILLEGAL_WORD(R_TYPE(funct7,funct3,MISC_MEM))
.endr
.endr

  // AMO: sizes, operations, lr with rs2
.irp funct3, 0,1,4,5,6,7
  EXPECT_ILLEGAL_WORD(AMO_TYPE(0x00,12,\funct3,AMO))
  EXPECT_ILLEGAL_WORD(AMO_TYPE(0x01,12,\funct3,AMO))
  EXPECT_ILLEGAL_WORD(AMO_TYPE(0x02,0,\funct3,AMO))
  EXPECT_ILLEGAL_WORD(AMO_TYPE(0x1c,12,\funct3,AMO))
.endr
#if __riscv_xlen == 32
.irp funct5, 0x00,0x01,0x03,0x04,0x08,0x0c,0x10,0x14,0x18,0x1c
  EXPECT_ILLEGAL_WORD(AMO_TYPE(\funct5,12,3,AMO))
.endr
  EXPECT_ILLEGAL_WORD(AMO_TYPE(0x02,0,3,AMO))
#endif
.irp funct5, 0x05,0x06,0x07,0x09,0x0a,0x0b,0x0d,0x0e,0x0f,0x11,0x12,0x13,0x15,0x16,0x17,0x19,0x1a,0x1b,0x1d,0x1e,0x1f
  EXPECT_ILLEGAL_WORD(AMO_TYPE(\funct5,12,2,AMO))
  EXPECT_ILLEGAL_WORD(AMO_TYPE(\funct5,12,3,AMO))
.endr
  EXPECT_ILLEGAL_WORD(AMO_TYPE(0x02,1,2,AMO))
  EXPECT_ILLEGAL_WORD(AMO_TYPE(0x02,12,2,AMO))
  EXPECT_ILLEGAL_WORD(AMO_TYPE(0x02,31,2,AMO))

  // SYSTEM: funct3 = 4; funct3 = 0 with other fields
  EXPECT_ILLEGAL_WORD(0x0005c573)
  EXPECT_ILLEGAL_WORD(0x6005c573) // hlv.b
  EXPECT_ILLEGAL_WORD(0x000000f3) // ecall with rd
  EXPECT_ILLEGAL_WORD(0x00008073) // ecall with rs1
  EXPECT_ILLEGAL_WORD(0x001000f3) // ebreak with rd
  EXPECT_ILLEGAL_WORD(0x00108073) // ebreak with rs1
  EXPECT_ILLEGAL_WORD(0x00200073) // uret
  EXPECT_ILLEGAL_WORD(0x00300073)
  EXPECT_ILLEGAL_WORD(0x10200f73) // sret with rd
  EXPECT_ILLEGAL_WORD(0x10208073) // sret with rs1
  EXPECT_ILLEGAL_WORD(0x30200f73) // mret with rd
  EXPECT_ILLEGAL_WORD(0x30208073) // mret with rs1
  EXPECT_ILLEGAL_WORD(0x10500f73) // wfi with rd
  EXPECT_ILLEGAL_WORD(0x10508073) // wfi with rs1
  EXPECT_ILLEGAL_WORD(0x10300073)
  EXPECT_ILLEGAL_WORD(0x10600073)
  EXPECT_ILLEGAL_WORD(0x20200073) // hret
  EXPECT_ILLEGAL_WORD(0x30300073)
  EXPECT_ILLEGAL_WORD(0x70200073) // mnret
  EXPECT_ILLEGAL_WORD(0x7b200073) // dret
  EXPECT_ILLEGAL_WORD(0x120000f3) // sfence.vma with rd
  EXPECT_ILLEGAL_WORD(0x16000073) // sinval.vma
  EXPECT_ILLEGAL_WORD(0x18000073) // sfence.w.inval
  EXPECT_ILLEGAL_WORD(0x18100073) // sfence.inval.ir
  EXPECT_ILLEGAL_WORD(0x22000073) // hfence.vvma
  EXPECT_ILLEGAL_WORD(0x62000073) // hfence.gvma
  EXPECT_ILLEGAL_WORD(0x14000073)
  EXPECT_ILLEGAL_WORD(0xfff00073)

  // CSRs that do not exist: floating point, vectors, hypervisor, entropy, debug, custom
.irp csr, 0x001,0x002,0x003,0x008,0x009,0x00a,0x00f,0x015,0x017,0x5c0,0x600,0x602,0x603,0x604,0x605,0x606,0x607,0x643,0x64a,0x680,0x200,0x204,0x241,0x242,0x244,0x280,0x7b0,0x7b1,0x7c0,0x800,0x8ff,0x9c0,0xac0,0xbc0,0xcc0,0xdc0,0xfc0,0xfff,0xc20,0xc21,0xc22,0xe12
  EXPECT_ILLEGAL_WORD(((\csr<<20)|0x02573)) // csrrs a0, csr, x0
  EXPECT_ILLEGAL_WORD(((\csr<<20)|0x61573)) // csrrw a0, csr, a2
.endr
#if __riscv_xlen == 64
  // The upper halves exist on RV32 only.
.irp csr, 0xc80,0xc81,0xc82,0xb80,0xb82,0x310,0x31a
  EXPECT_ILLEGAL_WORD(((\csr<<20)|0x02573))
.endr
#endif

  // Nothing of all this changed a register or memory.
  CHECK(a0, 0x5a5)
  CHECK_LABEL(a1, cell)
  CHECK(a2, 3)
  lw a3, 0(a1)
  CHECK(a3, 0x600d)

  // Not illegal: fields that fence and fence.i ignore
  .word 0xfff0000f // fence with reserved fm
  .word 0x12308f8f // fence with rs1 and rd
  .word 0x0000100f // fence.i
  .word 0x12309f8f // fence.i with imm, rs1 and rd
  CHECK(x0, 0)
  TEST_END

  .data
  .balign 8
cell:
  .word 0x600d, 0
