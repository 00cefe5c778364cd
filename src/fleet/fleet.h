// SPDX-License-Identifier: Apache-2.0
// A fleet: many machines forked from one snapshot, side by side on one engine.
//
//   Result<Snapshot> booted = read_snapshot("booted.rook");
//   auto fleet = Fleet::fork(*std::move(booted), make_engine, {.machines = 1000});
//   for (u32 vm = 0; vm < fleet->size(); ++vm) fleet->type(vm, fmt::format("seq {}\n", vm));
//   fleet->stop_after(vm, 50'000'000) ...
//   while (fleet->running() != 0)
//     for (const Stop& stop : *fleet->run()) use(stop, fleet->take_console(stop.vm));
//
// A machine runs until something stops it (StopReason); then it stands still until go_on(), or
// until reset() makes it the snapshot's machine again. Everything that a machine does depends on
// the snapshot and on what is done to it at its own instruction counts alone: not on the engine, on
// how many others there are, or on how run() is called. So any of them can be repeated by itself on
// the CPU engine, with the same state hash.
//
// Counts of instructions are those since the snapshot. Machines have numbers from 0. A number that
// no machine has is our caller's bug. Not thread-safe: one thread drives a fleet.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/checkpoint.h"
#include "engine/engine.h"
#include "fleet/parallel_engine.h"
#include "machine/snapshot.h"

namespace rookery {

struct FleetConfig {
  u32 machines = 1;

  // Private pages for all together, on a GPU: EngineConfig's.
  u64 pool_pages = 0;
  u64 max_pool_pages = 0;

  // What machines print that stops them: StopReason::text with the number of the text here.
  std::vector<std::string> texts;
  // Likewise the ends of lines: the text behind the last.
  std::optional<LineEnds> lines = std::nullopt;

  // In guest time: a machine that would wait longer for its timer is idle, and stops. 0: only one
  // that no timer will wake.
  u64 idle_us = 0;
};

enum class StopReason {
  text,          // printed one of FleetConfig::texts, or ended a line; `detail`: which
  instructions,  // stop_after()
  idle,          // waits for something from outside, or for long (FleetConfig::idle_us)
  shutdown,      // the guest ended; `detail`: its status, `failed`: after a failure
  reboot,        // the guest asked for it; go_on() is not possible
  fault,         // what it asked of its host cannot be served; `sentence` says what
};
const char* stop_name(StopReason reason);  // "text", for people and programs

struct FleetStop {
  u32 vm = 0;
  StopReason reason = StopReason::instructions;
  u32 detail = 0;
  bool failed = false;
  u64 instructions = 0;
  std::string sentence;
};

class Fleet {
 public:
  // `make_engine` makes the engine of all machines: create_gpu_engine's, or one of
  // create_parallel_engine(). A snapshot that has not run forks machines that boot. Errors: usage,
  // out_of_memory.
  static Result<std::unique_ptr<Fleet>> fork(Snapshot snapshot, const MakeEngine& make_engine,
                                             const FleetConfig& config);

  u32 size() const { return config_.machines; }
  std::string_view engine_name() const { return engine_->name(); }
  const Snapshot& snapshot() const { return snapshot_; }
  // Engine::side_by_side().
  u32 side_by_side() const { return engine_->side_by_side(); }
  // Machines that are not stopped.
  u32 running() const { return running_; }
  // Of these, those that wait for memory.
  u32 waiting_for_memory() const { return static_cast<u32>(starved_.size() + spilled_.size()); }
  // Instructions that all machines made together, as far as run() knows: those of a machine count
  // when it stops.
  u64 instructions() const { return instructions_; }

  // Types bytes, however many: they reach the UART as the guest takes them. In place of what was
  // typed before and has not, also of Snapshot::pending.
  Result<void> type(u32 vm, std::string bytes);

  // Stops a machine before it makes more instructions than that, once. 0: never.
  Result<void> stop_after(u32 vm, u64 instructions);

  // Changes words of machines that stand still: Engine::change_states() and change_ram().
  Result<void> change_states(std::span<const WordChange> changes);
  Result<void> change_ram(std::span<const WordChange> changes);

