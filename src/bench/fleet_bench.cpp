// SPDX-License-Identifier: Apache-2.0
#include "bench/fleet_bench.h"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <vector>

#include <sys/resource.h>

namespace rookery::bench {
namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::string command_of(const std::string& text, u32 vm) {
  constexpr std::string_view kNumber = "{vm}";
  std::string command;
  for (size_t at = 0; at < text.size();) {
    if (text.compare(at, kNumber.size(), kNumber) == 0) {
      command += std::to_string(vm);
      at += kNumber.size();
    } else {
      command += text[at++];
    }
  }
  return command;
}

template <class T>
std::unexpected<Error> pass_on(Result<T>& failed) {
  return std::unexpected(std::move(failed.error()));
}

}  // namespace

Result<FleetTimes> time_fleet(const Snapshot& snapshot, const MakeEngine& make_engine, u32 machines,
                              const FleetRound& round) {
  FleetTimes times;
  times.machines = machines;
  const double begin = now();
  FleetConfig config;
  config.machines = machines;
  config.texts = {round.until};
  auto forked = Fleet::fork(snapshot, make_engine, config);
  if (!forked) return pass_on(forked);
  Fleet& fleet = **forked;
  // A hash waits for all that was begun.
  const u32 last = machines - 1;
  if (auto ready = fleet.state_hashes({&last, 1}); !ready) return pass_on(ready);
  times.fork_seconds = now() - begin;
  times.engine = fleet.engine_name();

  for (u32 vm = 0; vm < machines; ++vm) {
    Result<void> ok = fleet.type(vm, command_of(round.command, vm));
    if (ok) ok = fleet.stop_after(vm, round.max_instructions);
    if (!ok) return pass_on(ok);
  }
  const double start = now();
  const double cpu_start = cpu_seconds();
  while (fleet.running() != 0) {
    auto stops = fleet.run();
    if (!stops) return pass_on(stops);
    times.waited_for_memory = std::max(times.waited_for_memory, fleet.waiting_for_memory());
    for (const FleetStop& stop : *stops) {
      if (stop.reason == StopReason::text) ++times.finished;
    }
    if (times.busy_seconds == 0 && fleet.running() <= machines / 2)
      times.busy_seconds = now() - start;
  }
  times.run_seconds = now() - start;
  times.host_cpu_seconds = cpu_seconds() - cpu_start;
  times.instructions = fleet.instructions();
  std::vector<u32> all(machines);
  std::iota(all.begin(), all.end(), 0);
  auto dirty = fleet.dirty_page_counts(all);
  if (!dirty) return pass_on(dirty);
  times.dirty_pages = std::accumulate(dirty->begin(), dirty->end(), u64{0});
  const double before_reset = now();
  if (auto ok = fleet.reset(all); !ok) return pass_on(ok);
  if (auto ready = fleet.state_hashes({&last, 1}); !ready) return pass_on(ready);
  times.reset_seconds = now() - before_reset;
  return times;
}

}  // namespace rookery::bench
