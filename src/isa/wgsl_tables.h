// SPDX-License-Identifier: Apache-2.0
// The tables of isa/ as a WGSL module, imported by the shaders as "isa/tables.wgsl": constants, the
// state with the code that loads and stores it, CSR access, and instruction semantics.
#pragma once

#include <string>
#include <string_view>

#include "isa/state.h"

namespace rookery::isa {

// The module "isa/constants.wgsl": every name of constants, memory_map, exits, causes and csr .def.
std::string wgsl_constants();

// The module for one XLEN, which imports those. What it declares:
//   STATE_WORDS, STATE_RUN_STATE; ISA_LOADS, ISA_STORES, ISA_FENCES (bit n: funct3 n is
//                       legal)
//   state_of_dword, state_of_xlen, state_of_u32
//                       the state of the machine that runs: an array for each type of field
//   state_load/_store   between those and the `state` buffer (memory/bindings.wgsl)
//   csr_read/csr_write  the rows of csr.def
//   isa_has_rs2(opcode), isa_alu(ins, immediate, a, b), isa_alu_word(...), isa_branch(funct3, a,
//   b), isa_load(funct3, m), isa_upper(opcode, pc, b), isa_jal(pc, b), isa_jalr(a, b), isa_amo(ins,
//   m, b), isa_is_amo(ins), isa_slow(ins):
//                       semantics of the rows; isa_illegal becomes true where there is no row
std::string wgsl_tables(Xlen xlen);

// A line of a shader with its fields of the state (hart.mstatus, uart.rx[i]) replaced by elements
// of those arrays. Structs would read the same, but compilers then keep the scalars in registers,
// all the time: fewer machines fit on a GPU's processor, and SwiftShader takes twice as long to
// compile.
std::string wgsl_lower_state(Xlen xlen, std::string_view line);

}  // namespace rookery::isa
