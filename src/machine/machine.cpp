// SPDX-License-Identifier: Apache-2.0
#include "machine/machine.h"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "machine/guest_time.h"
#include "machine/htif.h"
#include "machine/replay_input.h"

namespace rookery {
namespace {

constexpr u64 kFirstDispatchSteps = 100'000;
constexpr u64 kMinDispatchSteps = 1'000;
constexpr u64 kMaxDispatchSteps = u64{1} << 30;
constexpr u64 kPausedSliceUs = 100'000;  // how often a paused machine looks up

RunEnd ended(EndReason reason) { return {.reason = reason}; }

}  // namespace

Machine::Machine(BootImage image, EngineFactory make_engine, const RunOptions& options,
                 MachineHost& host)
    : image_(std::move(image)),
      make_engine_(std::move(make_engine)),
      options_(options),
      host_(host) {
  if (options_.replay != nullptr) {
    auto replay = make_replay_input(*options_.replay, options_.input, host_);
    replay_ = replay.get();
    input_ = std::move(replay);
  } else {
    input_ = make_live_input(options_.input, host_);
  }
  start_us_ = host_.now_us();
  dispatch_steps_ = kFirstDispatchSteps;
}

Result<std::unique_ptr<Machine>> Machine::create(BootImage image, EngineFactory make_engine,
                                                 const RunOptions& options, MachineHost& host) {
  std::unique_ptr<Machine> machine(
      new Machine(std::move(image), std::move(make_engine), options, host));
  if (auto done = machine->reset(); !done) return std::unexpected(std::move(done.error()));
  return machine;
}

Result<std::unique_ptr<Machine>> Machine::resume(Snapshot snapshot, EngineFactory make_engine,
                                                 const RunOptions& options, MachineHost& host) {
  if (!snapshot.now)
    return create(std::move(snapshot.image), std::move(make_engine), options, host);
  std::unique_ptr<Machine> machine(
      new Machine(std::move(snapshot.image), std::move(make_engine), options, host));
  auto engine = machine->make_engine_();
  if (!engine) return std::unexpected(std::move(engine.error()).during("making the machine"));
  machine->engine_ = *std::move(engine);
  const auto [run_state, arg0, arg1] = std::visit(
      [](auto& s) {
        s.machine.wfi_exits = 1;
        return std::tuple(s.machine.run_state, s.machine.exit_arg0, s.machine.exit_arg1);
      },
      snapshot.now->state);
  if (auto loaded = load_machine(*machine->engine_, *snapshot.now); !loaded)
    return std::unexpected(std::move(loaded.error()).during("loading the snapshot"));
  if (auto done = machine->engine_->stop_on_texts(options.texts); !done)
    return std::unexpected(std::move(done.error()));
  machine->instructions_ = snapshot.instructions;
  machine->begun_at_ = snapshot.instructions;
  machine->icount_ = icount_of(snapshot.now->state);
  machine->hashed_at_ = machine->icount_;
  machine->input_->on_reset();
  machine->input_->go_on_with(std::move(snapshot.pending));
  if (run_state == isa::EXIT_WFI)
    machine->sleeping_ = Exit{kVm, run_state, arg0, arg1, machine->icount_};
  return machine;
}

Result<Snapshot> Machine::snapshot() {
  auto now = take_loaded_machine(*engine_, kVm);
  if (!now) return std::unexpected(std::move(now.error()).during("taking a snapshot"));
  Snapshot snapshot;
  snapshot.image = image_;
  snapshot.now = *std::move(now);
  snapshot.pending = input_->pending();
  snapshot.instructions = instructions_;
  snapshot.engine = engine_->name();
  return snapshot;
}

Result<void> Machine::reset() {
  engine_.reset();  // its memory goes before the next one's is allocated
  auto engine = make_engine_();
  if (!engine) return std::unexpected(std::move(engine.error()).during("making the machine"));
  engine_ = *std::move(engine);
  if (auto loaded = load_boot_image(*engine_, image_); !loaded) {
    return std::unexpected(std::move(loaded.error()).during("loading the machine"));
  }
  if (auto done = engine_->stop_on_texts(options_.texts); !done) return done;
  auto state = engine_->read_state(kVm);
  if (!state) return std::unexpected(std::move(state.error()));
  std::visit([](auto& s) { s.machine.wfi_exits = 1; }, *state);
  if (options_.goes_back && !loaded_) {
    auto loaded = take_loaded_machine(*engine_, kVm);
    if (!loaded) return std::unexpected(std::move(loaded.error()));
    loaded_ = *std::move(loaded);
  }
  icount_ = 0;
  text_matched_ = 0;
  hashed_at_ = 0;
  input_->on_reset();
  return engine_->write_state(kVm, *state);
}

Result<RunEnd> Machine::run() {
  for (;;) {
    auto end = turn();
    if (!end) return std::unexpected(std::move(end.error()));
    if (*end) return **end;
  }
}

Machine::Turn Machine::turn() {
  auto end = advance();
  if (end && *end) {
    if (auto noted = note_end(**end); !noted) return std::unexpected(std::move(noted.error()));
  }
  return end;
}

Machine::Turn Machine::advance() {
  if (stop_ || host_.stop_requested()) return ended(EndReason::stopped);
  if (is_paused()) {
    if (auto done = input_->while_paused(); !done) return std::unexpected(std::move(done.error()));
    host_.sleep_paused(kPausedSliceUs);
    return std::nullopt;
  }
  if (options_.timeout_us != 0 && now_us() - start_us_ >= options_.timeout_us) {
    return ended(EndReason::timeout);
  }
  if (sleeping_) return serve_wfi(*sleeping_);
  return dispatch();
}

void Machine::pause() {
  if (is_paused()) return;
  paused_since_us_ = host_.now_us();
  pause_at_ = std::numeric_limits<u64>::max();
}

void Machine::resume(u64 steps_to_pause) {
  if (is_paused()) paused_us_ += host_.now_us() - *paused_since_us_;
  paused_since_us_.reset();
  pause_at_ = instructions_ + std::min(steps_to_pause, ~instructions_);
}

u64 Machine::now_us() { return paused_since_us_.value_or(host_.now_us()) - paused_us_; }

Machine::Turn Machine::dispatch() {
  if (instructions_ == options_.max_instructions) return ended(EndReason::instructions);
  const u64 stride = options_.journal != nullptr ? options_.hash_stride : 0;
  if (stride != 0 && icount_ % stride == 0 && icount_ != hashed_at_) {
    auto hash = state_hash();
    if (!hash) return std::unexpected(std::move(hash.error()).during("hashing the machine"));
    hashed_at_ = icount_;
    if (auto done = note(StateHash{*hash}); !done) return std::unexpected(std::move(done.error()));
  }
  auto answer = input_->before_dispatch(*this);
  if (!answer) return std::unexpected(std::move(answer.error()));
  if (answer->end) return answer->end;
  u64 steps = std::min(dispatch_steps_, answer->max_steps);
  steps = std::min(steps, options_.max_instructions - instructions_);
  steps = std::min(steps, pause_at_ - instructions_);
  if (stride != 0) steps = std::min(steps, stride - icount_ % stride);
  repeats_ = instructions_ < known_to_;
  if (repeats_) steps = std::min(steps, known_to_ - instructions_);

  const u64 before_us = host_.now_us();
  auto report = engine_->run(steps);
  if (!report) {
    return std::unexpected(
        std::move(report.error())
            .during(fmt::format("running it, after {} instructions", instructions_)));
  }
  instructions_ += report->steps;
  icount_ += report->steps;
  if (instructions_ == pause_at_) pause();
  steer(steps, report->steps, host_.now_us() - before_us);

  if (auto done = print(engine_->take_console(kVm)); !done)
    return std::unexpected(std::move(done.error()));
  if (report->steps == 0 && report->exits.empty()) {
    return fail(ErrorKind::internal, "The {} engine neither ran nor stopped the machine.",
                engine_->name());
  }
  if (auto done = note(Reached{}); !done) return std::unexpected(std::move(done.error()));
  return serve_all(report->exits);
}

Machine::Turn Machine::serve_all(const std::vector<Exit>& exits) {
  for (const Exit& exit : exits) {
    exits_ += 1;
    if (!repeats_) host_.saw_exit(exit, instructions_);
    auto end = serve(exit);
    if (!end || *end) return end;
  }
  return std::nullopt;
}

// Keeps dispatches near options_.dispatch_us. Doubling or halving at most: one measurement may be
// odd.
void Machine::steer(u64 asked_steps, u64 made_steps, u64 elapsed_us) {
  recent_steps_ += made_steps;
  recent_us_ += elapsed_us;
  constexpr u64 kWindowUs = 1'000'000;
  if (recent_us_ > kWindowUs) {
    recent_steps_ /= 2;
    recent_us_ /= 2;
  }
  if (made_steps < asked_steps || asked_steps < dispatch_steps_) return;  // cut short: says little
  const u64 wanted = made_steps * options_.dispatch_us / std::max<u64>(elapsed_us, 1);
  dispatch_steps_ = std::clamp(wanted, dispatch_steps_ / 2, dispatch_steps_ * 2);
  dispatch_steps_ = std::clamp(dispatch_steps_, kMinDispatchSteps, kMaxDispatchSteps);
}

// --- Going back ---

Result<MachineCheckpoint> Machine::checkpoint() {
  auto machine = take_checkpoint(*engine_, kVm);
  if (!machine) return std::unexpected(std::move(machine.error()).during("keeping a checkpoint"));
  return MachineCheckpoint{instructions_, exits_, replay_->position(), *std::move(machine)};
}

Result<void> Machine::restore(const MachineCheckpoint& checkpoint) {
  auto done = restore_checkpoint(*engine_, kVm, checkpoint.machine, *loaded_);
  if (!done) return std::unexpected(std::move(done.error()).during("going back to a checkpoint"));
  known_to_ = std::max(known_to_, instructions_);
  instructions_ = checkpoint.instructions;
  icount_ = icount_of(checkpoint.machine.state);
  exits_ = checkpoint.exits;
  replay_->go_to(checkpoint.position);
  sleeping_.reset();
  stopped_at_.reset();
  return {};
}

double Machine::mips() const {
  return recent_us_ == 0 ? 0 : static_cast<double>(recent_steps_) / static_cast<double>(recent_us_);
}

Result<void> Machine::print(std::string_view bytes) {
  if (bytes.empty() || repeats_) return {};
  input_->on_printed(bytes);
  return host_.print(bytes);
}

// --- What enters the machine: all of it passes here ---

Result<void> Machine::note(decltype(OutsideEvent::what) what) {
  if (options_.journal == nullptr) return {};
  return options_.journal->note({icount_, std::move(what)});
}

Result<void> Machine::note_end(const RunEnd& end) {
  if (options_.journal == nullptr || end.reason == EndReason::recording_stops) return {};
  if (options_.hash_stride != 0) {
    auto hash = state_hash();
    if (!hash) return std::unexpected(std::move(hash.error()).during("hashing the machine"));
    if (auto done = note(StateHash{*hash}); !done) return done;
  }
  return note(Ended{end.reason, end.status, end.failed});
}

Result<u32> Machine::type(std::string_view bytes) {
  const std::span<const u8> typed(reinterpret_cast<const u8*>(bytes.data()), bytes.size());
  auto count = engine_->push_input(kVm, typed);
  if (!count || *count == 0) return count;
  if (auto done = note(Typed{std::string(bytes.substr(0, *count))}); !done)
    return std::unexpected(std::move(done.error()));
  return count;
}

Result<void> Machine::go_on(u64 skipped_steps) {
  auto machine_state = engine_->read_state(kVm);
  if (!machine_state) return std::unexpected(std::move(machine_state.error()));
  std::visit(
      [&](auto& s) {
        s.hart.time_skipped += skipped_steps;
        s.machine.run_state = isa::EXIT_NONE;
        s.machine.exit_arg0 = 0;
        s.machine.exit_arg1 = 0;
      },
      *machine_state);
  if (auto done = engine_->write_state(kVm, *machine_state); !done) return done;
  if (skipped_steps == 0) return {};
  return note(TimeSkipped{skipped_steps});
}

// --- Exits ---

Machine::Turn Machine::serve(const Exit& exit) {
  switch (exit.reason) {
    case isa::EXIT_SHUTDOWN:
      return serve_guest_end({EndReason::shutdown, exit.arg0, exit.arg1 != 0});
    case isa::EXIT_REBOOT:
      return serve_reboot();
    case isa::EXIT_WFI:
      return serve_wfi(exit);
    case isa::EXIT_HTIF:
      return serve_htif(exit);
    case isa::EXIT_STOP_POINT:
      stopped_at_ = exit.arg0;
      if (auto done = engine_->resume(kVm); !done) return std::unexpected(std::move(done.error()));
      return std::nullopt;
    case isa::EXIT_TEXT:
      text_seen_ = !repeats_;
      if (auto done = engine_->resume(kVm); !done) return std::unexpected(std::move(done.error()));
      return std::nullopt;
    case isa::EXIT_CONSOLE_FULL:  // the console was drained before this
      if (auto done = engine_->resume(kVm); !done) return std::unexpected(std::move(done.error()));
      return std::nullopt;
    case isa::EXIT_POOL_FULL: {
      const u64 dirty = engine_->dirty_pages(kVm).value_or(0);
      return fail(
          ErrorKind::out_of_memory,
          "No private page is left for the machine: it has dirtied {} pages and wants {} more.",
          dirty, exit.arg0);
    }
    default:
      return fail(ErrorKind::internal, "The {} engine stopped with an unknown exit {}.",
                  engine_->name(), exit.reason);
  }
}

Machine::Turn Machine::serve_guest_end(const RunEnd& end) {
  auto known = input_->on_guest_end(end, *this);
  if (!known) return std::unexpected(std::move(known.error()));
  return *known;
}

Machine::Turn Machine::serve_reboot() {
  auto end = input_->on_reboot(*this);
  if (!end || *end) return end;
  if (auto done = note(Rebooted{}); !done) return std::unexpected(std::move(done.error()));
  if (auto done = reset(); !done)
    return std::unexpected(std::move(done.error()).during("rebooting"));
  return std::nullopt;
}

Machine::Turn Machine::serve_wfi(const Exit& exit) {
  auto answer = input_->on_wfi(exit, *this);
  if (!answer) return std::unexpected(std::move(answer.error()));
  sleeping_ = answer->sleeps ? std::optional(exit) : std::nullopt;
  return answer->end;
}

Machine::Turn Machine::serve_htif(const Exit& exit) {
  auto answer = rookery::serve_htif(*engine_, image_.layout, exit);
  if (!answer) return std::unexpected(std::move(answer.error()));
  if (auto done = print(answer->printed); !done) return std::unexpected(std::move(done.error()));
  if (options_.texts != nullptr && options_.texts->find(text_matched_, answer->printed))
    text_seen_ = !repeats_;
  if (!answer->status) return std::nullopt;
  return serve_guest_end({EndReason::shutdown, *answer->status, *answer->status != 0});
}

Result<MachineStatus> Machine::status() {
  auto dirty_pages = engine_->dirty_pages(kVm);
  if (!dirty_pages) return std::unexpected(std::move(dirty_pages.error()));
  auto machine_state = engine_->read_state(kVm);
  if (!machine_state) return std::unexpected(std::move(machine_state.error()));
  MachineStatus status;
  status.engine = engine_->name();
  status.instructions = instructions_;
  status.begun_at = begun_at_;
  status.wall_us = now_us() - start_us_;
  status.mips = mips();
  status.dirty_pages = *dirty_pages;
  status.exits = exits_;
  status.guest_us = guest_steps(*machine_state) / kStepsPerUs;
  return status;
}

}  // namespace rookery
