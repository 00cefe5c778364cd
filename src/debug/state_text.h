// SPDX-License-Identifier: Apache-2.0
// States of machines as text, by the names of isa/state.def.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "engine/engine.h"

namespace rookery {

// States of the same machine in columns, a line for each field that is not zero in all of them. The
// last two columns are compared: lines where they differ are marked "!=". Of the TLB, only such
// lines are shown. `differing_only` leaves out all others. The host's own words never differ.
struct StateColumn {
  std::string_view title;
  const MachineState* state;
};
std::string state_table(std::span<const StateColumn> columns, bool differing_only);

// Two states in columns "expected" and "actual". Empty if they are equal.
std::string compare_states(const MachineState& expected, const MachineState& actual);

}  // namespace rookery
