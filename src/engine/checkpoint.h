// SPDX-License-Identifier: Apache-2.0
// A machine at one step, to come back to: its state and the pages of RAM that it has stored to.
// What it has not stored to is as it was loaded, so a checkpoint is restored together with the
// machine as loaded (take_loaded_machine()). Both restore on any engine of the same configuration.
#pragma once

#include <span>
#include <vector>

#include "engine/engine.h"

namespace rookery {

struct Checkpoint {
  MachineState state;
  std::vector<u32> numbers;  // of the pages, ascending
  std::vector<u8> bytes;     // PAGE_BYTES for each

  // A page's bytes; empty if it is not here.
  std::span<const u8> page(u32 number) const;
};

// The dirty pages of a machine.
Result<Checkpoint> take_checkpoint(Engine& engine, u32 vm);

// All pages of a machine that are not zero. Reads all of RAM.
Result<Checkpoint> take_loaded_machine(Engine& engine, u32 vm);

// Makes all machines of a fresh engine the one of `machine`, which has all pages that are not zero.
Result<void> load_machine(Engine& engine, const Checkpoint& machine);

// A page as `checkpoint` has it, else as `loaded` has it, else zeros.
std::span<const u8> page_at(const Checkpoint& checkpoint, const Checkpoint& loaded, u32 number);

// Makes machine `vm`, which was loaded like `loaded` and may have run since, the one of
// `checkpoint`. What it printed and nobody took is dropped.
Result<void> restore_checkpoint(Engine& engine, u32 vm, const Checkpoint& checkpoint,
                                const Checkpoint& loaded);

}  // namespace rookery
