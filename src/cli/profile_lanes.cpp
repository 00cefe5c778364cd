// SPDX-License-Identifier: Apache-2.0
#include "cli/profile_lanes.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "engine/cpu/cpu_engine.h"
#include "machine/machine.h"

namespace rookery::cli {
namespace {

constexpr u32 kA0 = 10;
// How far one machine runs ahead of the others.
constexpr u64 kAheadSteps = 10'000;

std::string typed_by(u32 lane, const std::string& text) {
  constexpr std::string_view kPlace = "{lane}";
  std::string typed;
  std::size_t at = 0;
  for (std::size_t place = text.find(kPlace); place != std::string::npos;
       place = text.find(kPlace, at)) {
    typed += text.substr(at, place - at) + std::to_string(lane);
    at = place + kPlace.size();
  }
  return typed + text.substr(at);
}

// One of the machines, and its host: nobody reads what it prints, and no time goes by.
class Lane final : private MachineHost {
 public:
  static Result<std::unique_ptr<Lane>> create(const BootImage& image, u32 number,
                                              const LaneOptions& options) {
    std::unique_ptr<Lane> lane(new Lane);
    lane->typed_ = typed_by(number, options.typed);
    RunOptions run;
    run.input = options.typed.empty() ? InputMode::none : InputMode::piped;
    const EngineConfig config = {.xlen = image.xlen, .ram_bytes = image.ram_bytes};
    auto machine = Machine::create(
        image, [config] { return create_cpu_engine(config); }, run, *lane);
    if (!machine) return std::unexpected(std::move(machine.error()));
    lane->machine_ = *std::move(machine);
    if (options.seeds_a0) {
      Engine& engine = lane->machine_->engine();
      auto state = engine.read_state(0);
      if (!state) return std::unexpected(std::move(state.error()));
      std::visit([&](auto& s) { s.hart.x[kA0] = number; }, *state);
      if (auto done = engine.write_state(0, *state); !done)
        return std::unexpected(std::move(done.error()));
    }
    return lane;
  }

  Result<void> begin_records() { return machine_->engine().set_trace(0, TraceOptions{}); }

  // Goes on to that count. False: the machine ended before.
  Result<bool> run_to(u64 count, Divergence* divergence, u32 number) {
    machine_->set_max_instructions(count);
    for (bool ends = false; !ends;) {
      auto end = machine_->turn();
      if (!end) return std::unexpected(std::move(end.error()));
      if (*end && (**end).reason == EndReason::instructions) ends = true;
      if (divergence != nullptr) divergence->add(number, machine_->engine().take_trace(0));
      if (rebooted_ || (*end && !ends)) return false;
    }
    return true;
  }

 private:
  Lane() = default;

  u64 now_us() override { return time_us_ += 1; }
  Result<void> print(std::string_view) override { return {}; }
  Result<TypedInput> read_typed() override { return TypedInput{std::exchange(typed_, {}), true}; }
  void sleep(u64 us) override { time_us_ += us; }
  bool stop_requested() override { return false; }
  void saw_exit(const Exit& exit, u64) override { rebooted_ |= exit.reason == isa::EXIT_REBOOT; }

  std::string typed_;
  u64 time_us_ = 0;
  bool rebooted_ = false;
  std::unique_ptr<Machine> machine_;
};

}  // namespace

Result<DivergenceReport> compare_lanes(const BootImage& image, const LaneOptions& options,
                                       Console& console) {
  Divergence divergence(options.lanes);
  std::vector<std::unique_ptr<Lane>> lanes;
  for (u32 number = 0; number < options.lanes; ++number) {
    auto lane = Lane::create(image, number, options);
    if (!lane) return std::unexpected(std::move(lane.error()));
    lanes.push_back(*std::move(lane));
  }
  u32 running = options.lanes;
  const auto run_all = [&](u64 count, Divergence* counted) -> Result<void> {
    for (u32 number = 0; number < options.lanes; ++number) {
      if (lanes[number] == nullptr) continue;
      auto goes_on = lanes[number]->run_to(count, counted, number);
      if (!goes_on) return std::unexpected(std::move(goes_on.error()));
      if (!*goes_on) {
        divergence.end(number);
        lanes[number].reset();
        running -= 1;
      }
    }
    return {};
  };
  const u64 start_us = console.now_us();
  u64 done_steps = 0;
  for (u64 count = options.from;; count = std::min(count + kAheadSteps, options.to)) {
    const bool counts = count != options.from;
    if (auto done = run_all(count, counts ? &divergence : nullptr); !done)
      return std::unexpected(std::move(done.error()));
    if (counts) divergence.advance();
    if (running == 0 || count >= options.to || console.stop_requested()) break;
    if (!counts) {
      for (const auto& lane : lanes) {
        if (lane == nullptr) continue;
        if (auto done = lane->begin_records(); !done)
          return std::unexpected(std::move(done.error()));
      }
    }
    done_steps += u64{running} * kAheadSteps;
    console.show_progress(count, static_cast<double>(done_steps) /
                                     static_cast<double>(console.now_us() - start_us + 1));
  }
  for (u32 number = 0; number < options.lanes; ++number) divergence.end(number);
  divergence.advance();
  return divergence.report();
}

}  // namespace rookery::cli
