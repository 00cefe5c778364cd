// SPDX-License-Identifier: Apache-2.0
#include "cli/debug_case.h"

#include <utility>

#include "cli/console.h"
#include "cli/exit_codes.h"
#include "cli/gdb_session.h"
#include "cli/terminal.h"
#include "engine/cpu/cpu_engine.h"
#include "engine/forwarding_engine.h"
#include "machine/machine.h"

namespace rookery::cli {
namespace {

constexpr u64 kDispatchUs = 20'000;

// Types what a case gets typed as a fleet does, at the same steps.
class TypingEngine final : public ForwardingEngine {
 public:
  TypingEngine(std::unique_ptr<Engine> engine, std::string typed)
      : ForwardingEngine(std::move(engine)), typed_(std::move(typed)) {}

  Result<RunReport> run(u64 max_steps) override {
    if (!std::exchange(begun_, true)) {
      if (auto ok = feed(); !ok) return std::unexpected(std::move(ok.error()));
    }
    auto report = ForwardingEngine::run(max_steps);
    if (!report) return report;
    Result<void> ok;
    std::erase_if(report->exits, [&](const Exit& exit) {
      if (exit.reason != isa::EXIT_INPUT) return false;
      if (ok) ok = feed();
      if (ok) ok = resume(exit.vm);
      return true;
    });
    if (!ok) return std::unexpected(std::move(ok.error()));
    return report;
  }

 private:
  Result<void> feed() {
    const std::span<const u8> bytes(reinterpret_cast<const u8*>(typed_.data()), typed_.size());
    auto taken = queue_input(0, bytes, typed_.size() > isa::INPUT_QUEUE_BYTES);
    if (!taken) return std::unexpected(std::move(taken.error()));
    typed_.erase(0, *taken);
    return {};
  }

  std::string typed_;
  bool begun_ = false;
};

}  // namespace

Result<int> debug_case(runner::LiftedCase lifted, std::unique_ptr<GdbListener> listener,
                       u64 begun_at, u64 limit) {
  Snapshot& snapshot = lifted.machine;
  EngineConfig config;
  config.xlen = snapshot.image.xlen;
  config.ram_bytes = snapshot.image.ram_bytes;
  std::string typed = std::exchange(snapshot.pending.typed, {});
  const auto make_engine = [&]() -> Result<std::unique_ptr<Engine>> {
    auto engine = create_cpu_engine(config);
    if (!engine) return engine;
    return std::make_unique<TypingEngine>(*std::move(engine), typed);
  };
  auto console = Console::open({});
  if (!console) return std::unexpected(std::move(console.error()));
  RunOptions options;
  options.max_instructions = begun_at + limit;
  options.dispatch_us = kDispatchUs;
  options.input = (*console)->input_mode();
  const u64 at = snapshot.instructions;
  auto machine = Machine::resume(std::move(snapshot), make_engine, options, **console);
  if (!machine) return std::unexpected(std::move(machine.error()));
  if (auto ok = (*machine)->engine().set_stuck(0, lifted.stuck); !ok)
    return std::unexpected(std::move(ok.error()));
  GdbSession gdb(std::move(listener), **machine, **console, at, std::nullopt);
  for (;;) {
    auto end = gdb.turn();
    if (!end) return std::unexpected(std::move(end.error()));
    if (!*end) continue;
    const int status = stop_signal() != 0 ? kExitSignalBase + stop_signal() : kExitGood;
    gdb.finish(status);
    (*console)->finish_line();
    (*console)->note(fmt::format("the case ends ({}) after {} instructions.",
                                 end_name((*end)->reason), (*machine)->instructions() - begun_at));
    return status;
  }
}

}  // namespace rookery::cli
