// SPDX-License-Identifier: Apache-2.0
// The names by which a description speaks of a machine's parts, from the tables in isa/: registers,
// CSRs, fields of the state.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "base/types.h"

namespace rookery::sweep {

inline constexpr u32 kPcNumber = 32;

// Errors are sentences that name what is near.

// "a0", "x10", "fp": 0 to 31; "pc": kPcNumber.
std::expected<u32, std::string> register_number(std::string_view name);

// "mepc": of either width.
std::expected<u32, std::string> csr_number(std::string_view name);

// "hart.pc", "hart.x[10]", "uart.ier".
struct FieldName {
  std::string section;
  std::string field;
  u32 index = 0;  // of an array
};
std::expected<FieldName, std::string> parse_field_name(std::string_view text);

}  // namespace rookery::sweep
