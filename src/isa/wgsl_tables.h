// SPDX-License-Identifier: Apache-2.0
// The tables of isa/ as a WGSL module, imported by the shaders as "isa/tables.wgsl": constants, the state
// structs with the code that loads and stores them, CSR access, and instruction semantics.
#pragma once

#include <string>

#include "isa/state.h"

namespace rookery::isa {

// The module for one XLEN. What it declares:
//   const               every name of constants, memory_map, exits, causes and csr .def; STATE_WORDS,
//                       STATE_RUN_STATE; ISA_LOADS, ISA_STORES, ISA_FENCES (bit n: funct3 n is legal)
//   hart, uart, ...     module-scope variables, one for each SECTION of state.def
//   state_load/_store   between those and the `state` buffer (memory/bindings.wgsl)
//   csr_read/csr_write  the rows of csr.def
//   isa_alu(ins, immediate, a, b), isa_alu_word(...), isa_branch(funct3, a, b), isa_load(funct3, m),
//   isa_upper(opcode, pc, b), isa_jal(pc, b), isa_jalr(a, b), isa_amo(ins, m, b), isa_is_amo(ins), isa_slow(ins):
//                       semantics of the rows; isa_illegal becomes true where there is no row
std::string wgsl_tables(Xlen xlen);

}  // namespace rookery::isa
