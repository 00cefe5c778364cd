// SPDX-License-Identifier: Apache-2.0
// The integer registers by their ABI names (RISC-V ABIs, chapter 1), by number.
#pragma once

#include <array>
#include <string_view>

namespace rookery::isa {

inline constexpr std::array<std::string_view, 32> kRegisterNames = {
    "zero", "ra", "sp", "gp", "tp",  "t0",  "t1", "t2", "s0", "s1", "a0",
    "a1",   "a2", "a3", "a4", "a5",  "a6",  "a7", "s2", "s3", "s4", "s5",
    "s6",   "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6"};

}  // namespace rookery::isa
