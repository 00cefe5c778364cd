// SPDX-License-Identifier: Apache-2.0
#include "machine/replay_input.h"

#include <string>
#include <utility>

namespace rookery {
namespace {

// "3 bytes are typed": an event as the end of "The recording says that, after 12345 instructions,".
std::string what_happens(const OutsideEvent& event) {
  struct Words {
    std::string operator()(const Typed& typed) const {
      return fmt::format("{} bytes are typed", typed.bytes.size());
    }
    std::string operator()(const TimeSkipped& skipped) const {
      return fmt::format("it waits and {} steps' worth of time go by", skipped.steps);
    }
    std::string operator()(const Rebooted&) const { return "it reboots"; }
    std::string operator()(const Ended& ended) const {
      if (ended.reason != EndReason::shutdown) return "the run ends";
      return fmt::format("it shuts down with status {}", ended.status);
    }
    std::string operator()(const StateHash& hash) const {
      return fmt::format("its state hash is {:016x}", hash.hash);
    }
    std::string operator()(const Reached&) const { return "it runs on"; }
  };
  return std::visit(Words{}, event.what);
}

class RecordedInput final : public ReplayInput {
 public:
  RecordedInput(const Recording& recording, InputMode mode, MachineHost& host)
      : recording_(recording), mode_(mode), host_(host) {}

  std::size_t position() const override { return position_; }
  void go_to(std::size_t position) override {
    position_ = position;
    agreed_at_ = 0;
  }

  void on_reset() override { agreed_at_ = 0; }
  void on_printed(std::string_view) override {}
  PendingInput pending() const override { return {}; }
  void go_on_with(PendingInput) override {}  // the recording knows when it was typed

  Result<DispatchAnswer> before_dispatch(InputPort& port) override {
    if (auto done = while_paused(); !done) return std::unexpected(std::move(done.error()));
    if (auto done = apply_due(port); !done) return std::unexpected(std::move(done.error()));
    const OutsideEvent* event = next();
    if (event == nullptr) {
      return DispatchAnswer{0, RunEnd{.reason = EndReason::recording_stops, .replayed = true}};
    }
    if (event->icount > port.icount())
      return DispatchAnswer{event->icount - port.icount(), std::nullopt};
    if (const Ended* ended = std::get_if<Ended>(&event->what);
        ended != nullptr && !is_the_guests(*ended)) {
      return DispatchAnswer{0, RunEnd{ended->reason, ended->status, ended->failed, true}};
    }
    return diverged(port, "runs on");
  }

  // What ends a wait takes place before the machine runs on.
  Result<WfiAnswer> on_wfi(const Exit&, InputPort& port) override {
    const OutsideEvent* event = next();
    if (event != nullptr && event->icount > port.icount()) return diverged(port, "waits in wfi");
    if (auto done = port.go_on(0); !done) return std::unexpected(std::move(done.error()));
    return WfiAnswer{};
  }

  Result<RunEnd> on_guest_end(const RunEnd& end, InputPort& port) override {
    if (auto done = apply_due(port); !done) return std::unexpected(std::move(done.error()));
    const OutsideEvent* event = next();
    if (event == nullptr) return RunEnd{end.reason, end.status, end.failed, true};
    const Ended expected{end.reason, end.status, end.failed};
    if (event->icount != port.icount() || event->what != decltype(event->what)(expected))
      return diverged(port, fmt::format("shuts down with status {}", end.status));
    return RunEnd{end.reason, end.status, end.failed, true};
  }

  Result<std::optional<RunEnd>> on_reboot(InputPort& port) override {
    if (auto done = apply_due(port); !done) return std::unexpected(std::move(done.error()));
    const OutsideEvent* event = next();
    if (event == nullptr) return RunEnd{.reason = EndReason::recording_stops, .replayed = true};
    if (event->icount == port.icount()) {
      if (std::holds_alternative<Rebooted>(event->what)) {
        position_ += 1;
        return std::nullopt;
      }
      const Ended* ended = std::get_if<Ended>(&event->what);
      if (ended != nullptr && ended->reason == EndReason::reboot_at_end)
        return RunEnd{ended->reason, ended->status, ended->failed, true};
    }
    return diverged(port, "reboots");
  }

  Result<void> while_paused() override {
    if (mode_ != InputMode::terminal || typed_closed_) return {};
    auto input = host_.read_typed();
    if (!input) return std::unexpected(std::move(input.error()));
    typed_closed_ = input->closed;
    return {};
  }

 private:
  const OutsideEvent* next() const {
    return position_ < recording_.events.size() ? &recording_.events[position_] : nullptr;
  }

  // The machine itself does these; the source only watches.
  static bool is_the_guests(const Ended& ended) {
    return ended.reason == EndReason::shutdown || ended.reason == EndReason::reboot_at_end;
  }

  // Lets everything take place that belongs to this count, up to a reboot or an end.
  Result<void> apply_due(InputPort& port) {
    for (const OutsideEvent* event = next(); event != nullptr && event->icount == port.icount();
         event = next()) {
      if (const Typed* typed = std::get_if<Typed>(&event->what)) {
        auto count = port.type(typed->bytes);
        if (!count) return std::unexpected(std::move(count.error()));
        if (*count != typed->bytes.size()) return diverged(port, "has no room for them");
      } else if (const TimeSkipped* skipped = std::get_if<TimeSkipped>(&event->what)) {
        if (auto done = port.go_on(skipped->steps); !done) return done;
      } else if (const StateHash* expected = std::get_if<StateHash>(&event->what)) {
        auto hash = port.state_hash();
        if (!hash) return std::unexpected(std::move(hash.error()));
        if (*hash != expected->hash)
          return diverged(port, fmt::format("has state hash {:016x}", *hash));
        agreed_at_ = event->icount;
      } else if (!std::holds_alternative<Reached>(event->what)) {
        break;
      }
      position_ += 1;
    }
    return {};
  }

  std::unexpected<Error> diverged(InputPort& port, std::string_view what_it_does) const {
    const OutsideEvent& event = recording_.events[position_];
    std::string agreed;
    if (agreed_at_ != 0) agreed = fmt::format(" State hashes agreed after {}.", agreed_at_);
    return fail(ErrorKind::internal,
                "The replay differs from the recording: after {} instructions the machine {}, but "
                "the recording says that after {} {}.{}",
                port.icount(), what_it_does, event.icount, what_happens(event), agreed);
  }

  const Recording& recording_;
  InputMode mode_;
  MachineHost& host_;
  std::size_t position_ = 0;  // of the next event
  u64 agreed_at_ = 0;         // the last count since the reset at which state hashes agreed
  bool typed_closed_ = false;
};

}  // namespace

std::unique_ptr<ReplayInput> make_replay_input(const Recording& recording, InputMode mode,
                                               MachineHost& host) {
  return std::make_unique<RecordedInput>(recording, mode, host);
}

}  // namespace rookery
