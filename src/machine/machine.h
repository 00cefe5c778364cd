// SPDX-License-Identifier: Apache-2.0
// One machine that runs: owns an engine, dispatches it in pieces of a steered length, moves console
// bytes out, and serves every exit of isa/exits.def. What enters it comes from an InputSource, live
// or replayed, and passes through here alone, so that a journal sees all of it. Prints nothing and
// decides nothing about terminals or exit codes: that is MachineHost's and the CLI's.
//
// Not thread-safe. Errors: an engine's, the host's, the journal's, or ErrorKind::internal.
#pragma once

#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/types.h"
#include "engine/checkpoint.h"
#include "engine/engine.h"
#include "machine/boot.h"
#include "machine/host.h"
#include "machine/input_source.h"
#include "machine/journal.h"
#include "machine/live_input.h"
#include "machine/recording.h"
#include "machine/replay_input.h"
#include "machine/snapshot.h"

namespace rookery {

struct RunOptions {
  InputMode input = InputMode::none;
  u64 max_instructions = std::numeric_limits<u64>::max();
  u64 timeout_us = 0;        // wall time that the machine is not paused; 0 for none
  u64 dispatch_us = 20'000;  // what a dispatch should take

  // Whatever enters the machine is taken down here, if given. Must outlive the machine.
  Journal* journal = nullptr;
  // The journal gets the state's hash every so many instructions and at the end; 0: never.
  u64 hash_stride = 0;
  // What enters comes from here and not from the host. Must outlive the machine.
  const Recording* replay = nullptr;
  // Of a replayed machine: it keeps what it needs for checkpoint() and restore().
  bool goes_back = false;
  // A turn ends where the guest has printed one of them (Machine::take_text_seen()).
  std::shared_ptr<const ConsoleTexts> texts = nullptr;
};

// A replayed machine between two steps, to come back to.
struct MachineCheckpoint {
  u64 instructions = 0;  // over all reboots
  u64 exits = 0;
  std::size_t position = 0;  // in the recording
  Checkpoint machine;

  u64 bytes() const { return sizeof(*this) + machine.bytes.size(); }
};

// A snapshot of what is going on, for a status line.
struct MachineStatus {
  std::string engine;
  u64 instructions = 0;
  u64 begun_at = 0;  // instructions that it had made before, where it went on from a snapshot
  u64 wall_us = 0;   // since the machine was made, less the time it was paused
  double mips = 0;   // over about the last second of work
  u64 dirty_pages = 0;
  u64 exits = 0;
  u64 guest_us = 0;  // guest time
};

class Machine final : private InputPort {
 public:
  // Makes an empty engine for this machine; called at the start and again when the guest reboots.
  using EngineFactory = std::function<Result<std::unique_ptr<Engine>>()>;

  // `host` must outlive the machine.
  static Result<std::unique_ptr<Machine>> create(BootImage image, EngineFactory make_engine,
                                                 const RunOptions& options, MachineHost& host);

  // Goes on where the snapshot was taken. One that has not run begins.
  static Result<std::unique_ptr<Machine>> resume(Snapshot snapshot, EngineFactory make_engine,
                                                 const RunOptions& options, MachineHost& host);

  // One dispatch and all that belongs to it. Empty: go on. Not to be called after the end.
  Result<std::optional<RunEnd>> turn();

  // turn() until the end.
  Result<RunEnd> run();

  // Reads dirty pages from the engine: not for every dispatch.
  Result<MachineStatus> status();
  u64 instructions() const { return instructions_; }  // over all reboots
  u64 icount() const override { return icount_; }     // since the last one
  double mips() const;
  bool is_asleep() const { return sleeping_.has_value(); }  // in wfi, and the host sleeps with it

  // A paused machine makes no steps: turn() only listens to its host for a while, and neither
  // timeout_us nor a wfi's sleep goes on. Takes effect at once, for turn() ends at a step.
  void pause();
  bool is_paused() const { return paused_since_us_.has_value(); }
  // Ends a pause, and begins the next one after exactly so many instructions.
  void resume(u64 steps_to_pause = std::numeric_limits<u64>::max());

  // The stop point (Engine::set_stops) that the last turn ran into; the next one goes on behind it.
  std::optional<u32> take_stop_point() { return std::exchange(stopped_at_, std::nullopt); }

  // True once after a turn that one of RunOptions::texts ended: no instruction was made since the
  // one that printed its last byte.
  bool take_text_seen() { return std::exchange(text_seen_, false); }

  // In place of RunOptions::max_instructions.
  void set_max_instructions(u64 count) { options_.max_instructions = count; }

  // Needs RunOptions::goes_back. A machine that was put back prints nothing until it is where it
  // was before; that it had ended is forgotten.
  Result<MachineCheckpoint> checkpoint();
  Result<void> restore(const MachineCheckpoint& checkpoint);

  // The machine as it stands, with what was typed and is not in the UART yet; without remarks but
  // the engine's.
  Result<Snapshot> snapshot();

  // The next turn() ends the run (EndReason::stopped).
  void stop() { stop_ = true; }

  Engine& engine() { return *engine_; }

 private:
  static constexpr u32 kVm = 0;

  Machine(BootImage image, EngineFactory make_engine, const RunOptions& options, MachineHost& host);

  using Turn = Result<std::optional<RunEnd>>;

  // InputPort
  u64 now_us() override;
  Result<MachineState> state() override { return engine_->read_state(kVm); }
  Result<u64> state_hash() override { return engine_->state_hash(kVm); }
  Result<u32> type(std::string_view bytes) override;
  Result<void> go_on(u64 skipped_steps) override;

  Result<void> reset();
  Turn advance();
  Turn dispatch();
  void steer(u64 asked_steps, u64 made_steps, u64 elapsed_us);
  Result<void> print(std::string_view bytes);
  Result<void> note(decltype(OutsideEvent::what) what);
  Result<void> note_end(const RunEnd& end);

  Turn serve_all(const std::vector<Exit>& exits);
  Turn serve(const Exit& exit);
  Turn serve_guest_end(const RunEnd& end);
  Turn serve_reboot();
  Turn serve_wfi(const Exit& exit);
  Turn serve_htif(const Exit& exit);

  BootImage image_;
  EngineFactory make_engine_;
  RunOptions options_;
  MachineHost& host_;
  std::unique_ptr<Engine> engine_;

  u64 instructions_ = 0;  // over all reboots
  u64 begun_at_ = 0;      // of these, made before by another machine
  u64 icount_ = 0;
  u64 exits_ = 0;
  std::optional<u32> stopped_at_;
  bool text_seen_ = false;
  u32 text_matched_ = 0;  // of RunOptions::texts, in what comes through HTIF
  u64 start_us_ = 0;
  u64 dispatch_steps_ = 0;
  u64 recent_steps_ = 0;  // for mips()
  u64 recent_us_ = 0;

  std::unique_ptr<InputSource> input_;
  ReplayInput* replay_ = nullptr;     // the same, of a machine that is replayed
  std::optional<Checkpoint> loaded_;  // of one that goes back: before its first instruction
  u64 known_to_ = 0;                  // instructions_: up to there it was before
  bool repeats_ = false;              // the steps of this turn were made before
  std::optional<Exit> sleeping_;      // a wfi that the input source has not ended yet

  bool stop_ = false;
  std::optional<u64> paused_since_us_;
  u64 paused_us_ = 0;                               // in all, before that
  u64 pause_at_ = std::numeric_limits<u64>::max();  // instructions_
  u64 hashed_at_ = 0;                               // icount_ of the last hash in the journal
};

}  // namespace rookery
