// SPDX-License-Identifier: Apache-2.0
// Shared module: the fields of an instruction word. Unprivileged ISA, section 2.2 and 2.3.

// Major opcodes, bits 6 to 2 of an instruction. Unprivileged ISA, table 72.
const OPCODE_LOAD: u32 = 0u;
const OPCODE_MISC_MEM: u32 = 3u;
const OPCODE_OP_IMM: u32 = 4u;
const OPCODE_AUIPC: u32 = 5u;
const OPCODE_OP_IMM_32: u32 = 6u;
const OPCODE_STORE: u32 = 8u;
const OPCODE_AMO: u32 = 11u;
const OPCODE_OP: u32 = 12u;
const OPCODE_LUI: u32 = 13u;
const OPCODE_OP_32: u32 = 14u;
const OPCODE_BRANCH: u32 = 24u;
const OPCODE_JALR: u32 = 25u;
const OPCODE_JAL: u32 = 27u;
const OPCODE_SYSTEM: u32 = 28u;

fn field_rd(ins: u32) -> u32 {
  return (ins >> 7u) & 31u;
}

fn field_rs1(ins: u32) -> u32 {
  return (ins >> 15u) & 31u;
}

fn field_rs2(ins: u32) -> u32 {
  return (ins >> 20u) & 31u;
}

fn imm_i(ins: u32) -> u32 {
  return bitcast<u32>(bitcast<i32>(ins) >> 20u);
}

fn imm_s(ins: u32) -> u32 {
  return (bitcast<u32>(bitcast<i32>(ins) >> 20u) & 0xffffffe0u) | ((ins >> 7u) & 31u);
}

fn imm_b(ins: u32) -> u32 {
  let sign = bitcast<u32>(bitcast<i32>(ins & 0x80000000u) >> 19u);
  return sign | (((ins & 0x80u) << 4u) | (((ins >> 20u) & 0x7e0u) | ((ins >> 7u) & 0x1eu)));
}

fn imm_u(ins: u32) -> u32 {
  return ins & 0xfffff000u;
}

fn imm_j(ins: u32) -> u32 {
  let sign = bitcast<u32>(bitcast<i32>(ins & 0x80000000u) >> 11u);
  return sign | ((ins & 0xff000u) | (((ins >> 9u) & 0x800u) | ((ins >> 20u) & 0x7feu)));
}

fn set_rd(ins: u32, value: xlen) {
  if (field_rd(ins) != 0u) {
    hart.x[field_rd(ins)] = value;
  }
}
