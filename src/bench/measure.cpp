// SPDX-License-Identifier: Apache-2.0
#include "bench/measure.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>
#include <utility>

#include "engine/cpu/cpu_engine.h"

namespace rookery::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr u32 kFirstSeed = 1;
constexpr u64 kSlowFirstSteps = 1'000;  // of an emulated adapter's first dispatch
constexpr u64 kNoLimit = ~u64{0} >> 1;
constexpr double kWarmUpShare = 0.3;     // of the measured time, at least
constexpr double kMaxWarmUpShare = 2;    // at most, even if the workload still sets itself up
constexpr u64 kCpuChunkSteps = 500'000;  // a few ms

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// A part of a run.
struct Part {
  double seconds = 0;
  u64 steps = 0;
};

Result<void> check_stop(const MeasureOptions& options) {
  if (options.stop_requested && options.stop_requested())
    return fail(ErrorKind::internal, "Stopped on request.");
  return {};
}

Speed speed_of(std::vector<double> rates, u64 instructions, double seconds) {
  std::sort(rates.begin(), rates.end());
  return {rates[rates.size() / 2],        rates.front(), rates.back(),
          static_cast<u32>(rates.size()), instructions,  seconds};
}

// Joins the parts, which follow each other, into at most kMaxSamples samples.
Speed summarize(const std::vector<Part>& parts, u32 machines) {
  Part all;
  std::vector<double> rates;
  const size_t samples = std::min<size_t>(parts.size(), kMaxSamples);
  for (size_t i = 0; i < samples; ++i) {
    Part sample;
    for (size_t p = i * parts.size() / samples; p < (i + 1) * parts.size() / samples; ++p) {
      sample = {sample.seconds + parts[p].seconds, sample.steps + parts[p].steps};
    }
    rates.push_back(static_cast<double>(sample.steps) * machines / sample.seconds);
    all = {all.seconds + sample.seconds, all.steps + sample.steps};
  }
  return speed_of(std::move(rates), all.steps * machines, all.seconds);
}

// Compares some machines, each of which should have made `steps` steps, with the CPU engine's.
Result<void> verify(Engine& engine, const Workload& workload, bool divergent, u64 steps) {
  const u32 machines = engine.config().vm_count;
  std::vector<u32> sample = {0, machines / 2, machines - 1};
  sample.erase(std::unique(sample.begin(), sample.end()), sample.end());
  std::unique_ptr<Engine> oracle;
  u64 expected_hash = 0;
  for (const u32 vm : sample) {
    auto state = engine.read_state(vm);
    if (!state) return std::unexpected(std::move(state.error()));
    if (icount_of(*state) != steps) {
      return fail(ErrorKind::internal, "Machine {} of {} has made {} steps where {} were reported.",
                  vm, machines, icount_of(*state), steps);
    }
    if (oracle == nullptr || divergent) {
      auto made = create_cpu_engine(engine_config(workload, 1));
      if (!made) return std::unexpected(std::move(made.error()));
      oracle = std::move(*made);
      if (auto ok = load(*oracle, workload, false, kFirstSeed + (divergent ? vm : 0)); !ok)
        return ok;
      if (auto ok = run_exactly(*oracle, steps); !ok) return ok;
      auto hash = oracle->state_hash(0);
      if (!hash) return std::unexpected(std::move(hash.error()));
      expected_hash = *hash;
    }
    auto hash = engine.state_hash(vm);
    if (!hash) return std::unexpected(std::move(hash.error()));
    if (*hash != expected_hash) {
      return fail(ErrorKind::internal,
                  "Machine {} of {} computed wrongly: after {} steps its state hash is {:016x}, on "
                  "the CPU engine it is "
                  "{:016x}.",
                  vm, machines, steps, *hash, expected_hash);
    }
    if (steps < 2 * workload.setup_steps || !workload.seeded) continue;
    auto rounds = rounds_done(engine, workload, vm);
    if (!rounds) return std::unexpected(std::move(rounds.error()));
    if (*rounds == 0) {
      return fail(ErrorKind::internal, "Machine {} of {} has done no round of work in {} steps.",
                  vm, machines, steps);
    }
  }
  return {};
}

std::string description(const Workload& workload, u32 machines, bool divergent) {
  return fmt::format("measuring {} ({}) on {} {}machine{}", workload.kernel, workload.flavour,
                     machines, divergent ? "divergent " : "", machines == 1 ? "" : "s");
}

}  // namespace

