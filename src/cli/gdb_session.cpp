// SPDX-License-Identifier: Apache-2.0
#include "cli/gdb_session.h"

#include <limits>
#include <utility>

namespace rookery::cli {
namespace {

// gdb's last packet is worth waiting for a reader that is alive.
constexpr int kFarewellMs = 500;

}  // namespace

GdbSession::GdbSession(std::unique_ptr<GdbListener> listener, Machine& machine, Console& console,
                       u64 at, std::optional<debug::History> history)
    : listener_(std::move(listener)),
      machine_(machine),
      console_(console),
      history_(std::move(history)),
      target_(*this),
      server_(target_),
      at_(at) {
  if (!listener_->is_loopback()) {
    console_.note("whoever reaches that address controls the machine: gdb asks for no password.");
  }
}

void GdbSession::announce() {
  announced_ = true;
  std::string text = fmt::format("waiting for gdb: target remote {}", listener_->address());
  if (end_) text += fmt::format(" (the machine's end, after {} instructions)", count());
  console_.note(text);
  console_.wake_on(this, listener_->descriptors());
}

Result<std::optional<RunEnd>> GdbSession::turn() {
  if (!announced_) {
    if (count() < at_ && !end_) {
      auto progress = run(at_ - count());
      if (!progress) return std::unexpected(std::move(progress.error()));
      return can_go_back() ? std::nullopt : end_;
    }
    announce();
  }
  if (auto done = exchange(); !done) return std::unexpected(std::move(done.error()));
  if (server_.wants_end()) return RunEnd{EndReason::stopped, 0, false};
  if (!server_.holds()) {
    if (auto done = server_.turn(); !done) return std::unexpected(std::move(done.error()));
    return can_go_back() && server_.is_attached() ? std::nullopt : end_;
  }
  if (!machine_.is_paused()) {
    machine_.pause();
    pauses_ = true;
  }
  return machine_.turn();
}

Result<void> GdbSession::exchange() {
  const bool had_client = listener_->has_client();
  const bool was_attached = server_.is_attached();
  if (auto done = listener_->exchange(server_, console_); !done) return done;
  if (listener_->has_client() != had_client) console_.wake_on(this, listener_->descriptors());
  if (was_attached && !server_.is_attached()) {
    console_.note(server_.holds()
                      ? "gdb is gone: the machine stands still until another one attaches."
                      : "gdb is gone: the machine runs on.");
  }
  return {};
}

Result<debug::Progress> GdbSession::run(u64 max_steps) {
  if (end_) return debug::Progress{.ended = true};
  const u64 before = machine_.instructions();
  if (pauses_ || !machine_.is_paused()) machine_.resume(max_steps);
  pauses_ = max_steps != std::numeric_limits<u64>::max();
  auto end = machine_.turn();
  if (!end) return std::unexpected(std::move(end.error()));
  end_ = *end;
  if (history_) {
    if (auto done = history_->note(); !done) return std::unexpected(std::move(done.error()));
  }
  return debug::Progress{machine_.instructions() - before, end_.has_value(),
                         machine_.take_stop_point()};
}

Result<void> GdbSession::go_back(u64 count) {
  end_.reset();
  return history_->go_back(count);
}

Result<std::string> GdbSession::status() {
  auto status = machine_.status();
  if (!status) return std::unexpected(std::move(status.error()));
  return status_line(*status);
}

void GdbSession::finish(int status) {
  server_.machine_ended(status);
  listener_->finish(server_, kFarewellMs);
}

}  // namespace rookery::cli
