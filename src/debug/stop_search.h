// SPDX-License-Identifier: Apache-2.0
// Which stop point an instruction reaches by what it accesses, found on the host from its encoding and
// its operands: for a step that says so afterwards.
#pragma once

#include <optional>
#include <span>

#include "engine/cpu/machine_probe.h"
#include "engine/engine.h"

namespace rookery::debug {

// The first of `stops` whose bytes `next` loads or stores, as the stop's kind has it. Addresses are
// virtual; whether the access traps is not asked.
std::optional<u32> find_data_stop(const cpu::NextInstruction& next,
                                  std::span<const StopPoint> stops);

}  // namespace rookery::debug
