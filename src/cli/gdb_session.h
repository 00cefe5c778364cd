// SPDX-License-Identifier: Apache-2.0
// A machine that gdb may attach to (`rookery run --gdb`): the listener, the stub and the machine
// together, a turn at a time. The machine stands still at first.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cli/console.h"
#include "cli/gdb_listener.h"
#include "debug/debug_target.h"
#include "debug/gdb_server.h"
#include "machine/machine.h"

namespace rookery::cli {

// "22.4 M instructions, 103.1 MIPS, CPU engine, ...": a machine's status in one line.
std::string status_line(const MachineStatus& status);

class GdbSession final : private debug::DebuggedMachine {
 public:
  // `machine` and `console` must outlive the session.
  GdbSession(std::unique_ptr<GdbListener> listener, Machine& machine, Console& console);

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
  Result<void> exchange();

  std::unique_ptr<GdbListener> listener_;
  Machine& machine_;
  Console& console_;
  debug::DebugTarget target_;
  debug::GdbServer server_;
  std::optional<RunEnd> end_;
  bool pauses_ = false;  // the machine, and not the monitor does
};

}  // namespace rookery::cli
