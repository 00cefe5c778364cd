// SPDX-License-Identifier: Apache-2.0
// The programs of tests/bare as machines.
#pragma once

#include <string>
#include <vector>

#include "debug/compare_engines.h"
#include "engine/whole_machine.h"

namespace rookery::test {

inline constexpr u64 kBareRamBytes = u64{16} << 20;

struct BareProgram {
  std::string name;
  std::string elf;
  Xlen xlen;
  u64 steps;  // it passes within so many
};

// Those of a width; none if there is no cross compiler.
std::vector<BareProgram> bare_programs(Xlen xlen);

// Before its first instruction.
Result<WholeMachine> load(const BareProgram& program);

}  // namespace rookery::test