  // Changes a word of a machine after so many instructions, without stopping it:
  // Engine::change_at(). One at a time, until reset().
  Result<void> change_after(u32 vm, u64 instructions, const WordBits& word);

  // A permanent fault: Engine::set_stuck(). Until reset().
  Result<void> set_stuck(u32 vm, const std::optional<WordBits>& stuck);

  // Where machines leave a path: Engine::compare_path() and partings().
  Result<void> compare_path(std::shared_ptr<const InstructionPath> path);
  Result<std::vector<std::optional<Parting>>> partings(std::span<const u32> vms);

  // What a machine does: Engine::set_trace(), take_trace() after each run().
  Result<void> set_trace(u32 vm, const std::optional<TraceOptions>& options);
  std::vector<TraceRecord> take_trace(u32 vm);

  // Lets a machine that stopped go on.
  Result<void> go_on(u32 vm);

  // Makes machines the snapshot's again, and lets them run. What they printed is dropped.
  Result<void> reset(std::span<const u32> vms);

  // Stops a machine where it stands, without a report.
  Result<void> park(u32 vm);

  // Runs all that are not stopped for a while (a GPU: about 0.1 s), and says which stopped.
  // A machine that finds no memory for a page waits until others have given some back; when only
  // such are left, some are kept on the host until then.
  Result<std::vector<FleetStop>> run();

  // What a machine printed since the last call.
  std::string take_console(u32 vm);

  Result<std::vector<u64>> state_hashes(std::span<const u32> vms);
  Result<std::vector<u32>> dirty_page_counts(std::span<const u32> vms);
  Result<void> read_ram(u32 vm, u32 pa, std::span<u8> out);
  Result<MachineState> read_state(u32 vm);

  // A machine by itself, whole, with what it was typed and has not taken: to go on from with
  // Machine::resume(), on any engine. A permanent fault does not go with it, nor a change to come.
  Result<Snapshot> lift(u32 vm);
  // Puts one back that was lifted out of this fleet and may have gone on since; it stands still.
  Result<void> put_back(u32 vm, const Snapshot& machine);

  // Where all machines stand; rewind() brings them back there, as often as wanted. Costs what the
  // machines have stored to.
  Result<void> checkpoint();
  Result<void> rewind();

 private:
  struct Machine {
    std::string typed;    // not yet queued on the engine
    std::string printed;  // through HTIF, not yet taken
    u32 matched = 0;      // of the texts, in what came through HTIF
    u64 counted = 0;      // instructions that instructions_ has of it
    bool stopped = false;
  };
  // A machine that is not on the engine, or that will be again what it is now.
  struct PutAway {
    Checkpoint machine;
    HostOrders orders;
  };
  struct Kept {
    std::vector<PutAway> machines;
    std::vector<Machine> hosts;
    u64 instructions = 0;
    u32 running = 0;
  };

  Fleet(Snapshot snapshot, const FleetConfig& config);
  Result<void> load(const MakeEngine& make_engine);
  Result<void> begin(std::span<const u32> vms);
  Result<void> feed(u32 vm);
  Result<void> serve(const Exit& exit, std::vector<FleetStop>& stops);
  Result<void> serve_program(const Exit& exit, FleetStop stop, std::vector<FleetStop>& stops);
  void stop(FleetStop stop, std::vector<FleetStop>& stops);
  Result<void> hold(u32 vm, u32 reason);
  Result<void> make_room();
  Result<void> spill();
  Result<bool> bring_back();
  Result<PutAway> copy_of(u32 vm);
  // False: there is no room, and it stands still.
  Result<bool> restore(u32 vm, const PutAway& machine);

  Snapshot snapshot_;  // `now` is what all machines begin as
  FleetConfig config_;
  std::shared_ptr<const ConsoleTexts> texts_;
  std::unique_ptr<Engine> engine_;
  std::vector<Machine> machines_;
  u64 begun_at_ = 0;  // hart.icount of the snapshot
  u32 running_ = 0;
  u64 instructions_ = 0;
  std::vector<u32> starved_;        // wait for a page, on the engine
  std::map<u32, PutAway> spilled_;  // likewise, kept here
  bool pages_came_free_ = false;    // since machines began to wait
  std::optional<Kept> kept_;
};

}  // namespace rookery
