// SPDX-License-Identifier: Apache-2.0
// The registers as GDB numbers and names them, and the description of them that it is given (GDB
// manual, appendix G.5.11, "RISC-V Features").
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "isa/state.h"

namespace rookery::debug {

// x0 to x31 are 0 to 31.
inline constexpr u32 kPcRegister = 32;
inline constexpr u32 kFirstCsrRegister = 65;  // + the CSR's number
inline constexpr u32 kCsrCount = 4096;
inline constexpr u32 kPrivilegeRegister = kFirstCsrRegister + kCsrCount;

struct CsrName {
  u32 number;
  std::string_view name;
};

// The rows of isa/csr.def that a machine of this width has.
std::span<const CsrName> csr_names(isa::Xlen xlen);

// target.xml.
std::string target_description(isa::Xlen xlen);

}  // namespace rookery::debug
