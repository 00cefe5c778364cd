// SPDX-License-Identifier: Apache-2.0
#include "cli/gdb_session.h"

#include <limits>
#include <utility>

#include "base/file.h"

namespace rookery::cli {
namespace {

// gdb's last packet is worth waiting for a reader that is alive.
constexpr int kFarewellMs = 500;

}  // namespace

std::string status_line(const MachineStatus& status) {
  return fmt::format(
      "{} instructions, {:.1f} MIPS, {} engine, {} dirty pages ({}), {:.1f} s of guest time.",
      count_text(status.instructions), status.mips, status.engine, status.dirty_pages,
      size_text(status.dirty_pages * isa::PAGE_BYTES), static_cast<double>(status.guest_us) / 1e6);
}

GdbSession::GdbSession(std::unique_ptr<GdbListener> listener, Machine& machine, Console& console)
    : listener_(std::move(listener)),
      machine_(machine),
      console_(console),
      target_(*this),
      server_(target_) {
  console_.note(fmt::format("waiting for gdb: target remote {}", listener_->address()));
  if (!listener_->is_loopback()) {
    console_.note("whoever reaches that address controls the machine: gdb asks for no password.");
  }
  console_.wake_on(this, listener_->descriptors());
}

Result<std::optional<RunEnd>> GdbSession::turn() {
  if (auto done = exchange(); !done) return std::unexpected(std::move(done.error()));
  if (server_.wants_end()) return RunEnd{EndReason::stopped, 0, false};
  if (server_.holds()) {
    if (!machine_.is_paused()) {
      machine_.pause();
      pauses_ = true;
    }
    return machine_.turn();
  }
  if (auto done = server_.turn(); !done) return std::unexpected(std::move(done.error()));
  return end_;
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
  const u64 before = machine_.instructions();
  if (pauses_ || !machine_.is_paused()) machine_.resume(max_steps);
  pauses_ = max_steps != std::numeric_limits<u64>::max();
  auto end = machine_.turn();
  if (!end) return std::unexpected(std::move(end.error()));
  end_ = *end;
  return debug::Progress{machine_.instructions() - before, end_.has_value(),
                         machine_.take_stop_point()};
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
