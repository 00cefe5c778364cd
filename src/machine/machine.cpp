// SPDX-License-Identifier: Apache-2.0
#include "machine/machine.h"

#include <algorithm>
#include <array>
#include <utility>

namespace rookery {
namespace {

constexpr u32 kVm = 0;

constexpr u64 kStepsPerUs = (u64{isa::TIMEBASE_HZ} << isa::MTIME_SHIFT) / 1'000'000;
constexpr u64 kFirstDispatchSteps = 100'000;
constexpr u64 kMinDispatchSteps = 1'000;
constexpr u64 kMaxDispatchSteps = u64{1} << 30;

constexpr u64 kNever = ~u64{0};          // no timer
constexpr u64 kFarSteps = u64{1} << 62;  // a timer beyond this is none
constexpr u64 kShortestSleepUs = 1'000;  // below, time is skipped: a wall clock is no finer
constexpr u64 kSleepSliceUs = 100'000;   // how often a sleeping host looks up

// When a piped line may be typed although nothing looks like a prompt, in guest time.
constexpr u64 kQuietUs = 10'000'000;
// When it may be typed although the UART asks for no interrupt: a guest that polls for input.
constexpr u64 kPolledQuietUs = 30'000'000;
// When a guest that only ever waits for timers is taken to be done, after its input has ended.
constexpr u64 kPromptIdleUs = 60'000'000;
constexpr u64 kIdleUs = 300'000'000;

constexpr u32 kUartReceiveInterrupt = 1;  // uart.ier
constexpr char kCtrlD = 0x04;

constexpr u32 kTimerInterruptM = 1u << isa::IRQ_M_TIMER;
constexpr u32 kTimerInterruptS = 1u << isa::IRQ_S_TIMER;

// Reads a field that has the same type in both widths.
template <class Function>
auto with(const isa::MachineState& state, Function&& function) {
  return std::visit(std::forward<Function>(function), state);
}

u64 guest_steps(const isa::MachineState& state) {
  return with(state, [](const auto& s) { return s.hart.icount + s.hart.time_skipped; });
}

// How far the hart's next timer is, also when it is further than the engine's own 32-bit answer
// goes.
u64 steps_until_timer(const isa::MachineState& state) {
  return with(state, [](const auto& s) {
    const u64 now = s.hart.icount + s.hart.time_skipped;
    u64 nearest = kNever;
    const auto consider = [&](u64 compare) {
      const u64 ticks = compare - s.aclint.mtime_offset;
      if (ticks >= (kFarSteps >> isa::MTIME_SHIFT)) return;
      const u64 due = ticks << isa::MTIME_SHIFT;
      nearest = std::min(nearest, due > now ? due - now : 0);
    };
    if ((s.hart.mie & kTimerInterruptM) != 0) consider(s.aclint.mtimecmp);
    const bool sstc = (s.hart.menvcfgh & isa::MENVCFGH_STCE) != 0;
    if ((s.hart.mie & kTimerInterruptS) != 0 && sstc) consider(s.hart.stimecmp);
    return nearest;
  });
}

bool reads_uart(const isa::MachineState& state) {
  return with(state, [](const auto& s) { return (s.uart.ier & kUartReceiveInterrupt) != 0; });
}

RunEnd ended(EndReason reason) { return {reason, 0, false}; }

}  // namespace

Machine::Machine(BootImage image, EngineFactory make_engine, const RunOptions& options,
                 MachineHost& host)
    : image_(std::move(image)),
      make_engine_(std::move(make_engine)),
      options_(options),
      host_(host) {
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

Result<void> Machine::reset() {
  engine_.reset();  // its memory goes before the next one's is allocated
  auto engine = make_engine_();
  if (!engine) return std::unexpected(std::move(engine.error()).during("making the machine"));
  engine_ = *std::move(engine);
  if (auto loaded = load_boot_image(*engine_, image_); !loaded) {
    return std::unexpected(std::move(loaded.error()).during("loading the machine"));
  }
  auto state = engine_->read_state(kVm);
  if (!state) return std::unexpected(std::move(state.error()));
  std::visit([](auto& s) { s.machine.wfi_exits = 1; }, *state);
  line_open_ = false;
  last_printed_ = '\n';
  printed_since_idle_ = false;
  quiet_since_ = 0;
  return engine_->write_state(kVm, *state);
}

Result<RunEnd> Machine::run() {
  for (;;) {
    auto end = turn();
    if (!end) return std::unexpected(std::move(end.error()));
    if (*end) return **end;
  }
}

Machine::Turn Machine::turn(u64 max_steps) {
  end_hold();
  if (host_.stop_requested()) return ended(EndReason::stopped);
  if (options_.timeout_us != 0 && host_.now_us() - start_us_ >= options_.timeout_us) {
    return ended(EndReason::timeout);
  }
  if (sleeping_) return serve_wfi(*sleeping_);
  return dispatch(max_steps);
}

Machine::Turn Machine::held_turn() {
  end_hold();
  held_since_us_ = host_.now_us();
  if (host_.stop_requested()) return ended(EndReason::stopped);
  if (options_.input == InputMode::terminal) {
    if (auto done = pull_typed(); !done) return std::unexpected(std::move(done.error()));
  }
  return std::nullopt;
}

// What was done since the last held_turn() was done at a standing clock.
void Machine::end_hold() {
  if (!held_since_us_) return;
  const u64 held_us = host_.now_us() - *held_since_us_;
  start_us_ += held_us;
  sleep_start_us_ += held_us;
  held_since_us_.reset();
}

Machine::Turn Machine::dispatch(u64 max_steps) {
  if (options_.input == InputMode::terminal) {
    if (auto done = pull_typed(); !done) return std::unexpected(std::move(done.error()));
    if (auto done = push_typed(typed_.size()); !done)
      return std::unexpected(std::move(done.error()));
  }
  const u64 left = options_.max_instructions - instructions_;
  const u64 steps = std::min({dispatch_steps_, left, max_steps});
  if (steps == 0) return ended(EndReason::instructions);

  const u64 before_us = host_.now_us();
  auto report = engine_->run(steps);
  if (!report) {
    return std::unexpected(
        std::move(report.error())
            .during(fmt::format("running it, after {} instructions", instructions_)));
  }
  instructions_ += report->steps;
  steer(steps, report->steps, host_.now_us() - before_us);

  if (auto done = print(engine_->take_console(kVm)); !done)
    return std::unexpected(std::move(done.error()));
  if (report->steps == 0 && report->exits.empty()) {
    return fail(ErrorKind::internal, "The {} engine neither ran nor stopped the machine.",
                engine_->name());
  }
  for (const Exit& exit : report->exits) {
    exits_ += 1;
    host_.saw_exit(exit, instructions_);
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

double Machine::mips() const {
  return recent_us_ == 0 ? 0 : static_cast<double>(recent_steps_) / static_cast<double>(recent_us_);
}

Result<void> Machine::print(std::string_view bytes) {
  if (bytes.empty()) return {};
  last_printed_ = bytes.back();
  printed_since_idle_ = true;
  return host_.print(bytes);
}

// --- Exits ---

Machine::Turn Machine::serve(const Exit& exit) {
  switch (exit.reason) {
    case isa::EXIT_SHUTDOWN:
      return RunEnd{EndReason::shutdown, exit.arg0, exit.arg1 != 0};
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

Machine::Turn Machine::serve_reboot() {
  if (ctrl_d_typed_) return ended(EndReason::reboot_at_end);
  if (auto done = reset(); !done)
    return std::unexpected(std::move(done.error()).during("rebooting"));
  return std::nullopt;
}

// HTIF, as riscv-tests and its benchmarks use it: device 0 ends the program or asks for a system
// call, device 1 prints a character.
Machine::Turn Machine::serve_htif(const Exit& exit) {
  const u64 message = (u64{exit.arg1} << 32) | exit.arg0;
  const u32 device = static_cast<u32>(message >> 56);
  const u32 command = static_cast<u32>(message >> 48) & 0xff;
  const u64 payload = message & ((u64{1} << 48) - 1);

  // Taking the message away first lets the program send the next one.
  constexpr std::array<u8, 8> kZero{};
  if (auto done = engine_->write_ram(kVm, image_.layout.tohost_pa, kZero); !done) {
    return std::unexpected(std::move(done.error()));
  }
  if (device == 0 && command == 0 && (payload & 1) != 0) {
    const u32 status = static_cast<u32>(payload >> 1);
    return RunEnd{EndReason::shutdown, status, status != 0};
  }
  if (device == 0 && command == 0) {
    auto end = serve_syscall(static_cast<u32>(payload));
    if (!end || *end) return end;
  } else if (device == 1 && command == 1) {
    const char byte = static_cast<char>(payload & 0xff);
    if (auto done = print({&byte, 1}); !done) return std::unexpected(std::move(done.error()));
  } else {
    return fail(ErrorKind::image,
                "The program wrote {:#x} to tohost: HTIF device {} has no command {} here.",
                message, device, command);
  }
  if (auto done = engine_->resume(kVm); !done) return std::unexpected(std::move(done.error()));
  return std::nullopt;
}

// A proxied system call: eight dwords at `pa`, the number and the arguments; the result replaces
// the number, and fromhost becomes 1.
Machine::Turn Machine::serve_syscall(u32 pa) {
  constexpr u64 kWrite = 64;
  constexpr u64 kExit = 93;
  constexpr u64 kNoSuchCall = static_cast<u64>(-38);  // -ENOSYS
  constexpr u64 kMaxWriteBytes = 1 * kMiB;
  const auto lies_in_ram = [&](u64 from, u64 bytes) {
    return from >= isa::RAM_BASE && from - isa::RAM_BASE <= image_.ram_bytes &&
           bytes <= image_.ram_bytes - (from - isa::RAM_BASE);
  };
  std::array<u64, 4> call{};  // number and three arguments; guest and host are little-endian
  const std::span<u8> call_bytes(reinterpret_cast<u8*>(call.data()), sizeof(call));
  if (!lies_in_ram(pa, sizeof(call))) {
    return fail(ErrorKind::image,
                "The program wrote {:#x} to tohost, which is no system call in RAM.", pa);
  }
  if (auto done = engine_->read_ram(kVm, pa, call_bytes); !done)
    return std::unexpected(std::move(done.error()));

  u64 result = kNoSuchCall;
  if (call[0] == kExit) {
    const u32 status = static_cast<u32>(call[1]);
    return RunEnd{EndReason::shutdown, status, status != 0};
  }
  if (call[0] == kWrite) {
    const u64 bytes = std::min(call[3], kMaxWriteBytes);
    if (!lies_in_ram(call[2], bytes)) {
      return fail(ErrorKind::image, "The program writes {} bytes from {:#x}, which are not in RAM.",
                  bytes, call[2]);
    }
    std::string text(bytes, '\0');
    const std::span<u8> out(reinterpret_cast<u8*>(text.data()), text.size());
    if (auto done = engine_->read_ram(kVm, static_cast<u32>(call[2]), out); !done) {
      return std::unexpected(std::move(done.error()));
    }
    if (auto done = print(text); !done) return std::unexpected(std::move(done.error()));
    result = bytes;
  }
  call[0] = result;
  if (auto done = engine_->write_ram(kVm, pa, call_bytes.first(sizeof(u64))); !done) {
    return std::unexpected(std::move(done.error()));
  }
  if (image_.layout.fromhost_pa != 0) {
    constexpr std::array<u8, 8> kOne{1};
    if (auto done = engine_->write_ram(kVm, image_.layout.fromhost_pa, kOne); !done) {
      return std::unexpected(std::move(done.error()));
    }
  }
  return std::nullopt;
}

// --- Waiting and typing ---

Machine::Turn Machine::serve_wfi(const Exit& exit) {
  if (!sleeping_) sleep_start_us_ = host_.now_us();
  sleeping_.reset();
  if (options_.input == InputMode::terminal && exit.arg0 != 0) return wait_on_terminal(exit.arg1);

  auto state = engine_->read_state(kVm);
  if (!state) return std::unexpected(std::move(state.error()));
  const u64 timer_steps = exit.arg0 != 0 ? exit.arg1 : steps_until_timer(*state);
  if (printed_since_idle_) quiet_since_ = guest_steps(*state);
  printed_since_idle_ = false;

  switch (options_.input) {
    case InputMode::terminal:
      if (timer_steps == kNever && !reads_uart(*state)) break;  // no key would wake it
      return wait_on_terminal(timer_steps);
    case InputMode::piped:
      return wait_on_pipe(*state, timer_steps);
    case InputMode::none:
      break;
  }
  return wait_for_nobody(*state, timer_steps);
}

// The guest sleeps: so does the host, until the timer or a key.
Machine::Turn Machine::wait_on_terminal(u64 timer_steps) {
  if (auto done = pull_typed(); !done) return std::unexpected(std::move(done.error()));
  auto pushed = push_typed(typed_.size());
  if (!pushed) return std::unexpected(std::move(pushed.error()));
  const u64 slept_us = host_.now_us() - sleep_start_us_;
  const u64 timer_us = timer_steps / kStepsPerUs;
  if (*pushed || timer_us < slept_us + kShortestSleepUs) {
    const u64 slept_steps = slept_us * kStepsPerUs;
    const u64 passed = *pushed ? std::min(slept_steps, timer_steps) : timer_steps;
    if (auto done = skip_time(passed); !done) return std::unexpected(std::move(done.error()));
    return std::nullopt;
  }
  if (typed_closed_ && timer_steps == kNever) return ended(EndReason::idle);
  return sleep_until_typed(timer_steps);
}

// Sleeps a little and leaves the machine where it is: the next turn looks again.
Machine::Turn Machine::sleep_until_typed(u64 timer_steps) {
  const u64 slept_us = host_.now_us() - sleep_start_us_;
  u64 slice_us = kSleepSliceUs;
  if (timer_steps != kNever) {
    const u64 timer_us = timer_steps / kStepsPerUs;
    slice_us = std::min(slice_us, timer_us > slept_us ? timer_us - slept_us : 1);
  }
  sleeping_ = Exit{kVm, isa::EXIT_WFI, timer_steps == kNever || timer_steps > 0xffffffffu ? 0u : 1u,
                   static_cast<u32>(timer_steps)};
  host_.sleep(slice_us);
  return std::nullopt;
}

Machine::Turn Machine::wait_on_pipe(const isa::MachineState& state, u64 timer_steps) {
  if (ctrl_d_typed_ || !is_time_to_type(state, timer_steps))
    return wait_for_nobody(state, timer_steps);
  auto typed = type_line();
  if (!typed) return std::unexpected(std::move(typed.error()));
  if (*typed) {
    if (auto done = engine_->resume(kVm); !done) return std::unexpected(std::move(done.error()));
    return std::nullopt;
  }
  if (typed_closed_ || !typed_.empty())
    return wait_for_nobody(state, timer_steps);  // no room in the UART
  // The program at the other end is still thinking.
  const u64 slept_us = host_.now_us() - sleep_start_us_;
  if (timer_steps != kNever && timer_steps / kStepsPerUs < slept_us + kShortestSleepUs) {
    if (auto done = skip_time(timer_steps); !done) return std::unexpected(std::move(done.error()));
    return std::nullopt;
  }
  return sleep_until_typed(timer_steps);
}

// Nothing is typed now: time moves on to the timer, or the run is over.
Machine::Turn Machine::wait_for_nobody(const isa::MachineState& state, u64 timer_steps) {
  const bool input_is_over = options_.input == InputMode::none || ctrl_d_typed_;
  if (timer_steps == kNever) {
    if (reads_uart(state) && input_is_over) return ended(EndReason::idle);
    return RunEnd{EndReason::stuck, 0, /*failed=*/!ctrl_d_typed_};
  }
  const u64 patience_us = last_printed_ == '\n' ? kIdleUs : kPromptIdleUs;
  if (input_is_over && quiet_us(state) >= patience_us) return ended(EndReason::idle);
  if (auto done = skip_time(timer_steps); !done) return std::unexpected(std::move(done.error()));
  return std::nullopt;
}

u64 Machine::quiet_us(const isa::MachineState& state) const {
  return (guest_steps(state) - quiet_since_) / kStepsPerUs;
}

// Whether the idle guest looks as if it waited for somebody to type.
bool Machine::is_time_to_type(const isa::MachineState& state, u64 timer_steps) const {
  const auto [ier, rx_count] = with(state, [](const auto& s) {
    return std::pair{s.uart.ier, s.uart.rx_count};
  });
  if (rx_count != 0) return false;  // it has not read the last bytes yet
  if (line_open_) return true;
  if ((ier & kUartReceiveInterrupt) == 0) return quiet_us(state) >= kPolledQuietUs;
  const bool at_prompt = last_printed_ != '\n';
  return at_prompt || timer_steps == kNever || quiet_us(state) >= kQuietUs;
}

Result<void> Machine::pull_typed() {
  if (typed_closed_) return {};
  auto input = host_.read_typed();
  if (!input) return std::unexpected(std::move(input.error()));
  typed_ += input->bytes;
  typed_closed_ = input->closed;
  return {};
}

// Types up to `max_bytes` of what is waiting; false if nothing was or nothing fitted.
Result<bool> Machine::push_typed(std::size_t max_bytes) {
  if (max_bytes == 0) return false;
  const std::span<const u8> bytes(reinterpret_cast<const u8*>(typed_.data()), max_bytes);
  auto count = engine_->push_input(kVm, bytes);
  if (!count) return std::unexpected(std::move(count.error()));
  typed_.erase(0, *count);
  return *count != 0;
}

// Types the next line, or as much of it as the UART takes; Ctrl-D after the last.
Result<bool> Machine::type_line() {
  if (typed_.find('\n') == std::string::npos) {
    if (auto done = pull_typed(); !done) return std::unexpected(std::move(done.error()));
    if (typed_closed_ && !typed_.empty() && typed_.back() != '\n') typed_ += '\n';
    if (typed_closed_ && typed_.empty()) typed_ += kCtrlD;
  }
  const std::size_t newline = typed_.find('\n');
  const std::size_t line_bytes = newline == std::string::npos ? typed_.size() : newline + 1;
  const std::size_t left_bytes = typed_.size() - line_bytes;
  const bool is_ctrl_d = typed_closed_ && typed_.size() == 1 && typed_[0] == kCtrlD;
  auto pushed = push_typed(line_bytes);
  if (!pushed) return pushed;
  line_open_ = typed_.size() > left_bytes;
  if (*pushed && is_ctrl_d) ctrl_d_typed_ = true;
  return pushed;
}

// Moves guest time on and lets the machine go on from its wfi.
Result<void> Machine::skip_time(u64 steps) {
  auto state = engine_->read_state(kVm);
  if (!state) return std::unexpected(std::move(state.error()));
  std::visit(
      [&](auto& s) {
        s.hart.time_skipped += steps;
        s.machine.run_state = isa::EXIT_NONE;
        s.machine.exit_arg0 = 0;
        s.machine.exit_arg1 = 0;
      },
      *state);
  return engine_->write_state(kVm, *state);
}

Result<MachineStatus> Machine::status() {
  auto dirty_pages = engine_->dirty_pages(kVm);
  if (!dirty_pages) return std::unexpected(std::move(dirty_pages.error()));
  auto state = engine_->read_state(kVm);
  if (!state) return std::unexpected(std::move(state.error()));
  MachineStatus status;
  status.engine = engine_->name();
  status.instructions = instructions_;
  status.wall_us = host_.now_us() - start_us_;
  status.mips = mips();
  status.dirty_pages = *dirty_pages;
  status.exits = exits_;
  status.guest_us = guest_steps(*state) / kStepsPerUs;
  return status;
}

}  // namespace rookery
