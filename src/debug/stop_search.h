// SPDX-License-Identifier: Apache-2.0
// Which stop point an instruction reaches, found on the host from its encoding and its operands.
#pragma once

#include <optional>
#include <span>

#include "engine/cpu/machine_probe.h"
#include "engine/engine.h"

namespace rookery::debug {

// The first of `stops` that `next` would execute, or whose bytes it would load or store, as the
// stop's kind has it. Addresses are virtual; whether the access traps is not asked.
std::optional<u32> find_stop(const cpu::NextInstruction& next, std::span<const StopPoint> stops);

}  // namespace rookery::debug