Result<Speed> measure_engine(const MakeEngine& make, const Workload& workload, u32 machines,
                             bool divergent, const MeasureOptions& options) {
  const auto during = [&](Error&& error) {
    return std::unexpected(std::move(error).during(description(workload, machines, divergent)));
  };
  auto made = make(engine_config(workload, machines));
  if (!made) return during(std::move(made.error()));
  Engine& engine = **made;
  if (auto ok = load(engine, workload, divergent, kFirstSeed); !ok)
    return during(std::move(ok.error()));

  u64 steps = 0;  // made by every machine
  const u64 end = workload.max_steps == 0 ? kNoLimit : workload.max_steps;
  const auto dispatch = [&](u64 max_steps) -> Result<Part> {
    if (auto ok = check_stop(options); !ok) return std::unexpected(std::move(ok.error()));
    const auto start = Clock::now();
    auto report = engine.run(std::min(max_steps, end - steps));
    const double seconds = seconds_since(start);
    if (!report) return std::unexpected(std::move(report.error()));
    if (!report->exits.empty() || report->steps == 0) {
      const Exit exit = report->exits.empty() ? Exit{} : report->exits.front();
      return fail(ErrorKind::internal, "Machine {} stopped: exit {} ({}, {}).", exit.vm,
                  exit.reason, exit.arg0, exit.arg1);
    }
    steps += report->steps;
    return Part{seconds, report->steps};
  };

  // The first dispatch uploads, and may compile; those after it let the engine find its dispatch
  // length.
  Result<Part> part = dispatch(options.slow ? kSlowFirstSteps : kNoLimit);
  if (!part) return during(std::move(part.error()));
  for (double warm = 0; workload.max_steps == 0 && (warm < kWarmUpShare * options.seconds ||
                                                    (steps < workload.setup_steps &&
                                                     warm < kMaxWarmUpShare * options.seconds));) {
    part = dispatch(kNoLimit);
    if (!part) return during(std::move(part.error()));
    warm += part->seconds;
  }
  std::vector<Part> parts;
  for (double measured = 0;
       steps < end && (measured < options.seconds || parts.size() < kMinSamples);) {
    part = dispatch(kNoLimit);
    if (!part) return during(std::move(part.error()));
    measured += part->seconds;
    parts.push_back(*part);
  }
  if (parts.empty()) {
    return during({ErrorKind::internal,
                   fmt::format("The workload's {} steps ended with the first dispatch.", end),
                   {}});
  }
  if (auto ok = verify(engine, workload, divergent, steps); !ok)
    return during(std::move(ok.error()));
  return summarize(parts, machines);
}

Result<Speed> measure_cpu(const Workload& workload, u32 threads, const MeasureOptions& options) {
  struct Worker {
    std::unique_ptr<Engine> engine;
    Part part;
    Result<void> result;
  };
  std::vector<Worker> workers(threads);

  const auto renew = [&](Worker& worker, u32 number) -> Result<void> {
    auto made = create_cpu_engine(engine_config(workload, 1));
    if (!made) return std::unexpected(std::move(made.error()));
    worker.engine = std::move(*made);
    return load(*worker.engine, workload, false, kFirstSeed + number);
  };
  const auto warm_up = [&](Worker& worker, u32 number) -> Result<void> {
    if (auto ok = renew(worker, number); !ok) return ok;
    return run_exactly(*worker.engine, workload.max_steps == 0
                                           ? workload.setup_steps + kCpuChunkSteps
                                           : workload.max_steps);
  };
  // A workload that ends begins again; only what is executed counts, not the loading.
  const auto work = [&](Worker& worker, u32 number, double seconds) -> Result<void> {
    worker.part = {};
    while (worker.part.seconds < seconds) {
      if (auto ok = check_stop(options); !ok) return ok;
      const u64 steps = workload.max_steps == 0 ? kCpuChunkSteps : workload.max_steps;
      if (workload.max_steps != 0) {
        if (auto ok = renew(worker, number); !ok) return ok;
      }
      const auto start = Clock::now();
      if (auto ok = run_exactly(*worker.engine, steps); !ok) return ok;
      worker.part.seconds += seconds_since(start);
      worker.part.steps += steps;
    }
    return {};
  };
  const auto on_all = [&](auto&& task) -> Result<void> {
    std::vector<std::thread> running;
    for (u32 i = 1; i < threads; ++i)
      running.emplace_back([&, i] { workers[i].result = task(workers[i], i); });
    workers[0].result = task(workers[0], 0);
    for (std::thread& thread : running) thread.join();
    for (Worker& worker : workers) {
      if (!worker.result) return std::move(worker.result);
    }
    return {};
  };

  Result<void> ok = on_all(warm_up);
  std::vector<double> rates;
  u64 instructions = 0;
  double seconds = 0;
  for (u32 sample = 0; ok && sample < kMaxSamples; ++sample) {
    ok = on_all([&](Worker& worker, u32 number) {
      return work(worker, number, options.seconds / kMaxSamples);
    });
    double rate = 0;
    double longest = 0;
    for (const Worker& worker : workers) {
      if (worker.part.seconds > 0)
        rate += static_cast<double>(worker.part.steps) / worker.part.seconds;
      longest = std::max(longest, worker.part.seconds);
      instructions += worker.part.steps;
    }
    seconds += longest;
    rates.push_back(rate);
  }
  for (u32 i = 0; ok && i < threads && workload.seeded; ++i) {
    auto rounds = rounds_done(*workers[i].engine, workload, 0);
    if (!rounds) {
      ok = std::unexpected(std::move(rounds.error()));
    } else if (*rounds == 0) {
      ok = fail(ErrorKind::internal, "The kernel has done no round of work.");
    }
  }
  if (!ok) {
    return std::unexpected(std::move(ok.error())
                               .during(fmt::format("measuring {} ({}) on {} CPU threads",
                                                   workload.kernel, workload.flavour, threads)));
  }
  return speed_of(std::move(rates), instructions, seconds);
}

}  // namespace rookery::bench
