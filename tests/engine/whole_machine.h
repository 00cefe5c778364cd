// SPDX-License-Identifier: Apache-2.0
// Machines with all of their RAM, to be put into engines and taken out of them.
#pragma once

#include <vector>

#include "engine/engine.h"
#include "machine/boot.h"

namespace rookery::test {

// A whole machine. `ram` is all of its RAM.
struct WholeMachine {
  MachineState state;
  std::vector<u8> ram;
};

// What plan_boot() planned, as it is before the first instruction.
WholeMachine machine_of(const BootImage& image);

Result<WholeMachine> read_machine(Engine& engine, u32 vm);
// Makes machine `vm` of an engine that may have run already this one; writes the pages that differ.
Result<void> put_machine(Engine& engine, u32 vm, const WholeMachine& machine);

}  // namespace rookery::test
