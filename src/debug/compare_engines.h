// SPDX-License-Identifier: Apache-2.0
// Runs two engines side by side and says where they differ: state hashes are compared at a stride,
// and a difference is narrowed down to the first instruction after which the machines are not
// equal.
//
// Engines are compared by their interface alone (engine/engine.h); the first is the oracle. A
// machine with a host (machine/machine.h) is compared by debug/verify.h, which notes what the host
// does to it and has the difference found here.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "debug/symbols.h"
#include "engine/checkpoint.h"
#include "engine/engine.h"

namespace rookery {

// Where a machine stands: hart.icount.
Result<u64> icount(Engine& engine, u32 vm);

// What running one machine of an engine left.
struct Stop {
  std::optional<Exit> exit;  // none: the steps were made
  std::string console;
};
// Runs until `vm` has icount `target` exactly, or exits.
Result<Stop> run_until(Engine& engine, u32 vm, u64 target);

// Something that a host did to a machine when it had made `step` steps: typed, served an exit.
struct HostAction {
  u64 step = 0;
  std::function<Result<void>(Engine& engine, u32 vm)> apply;
};

// Two machines that were once equal.
struct EnginePair {
  Engine& expected;
  Engine& actual;
  u32 expected_vm = 0;
  u32 actual_vm = 0;
};

// Where two engines part.
struct Difference {
  std::string what;  // a sentence: their hashes, consoles or exits differ
  // The step that makes it, if running once more from a checkpoint showed it again; else 0, and
  // `expected` and `actual` are where it was seen.
  u64 step = 0;
  Checkpoint before;  // the last machine that both had, as far as is known
  Checkpoint expected;
  Checkpoint actual;
};

// Where to look: the machines were equal at `good`, and not at step `bad` (or while getting there).
struct DifferenceSearch {
  const Checkpoint& loaded;
  Checkpoint good;
  u64 bad = 0;
  std::span<const HostAction> actions;  // since `good`, in order
  std::string what;                     // how they differed at `bad`
};
// Runs both machines again from `good`, which they are made to be.
Result<Difference> find_difference(const EnginePair& pair, DifferenceSearch search);

// Runs both to step `target`, or to their exits. Empty: they are equal there, and so are their
// exits and what they printed; else a sentence about what differs.
Result<std::string> advance_both(const EnginePair& pair, u64 target);

// "0x80000010 <start+0x10>"; without a symbol, the address alone. `symbols` may be null.
std::string address_name(u64 va, const SymbolTable* symbols);

// What to tell: the instruction with its addresses walked, the fields that differ, the words of
// RAM that differ, and all of the state, before and after. `symbols` may be null.
std::string difference_text(const Difference& difference, const Checkpoint& loaded,
                            std::string_view expected_name, std::string_view actual_name,
                            const SymbolTable* symbols);

struct CompareOptions {
  u64 max_steps = 1'000'000;
  u64 stride = 10'000;  // how often the hashes are compared
  u32 vm = 0;           // of the second engine; of the first it is machine 0
  // Asked after each stride with what was printed so far: true ends the comparison.
  std::function<bool(const std::string& console)> until = {};
};

struct Comparison {
  std::string difference;    // empty: the machines were equal all the way
  u64 steps = 0;             // that both made, and were equal
  std::optional<Exit> exit;  // of the first engine, when that is what ended it
  std::string console;       // of the first engine
};

// Both engines hold the same machine at the same step, without a host. Goes on until both exit,
// max_steps or `until`.
Comparison compare_engines(Engine& expected, Engine& actual, const CompareOptions& options);

}  // namespace rookery
