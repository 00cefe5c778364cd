// SPDX-License-Identifier: Apache-2.0
#include "machine/live_input.h"

#include <algorithm>
#include <string>
#include <utility>

#include "machine/guest_time.h"

namespace rookery {
namespace {

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

// How far the hart's next timer is, also when it is further than the engine's own 32-bit answer
// goes.
u64 steps_until_timer(const MachineState& state) {
  return std::visit(
      [](const auto& s) {
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
      },
      state);
}

bool reads_uart(const MachineState& state) {
  return std::visit([](const auto& s) { return (s.uart.ier & kUartReceiveInterrupt) != 0; }, state);
}

WfiAnswer ended(EndReason reason, bool failed = false) {
  return {false, RunEnd{.reason = reason, .failed = failed}};
}

class LiveInput final : public InputSource {
 public:
  LiveInput(InputMode mode, MachineHost& host) : mode_(mode), host_(host) {}

  void on_reset() override {
    line_open_ = false;
    last_printed_ = '\n';
    printed_since_idle_ = false;
    quiet_since_ = 0;
  }

  PendingInput pending() const override {
    if (is_ctrl_d_alone()) return {};  // nobody typed it
    return {typed_, line_open_};
  }

  void go_on_with(PendingInput pending) override {
    typed_ = std::move(pending.typed);
    line_open_ = pending.line_is_open;
  }

  void on_printed(std::string_view bytes) override {
    last_printed_ = bytes.back();
    printed_since_idle_ = true;
  }

  Result<DispatchAnswer> before_dispatch(InputPort& port) override {
    if (mode_ != InputMode::terminal) return DispatchAnswer{};
    if (auto done = pull_typed(); !done) return std::unexpected(std::move(done.error()));
    if (auto done = push_typed(port, typed_.size()); !done)
      return std::unexpected(std::move(done.error()));
    return DispatchAnswer{};
  }

  Result<WfiAnswer> on_wfi(const Exit& exit, InputPort& port) override {
    if (!asleep_) sleep_start_us_ = port.now_us();
    asleep_ = false;
    auto answer = answer_wfi(exit, port);
    asleep_ = answer && answer->sleeps;
    return answer;
  }

  Result<RunEnd> on_guest_end(const RunEnd& end, InputPort&) override { return end; }

  Result<std::optional<RunEnd>> on_reboot(InputPort&) override {
    if (ctrl_d_typed_) return RunEnd{.reason = EndReason::reboot_at_end};
    return std::nullopt;
  }

  Result<void> while_paused() override {
    if (mode_ != InputMode::terminal) return {};
    return pull_typed();
  }

 private:
  Result<WfiAnswer> answer_wfi(const Exit& exit, InputPort& port) {
    if (mode_ == InputMode::terminal && exit.arg0 != 0) return wait_on_terminal(port, exit.arg1);

    auto state = port.state();
    if (!state) return std::unexpected(std::move(state.error()));
    const u64 timer_steps = exit.arg0 != 0 ? exit.arg1 : steps_until_timer(*state);
    if (printed_since_idle_) quiet_since_ = guest_steps(*state);
    printed_since_idle_ = false;

    switch (mode_) {
      case InputMode::terminal:
        if (timer_steps == kNever && !reads_uart(*state)) break;  // no key would wake it
        return wait_on_terminal(port, timer_steps);
      case InputMode::piped:
        return wait_on_pipe(port, *state, timer_steps);
      case InputMode::none:
        break;
    }
    return wait_for_nobody(port, *state, timer_steps);
  }

  static Result<WfiAnswer> go_on(InputPort& port, u64 skipped_steps) {
    if (auto done = port.go_on(skipped_steps); !done)
      return std::unexpected(std::move(done.error()));
    return WfiAnswer{};
  }

  // The guest sleeps: so does the host, until the timer or a key.
  Result<WfiAnswer> wait_on_terminal(InputPort& port, u64 timer_steps) {
    if (auto done = pull_typed(); !done) return std::unexpected(std::move(done.error()));
    auto pushed = push_typed(port, typed_.size());
    if (!pushed) return std::unexpected(std::move(pushed.error()));
    const u64 slept_us = port.now_us() - sleep_start_us_;
    const u64 timer_us = timer_steps / kStepsPerUs;
    if (*pushed || timer_us < slept_us + kShortestSleepUs) {
      const u64 slept_steps = slept_us * kStepsPerUs;
      return go_on(port, *pushed ? std::min(slept_steps, timer_steps) : timer_steps);
    }
    if (typed_closed_ && timer_steps == kNever) return ended(EndReason::idle);
    return sleep_until_typed(port, timer_steps);
  }

  // Sleeps a little and leaves the machine where it is: the next turn looks again.
  Result<WfiAnswer> sleep_until_typed(InputPort& port, u64 timer_steps) {
    const u64 slept_us = port.now_us() - sleep_start_us_;
    u64 slice_us = kSleepSliceUs;
    if (timer_steps != kNever) {
      const u64 timer_us = timer_steps / kStepsPerUs;
      slice_us = std::min(slice_us, timer_us > slept_us ? timer_us - slept_us : 1);
    }
    host_.sleep(slice_us);
    return WfiAnswer{.sleeps = true, .end = std::nullopt};
  }

