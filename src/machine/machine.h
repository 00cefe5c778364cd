// SPDX-License-Identifier: Apache-2.0
// One machine that runs: owns an engine, dispatches it in pieces of a steered length, moves console
// bytes out and typed bytes in, and serves every exit of isa/exits.def. Prints nothing and decides
// nothing about terminals or exit codes: that is MachineHost's and the CLI's.
//
// Typing. On a terminal a byte goes into the UART as soon as there is room. Piped input is typed as
// a careful person would: a line at a time, and only while the guest idles in wfi with its UART's
// receive interrupt on, at a prompt or after a while of silence. So where a byte enters depends on
// the guest's own count alone, not on how fast anything is, and a piped run repeats exactly. After
// the last line Ctrl-D is typed once; when the guest then idles and nothing can wake it, the run is
// over.
//
// Not thread-safe. Errors: an engine's, the host's, or ErrorKind::internal.
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
#include "engine/engine.h"
#include "machine/boot.h"
#include "machine/host.h"

namespace rookery {

enum class InputMode {
  none,      // nobody types
  terminal,  // a person does
  piped,     // a file or a program does
};

struct RunOptions {
  InputMode input = InputMode::none;
  u64 max_instructions = std::numeric_limits<u64>::max();
  u64 timeout_us = 0;        // wall time; 0 for none
  u64 dispatch_us = 20'000;  // what a dispatch should take
};

enum class EndReason {
  shutdown,       // the guest powered off, or a bare program exited
  instructions,   // max_instructions were executed
  timeout,        // timeout_us went by
  stopped,        // MachineHost::stop_requested()
  idle,           // the guest waits for input and there will be none
  stuck,          // the guest waits for an interrupt that cannot come
  reboot_at_end,  // the guest rebooted after its input had ended
};

struct RunEnd {
  EndReason reason = EndReason::shutdown;
  u32 status = 0;       // the guest's own, for shutdown
  bool failed = false;  // it ended after a failure (panic, failed test)
};

// A snapshot of what is going on, for a status line.
struct MachineStatus {
  std::string engine;
  u64 instructions = 0;
  u64 wall_us = 0;  // since the machine was made
  double mips = 0;  // over about the last second of work
  u64 dirty_pages = 0;
  u64 exits = 0;
  u64 guest_us = 0;  // guest time
};

class Machine {
 public:
  // Makes an empty engine for this machine; called at the start and again when the guest reboots.
  using EngineFactory = std::function<Result<std::unique_ptr<Engine>>()>;

  // `host` must outlive the machine.
  static Result<std::unique_ptr<Machine>> create(BootImage image, EngineFactory make_engine,
                                                 const RunOptions& options, MachineHost& host);

  // One dispatch, of at most `max_steps`, and all that belongs to it. Empty: go on.
  Result<std::optional<RunEnd>> turn(u64 max_steps = std::numeric_limits<u64>::max());

  // A turn of a machine that stands still because a debugger holds it: keys are taken for later,
  // and the time does not count (timeout_us, status().wall_us, the guest's sleep).
  Result<std::optional<RunEnd>> held_turn();

  // The stop point (Engine::set_stops) that the last turn ran into; the next one goes on behind it.
  std::optional<u32> take_stop_point() { return std::exchange(stopped_at_, std::nullopt); }

  // turn() until the end.
  Result<RunEnd> run();

  // Replaces RunOptions::max_instructions: a run that ended there can go on.
  void set_max_instructions(u64 count) { options_.max_instructions = count; }

  // Reads dirty pages from the engine: not for every dispatch.
  Result<MachineStatus> status();
  u64 instructions() const { return instructions_; }
  double mips() const;
  bool is_asleep() const { return sleeping_.has_value(); }  // in wfi, and the host sleeps with it

  Engine& engine() { return *engine_; }

 private:
  Machine(BootImage image, EngineFactory make_engine, const RunOptions& options, MachineHost& host);

  using Turn = Result<std::optional<RunEnd>>;

  Result<void> reset();
  Turn dispatch(u64 max_steps);
  void end_hold();
  void steer(u64 asked_steps, u64 made_steps, u64 elapsed_us);
  Result<void> print(std::string_view bytes);

  Turn serve(const Exit& exit);
  Turn serve_reboot();
  Turn serve_htif(const Exit& exit);
  Turn serve_syscall(u32 pa);
  Turn serve_wfi(const Exit& exit);
  Turn wait_on_terminal(u64 timer_steps);
  Turn wait_on_pipe(const isa::MachineState& state, u64 timer_steps);
  Turn wait_for_nobody(const isa::MachineState& state, u64 timer_steps);
  Turn sleep_until_typed(u64 timer_steps);

  Result<void> pull_typed();
  Result<bool> push_typed(std::size_t max_bytes);
  bool is_time_to_type(const isa::MachineState& state, u64 timer_steps) const;
  Result<bool> type_line();
  Result<void> skip_time(u64 steps);
  u64 quiet_us(const isa::MachineState& state) const;

  BootImage image_;
  EngineFactory make_engine_;
  RunOptions options_;
  MachineHost& host_;
  std::unique_ptr<Engine> engine_;

  u64 instructions_ = 0;  // over all reboots
  u64 exits_ = 0;
  std::optional<u32> stopped_at_;
  u64 start_us_ = 0;
  u64 dispatch_steps_ = 0;
  u64 recent_steps_ = 0;  // for mips()
  u64 recent_us_ = 0;

  // A wfi that the host is still sleeping through, and since when.
  std::optional<Exit> sleeping_;
  u64 sleep_start_us_ = 0;
  std::optional<u64> held_since_us_;  // up to where held time was left out

  std::string typed_;          // from the host, not yet in the UART
  bool typed_closed_ = false;  // the host has no more
  bool ctrl_d_typed_ = false;
  bool line_open_ = false;  // a piped line is partly in the UART
  char last_printed_ = '\n';
  bool printed_since_idle_ = false;
  u64 quiet_since_ = 0;  // guest time (steps) at the first idle moment after it last printed
};

}  // namespace rookery
