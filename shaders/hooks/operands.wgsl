// SPDX-License-Identifier: Apache-2.0
// Shared module: the memory access that an instruction is about to make, told from its word and the
// registers, and the word itself, without anything that a fetch changes. For machines that are watched.

#import "isa/fields.wgsl"
#import "mmu/tlb.wgsl"

// What operands_find() found. Nothing is accessed if both are false.
var<private> operand_loads: bool;
var<private> operand_stores: bool;
var<private> operand_va: xlen;
var<private> operand_size: u32;  // log2 of the bytes

// An sc counts as a store whether or not it will succeed.
fn operands_find(ins: u32) {
  let opcode = (ins >> 2u) & 31u;
  let funct3 = (ins >> 12u) & 7u;
  let is_load = opcode == OPCODE_LOAD;
  let is_store = opcode == OPCODE_STORE;
  let is_atomic = opcode == OPCODE_AMO;
  let funct5 = ins >> 27u;
  // Funct3 of what does not exist: a doubleword on RV32, sizes beyond those.
  let exists = ((ins & 3u) == 3u) && (funct3 != 7u) && (((funct3 & 3u) != 3u) || (XLEN == 64u)) &&
    ((funct3 < 4u) || is_load);
  operand_loads = exists && (is_load || (is_atomic && (funct5 != ATOMIC_SC)));
  operand_stores = exists && (is_store || (is_atomic && (funct5 != ATOMIC_LR)));
  operand_size = funct3 & 3u;
  let offset = select(select(0u, imm_i(ins), is_load), imm_s(ins), is_store);
  operand_va = add(hart.x[field_rs1(ins)], sext(offset));
}

// The instruction at hart.pc, if operands_fetch() found it.
var<private> operand_word: u32;

// False if the fetch will trap.
fn operands_fetch() -> bool {
  let index = tlb_index(hart.pc, ACCESS_FETCH);
  var pa = hart.tlb_page[index] | (low(hart.pc) & 4095u);
  if (!eq(hart.tlb_tag[index], tlb_tag(hart.pc, fetch_context))) {
    translate_only_looks = true;
    pa = translate(hart.pc, ACCESS_FETCH, fetch_context);
    translate_only_looks = false;
    if (translate_fault != NO_FAULT) {
      return false;
    }
  }
  if (!ram_contains(pa)) {
    return false;
  }
  operand_word = ram_load(pa & 0xfffffffcu);
  return true;
}