  Result<WfiAnswer> wait_on_pipe(InputPort& port, const MachineState& state, u64 timer_steps) {
    if (ctrl_d_typed_ || !is_time_to_type(state, timer_steps))
      return wait_for_nobody(port, state, timer_steps);
    auto typed = type_line(port);
    if (!typed) return std::unexpected(std::move(typed.error()));
    if (*typed) return go_on(port, 0);
    if (typed_closed_ || !typed_.empty())
      return wait_for_nobody(port, state, timer_steps);  // no room in the UART
    // The program at the other end is still thinking.
    const u64 slept_us = port.now_us() - sleep_start_us_;
    if (timer_steps != kNever && timer_steps / kStepsPerUs < slept_us + kShortestSleepUs)
      return go_on(port, timer_steps);
    return sleep_until_typed(port, timer_steps);
  }

  // Nothing is typed now: time moves on to the timer, or the run is over.
  Result<WfiAnswer> wait_for_nobody(InputPort& port, const MachineState& state, u64 timer_steps) {
    const bool input_is_over = mode_ == InputMode::none || ctrl_d_typed_;
    if (timer_steps == kNever) {
      if (reads_uart(state) && input_is_over) return ended(EndReason::idle);
      return ended(EndReason::stuck, /*failed=*/!ctrl_d_typed_);
    }
    const u64 patience_us = last_printed_ == '\n' ? kIdleUs : kPromptIdleUs;
    if (input_is_over && quiet_us(state) >= patience_us) return ended(EndReason::idle);
    return go_on(port, timer_steps);
  }

  u64 quiet_us(const MachineState& state) const {
    return (guest_steps(state) - quiet_since_) / kStepsPerUs;
  }

  // Whether the idle guest looks as if it waited for somebody to type.
  bool is_time_to_type(const MachineState& state, u64 timer_steps) const {
    const u32 rx_count = std::visit([](const auto& s) { return s.uart.rx_count; }, state);
    if (rx_count != 0) return false;  // it has not read the last bytes yet
    if (line_open_) return true;
    if (!reads_uart(state)) return quiet_us(state) >= kPolledQuietUs;
    const bool at_prompt = last_printed_ != '\n';
    return at_prompt || timer_steps == kNever || quiet_us(state) >= kQuietUs;
  }

  Result<void> pull_typed() {
    if (typed_closed_) return {};
    auto input = host_.read_typed();
    if (!input) return std::unexpected(std::move(input.error()));
    typed_ += input->bytes;
    typed_closed_ = input->closed;
    return {};
  }

  // Types up to `max_bytes` of what is waiting; false if nothing was or nothing fitted.
  Result<bool> push_typed(InputPort& port, std::size_t max_bytes) {
    if (max_bytes == 0) return false;
    auto count = port.type(std::string_view(typed_).substr(0, max_bytes));
    if (!count) return std::unexpected(std::move(count.error()));
    typed_.erase(0, *count);
    return *count != 0;
  }

  // Types the next line, or as much of it as the UART takes; Ctrl-D after the last.
  Result<bool> type_line(InputPort& port) {
    if (typed_.find('\n') == std::string::npos) {
      if (auto done = pull_typed(); !done) return std::unexpected(std::move(done.error()));
      if (typed_closed_ && !typed_.empty() && typed_.back() != '\n') typed_ += '\n';
      if (typed_closed_ && typed_.empty()) typed_ += kCtrlD;
    }
    const std::size_t newline = typed_.find('\n');
    const std::size_t line_bytes = newline == std::string::npos ? typed_.size() : newline + 1;
    const std::size_t left_bytes = typed_.size() - line_bytes;
    const bool is_ctrl_d = is_ctrl_d_alone();
    auto pushed = push_typed(port, line_bytes);
    if (!pushed) return pushed;
    line_open_ = typed_.size() > left_bytes;
    if (*pushed && is_ctrl_d) ctrl_d_typed_ = true;
    return pushed;
  }

  // The end of the input.
  bool is_ctrl_d_alone() const {
    return typed_closed_ && typed_.size() == 1 && typed_[0] == kCtrlD;
  }

  InputMode mode_;
  MachineHost& host_;

  bool asleep_ = false;  // the host sleeps through a wfi, and since when
  u64 sleep_start_us_ = 0;

  std::string typed_;          // from the host, not yet in the UART
  bool typed_closed_ = false;  // the host has no more
  bool ctrl_d_typed_ = false;
  bool line_open_ = false;  // a piped line is partly in the UART
  char last_printed_ = '\n';
  bool printed_since_idle_ = false;
  u64 quiet_since_ = 0;  // guest time (steps) at the first idle moment after it last printed
};

}  // namespace

std::unique_ptr<InputSource> make_live_input(InputMode mode, MachineHost& host) {
  return std::make_unique<LiveInput>(mode, host);
}

}  // namespace rookery
