// SPDX-License-Identifier: Apache-2.0
// Runs two engines side by side and says where they differ: state hashes are compared at a stride,
// and a difference is narrowed down to the first instruction after which the machines are not
// equal. The answer is text for a test's failure message: the instruction, both states by the names
// of isa/state.def, and the words of RAM that differ.
//
// Engines are compared by their interface alone (engine/engine.h); the first is the oracle.
#pragma once

#include <functional>
#include <optional>
#include <string>
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

// Where a machine stands: hart.icount.
Result<u64> icount(Engine& engine, u32 vm);

// What running one machine of an engine left.
struct Stop {
  std::optional<Exit> exit;  // none: the steps were made
  std::string console;
};
// Runs until `vm` has icount `target` exactly, or exits.
Result<Stop> run_until(Engine& engine, u32 vm, u64 target);

struct CompareOptions {
  u64 max_steps = 1'000'000;
  u64 stride = 10'000;  // how often the hashes are compared
  u32 vm = 0;           // of the second engine; of the first it is machine 0
  // Asked after each stride with what was printed so far: true ends the comparison.
  std::function<bool(const std::string& console)> until = {};
};

struct Comparison {
  std::string difference;    // empty: the machines were equal all the way
  u64 steps = 0;             // that both made
  std::optional<Exit> exit;  // of the first engine, when that is what ended it
  std::string console;       // of the first engine
};

// Both engines hold the same machine at the same step. Goes on until both exit, max_steps or
// `until`.
Comparison compare_engines(Engine& expected, Engine& actual, const CompareOptions& options);

// Two states side by side: registers, CSRs and every other field that is not zero or that differs,
// which is marked. Empty if they are equal.
std::string compare_states(const MachineState& expected, const MachineState& actual);

}  // namespace rookery::test
