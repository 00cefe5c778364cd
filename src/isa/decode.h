// SPDX-License-Identifier: Apache-2.0
// The instruction tables as data: one Row for each INSN of isa/rv32.def or isa/rv64.def, in their
// order, and the search for the row of an instruction word. Execution does not go through this: the
// engines expand the same rows into code.
#pragma once

#include <span>
#include <string_view>

#include "isa/state.h"

namespace rookery::isa {

enum class Format : u8 { R, I, SHIFT, S, B, U, J, AMO, CSR, CSRI, NONE };
enum class Kind : u8 { ALU, BRANCH, JAL, JALR, LOAD, STORE, AMO, SLOW, NOP };

struct Row {
  std::string_view name;  // the table's spelling: fence_i, amoadd_w
  Format format;
  u32 match;
  u32 mask;
  Kind kind;
  std::string_view semantics;  // text, valid as C++ and as WGSL
};

// All rows of a width, in table order.
std::span<const Row> rows(Xlen xlen);

// The row of an instruction word, or null: an illegal instruction. Speed: a scan of the rows with
// the word's major opcode.
const Row* find_row(Xlen xlen, u32 word);

// The immediate operand as the row's format defines it, sign-extended; 0 for formats without one.
// For SHIFT it is the shift amount, for CSRI the zero-extended immediate.
i32 immediate(Format format, u32 word);

}  // namespace rookery::isa
