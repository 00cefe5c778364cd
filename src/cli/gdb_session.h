// SPDX-License-Identifier: Apache-2.0
// A machine that gdb may attach to (`rookery run --gdb`): the listener, the stub and the machine
// together, a turn at a time. The machine runs to a count, and stands still there. One that is
// replayed can go back, and stands still at its end.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cli/console.h"
#include "cli/gdb_listener.h"
#include "debug/debug_target.h"
#include "debug/gdb_server.h"
#include "debug/history.h"
#include "machine/machine.h"

namespace rookery::cli {

class GdbSession final : private debug::DebuggedMachine {
 public:
  // `machine` and `console` must outlive the session. `at` is where the machine waits for gdb:
  // instructions. With a history, it can go back.
  GdbSession(std::unique_ptr<GdbListener> listener, Machine& machine, Console& console, u64 at,
             std::optional<debug::History> history);

  // What gdb wants, and a dispatch if the machine is to run. Empty: go on.
  Result<std::optional<RunEnd>> turn();

  // The machine stands still.
  bool holds() const { return server_.holds(); }

  // Tells gdb with which status the program ends.
  void finish(int status);

 private:
  Engine& engine() override { return machine_.engine(); }
  u32 vm() const override { return 0; }
  Result<debug::Progress> run(u64 max_steps) override;
  Result<std::string> status() override;
  bool can_go_back() const override { return history_.has_value(); }
  u64 count() override { return machine_.instructions(); }
  Result<void> go_back(u64 count) override;
  Result<void> keep() override { return history_->keep(); }
  Result<void> exchange();
  void announce();

  std::unique_ptr<GdbListener> listener_;
  Machine& machine_;
  Console& console_;
  std::optional<debug::History> history_;
  debug::DebugTarget target_;
  debug::GdbServer server_;
  u64 at_;
  bool announced_ = false;
  std::optional<RunEnd> end_;
  bool pauses_ = false;  // the machine, and not the monitor does
};

}  // namespace rookery::cli
