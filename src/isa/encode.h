// SPDX-License-Identifier: Apache-2.0
// Instruction words from table rows: the inverse of decode.h.
#pragma once

#include "isa/decode.h"

namespace rookery::isa {

// What an instruction is made of besides its row. A row's format says which of these it has; the
// others are left out.
struct Operands {
  u32 rd = 0;
  u32 rs1 = 0;
  u32 rs2 = 0;
  i32 immediate = 0;  // as immediate() of decode.h gives it; bits that do not fit are cut off
  u32 csr = 0;
};

u32 encode(const Row& row, const Operands& operands);

// The row of this name, or null.
const Row* find_row(Xlen xlen, std::string_view name);

}  // namespace rookery::isa
