// SPDX-License-Identifier: Apache-2.0
// Runs the cases of a sweep on a fleet: each machine takes a case, gets its input, is stopped where
// the description says, and takes the next one as soon as it has been looked at. What comes of a
// case depends on the description and the snapshot alone, not on the engine or on how many machines
// there are.
//
// One thread calls; the host is called from it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "debug/symbols.h"
#include "fleet/fleet.h"
#include "sweep/results.h"
#include "sweep/spec.h"

namespace rookery::runner {

// What came of a fault, compared with the golden run of the same axes, as a verdict:
//   masked     ended alike and printed the same
//   sdc        silent data corruption: ended alike and printed something else
//   crash      ended otherwise
//   hang       reached the limit of instructions
//   detected   printed a line that says that the guest noticed ([fault] detected)

class SweepHost {
 public:
  virtual ~SweepHost() = default;

  // A case to be done, none twice; empty: there are no more.
  virtual std::optional<u64> next_case() = 0;
  // A case was done, in any order. An error ends the sweep.
  virtual Result<void> done(sweep::CaseResult result) = 0;
  // Called often: how many machines are busy, how many of these wait for memory. True: stop.
  virtual bool progress(u32 busy, u32 waiting, u64 instructions) = 0;
};

struct SweepMachines {
  const Snapshot* snapshot = nullptr;
  const SymbolTable* symbols = nullptr;  // may be null
  MakeEngine make_engine;
  u32 machines = 1;
  std::shared_ptr<const InstructionPath> path;  // that cases are compared with; may be null
};

// Golden runs by the combination of the axes that they belong to.
using GoldenRuns = std::map<u64, sweep::GoldenRun>;

// Runs the combinations without faults, on as many machines as there are. `stopped` is asked often;
// true ends it with those that are done. Errors: usage for one that reaches the limit of
// instructions, that prints what says that a fault was detected, or that ends before [fault]
// between begins.
Result<GoldenRuns> golden_runs(const sweep::SweepSpec& spec, const SweepMachines& machines,
                               std::span<const u64> combinations,
                               const std::function<bool()>& stopped);

// What run_sweep() would refuse before its first case, and what it would refuse of the first case.
// `machines.make_engine` makes an engine for one machine.
Result<void> check_sweep(const sweep::SweepSpec& spec, const SweepMachines& machines);

// The instructions of the first case, without its fault if there is [fault]: what cases part from.
// As far as paths go (kMaxPathSteps). `machines.make_engine` makes the engine that records it: the
// CPU engine is the fastest at that.
Result<InstructionPath> first_path(const sweep::SweepSpec& spec, const SweepMachines& machines);

// `golden` has all combinations that the host's cases belong to, if there is [fault]. Errors: usage
// for what the description asks and the snapshot does not have; the host's; the engine's.
Result<void> run_sweep(const sweep::SweepSpec& spec, const SweepMachines& machines,
                       const GoldenRuns& golden, SweepHost& host);

// A case by itself, where nothing more will be done to it: with its fault, if it has one.
struct LiftedCase {
  Snapshot machine;  // `pending`: what it still gets typed, by Engine::queue_input()
  std::optional<WordBits> stuck;
  std::optional<sweep::InjectedFault> fault;
};
// `golden` as above, for that case. Errors: those of run_sweep(); usage for a case that ends
// before.
Result<LiftedCase> lift_case(const sweep::SweepSpec& spec, const SweepMachines& machines,
                             const GoldenRuns& golden, u64 number);

}  // namespace rookery::runner
