// SPDX-License-Identifier: Apache-2.0
#include "fuzz/fuzz.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "debug/compare_engines.h"
#include "engine/state_hash.h"
#include "fuzz/investigate.h"
#include "fuzz/random_machine.h"

namespace rookery::fuzz {
namespace {

constexpr u32 kCasesATask = 128;  // of the oracle: one engine runs them one after the other

template <class T>
std::unexpected<Error> pass_on(Result<T>& failed) {
  return std::unexpected(std::move(failed.error()));
}

// How a case went on one engine.
struct Course {
  std::vector<u64> hashes;  // at each stride and at the end; after an exit, as it left them
  std::optional<Exit> exit;
  std::string console;
  u64 steps = 0;
};

bool same_exit(const std::optional<Exit>& one, const std::optional<Exit>& other) {
  if (!one || !other) return !one && !other;
  return one->reason == other->reason && one->arg0 == other->arg0 && one->arg1 == other->arg1;
}

// Cases [first, first + count) of one corpus.
class Batch {
 public:
  Batch(const Corpus& corpus, u64 first, u32 count, const MakeEngine& expected,
        const MakeEngine& actual, const FuzzOptions& options, FuzzHost& host)
      : corpus_(corpus),
        first_(first),
        count_(count),
        make_expected_(expected),
        make_actual_(actual),
        options_(options),
        host_(host) {
    for (u64 step = 0; step < options.steps;) {
      step = std::min(step + options.stride, options.steps);
      targets_.push_back(step);
    }
    for (u32 number = 0; number < kRamPages; ++number) {
      const std::span page = std::span(corpus.ram).subspan(u64{number} * isa::PAGE_BYTES);
      page_terms_.push_back(hash_page(number, page.first<isa::PAGE_BYTES>()));
    }
  }

  // Adds what came of it, unless it is stopped on request.
  Result<void> run(FuzzReport& report) {
    const u64 start_us = host_.now_us();
    if (Result<void> ok = run_fleet(report); !ok || report.stopped) return ok;
    const u64 middle_us = host_.now_us();
    if (Result<void> ok = run_oracle(); !ok) return ok;
    report.actual_us += middle_us - start_us;
    report.expected_us += host_.now_us() - middle_us;
    report.cases += count_;
    for (const Course& course : expected_) {
      report.instructions += course.steps;
      if (course.exit) ++report.exits;
    }
    for (u32 vm = 0; vm < count_ && !report.differs; ++vm) {
      Result<std::optional<Suspect>> suspect = compare(vm);
      if (!suspect) return pass_on(suspect);
      if (!*suspect) continue;
      host_.note(fmt::format("Case {} differs: {} Running it alone.", (*suspect)->number,
                             (*suspect)->what));
      fleet_.reset();
      Result<Findings> findings =
          investigate(corpus_, **suspect, make_expected_, make_actual_, options_, host_);
      if (!findings) return pass_on(findings);
      report.differs = true;
      report.failing_case = (*suspect)->number;
      report.summary = std::move(findings->summary);
      report.difference = std::move(findings->text);
    }
    return sample(report);
  }

 private:
  EngineConfig config(u32 machines) const {
    return {.xlen = corpus_.xlen, .ram_bytes = kRamBytes, .vm_count = machines};
  }

  Result<void> run_fleet(FuzzReport& report) {
    EngineConfig shape = config(count_);
    // Stored to, as a rule. The pool grows if need be.
    const u64 pages = std::min<u64>(kRamPages, 6 + options_.steps / 400);
    shape.pool_pages = pages * count_;
    Result<std::unique_ptr<Engine>> made = make_actual_(shape);
    if (!made) return pass_on(made);
    fleet_ = std::move(*made);
    report.actual_name = fleet_->name();
    if (Result<void> ok = fleet_->load_base(isa::RAM_BASE, corpus_.ram); !ok) return ok;
    std::vector<u32> all(count_);
    for (u32 vm = 0; vm < count_; ++vm) {
      all[vm] = vm;
      if (Result<void> ok = fleet_->write_state(vm, make_case(corpus_, first_ + vm)); !ok)
        return ok;
    }
    actual_.assign(count_, {});
    u64 made_steps = 0;
    u32 running = count_;
    for (const u64 target : targets_) {
      while (made_steps < target && running != 0) {
        host_.progress(report);
        report.stopped = host_.stop_requested();
        if (report.stopped) return {};
        Result<RunReport> run = fleet_->run(target - made_steps);
        if (!run) return pass_on(run);
        made_steps += run->steps;
        for (const Exit& exit : run->exits) {
          actual_[exit.vm].exit = exit;
          --running;
        }
      }
      Result<std::vector<u64>> hashes = fleet_->state_hashes(all);
      if (!hashes) return pass_on(hashes);
      for (u32 vm = 0; vm < count_; ++vm) actual_[vm].hashes.push_back((*hashes)[vm]);
    }
    for (u32 vm = 0; vm < count_; ++vm) actual_[vm].console = fleet_->take_console(vm);
    return {};
  }

  Result<void> run_oracle() {
    expected_.assign(count_, {});
    const u32 tasks = (count_ + kCasesATask - 1) / kCasesATask;
    std::vector<Result<void>> results(tasks);
    host_.for_each(tasks, [&](u32 task) { results[task] = run_some(task); });
    for (Result<void>& result : results) {
      if (!result) return std::move(result);
    }
    return {};
  }

  Result<void> run_some(u32 task) {
    Result<std::unique_ptr<Engine>> made = make_expected_(config(1));
    if (!made) return pass_on(made);
    Engine& engine = **made;
    if (Result<void> ok = engine.load_base(isa::RAM_BASE, corpus_.ram); !ok) return ok;
    Result<Checkpoint> loaded = take_loaded_machine(engine, 0);
    if (!loaded) return pass_on(loaded);
    const u32 end = std::min(count_, (task + 1) * kCasesATask);
    for (u32 vm = task * kCasesATask; vm < end; ++vm) {
      const Checkpoint start{make_case(corpus_, first_ + vm), {}, {}};
      if (Result<void> ok = restore_checkpoint(engine, 0, start, *loaded); !ok) return ok;
      Course& course = expected_[vm];
      const u64 base = icount_of(start.state);
      for (const u64 target : targets_) {
        if (!course.exit) {
          Result<Stop> stop = run_until(engine, 0, base + target);
          if (!stop) return pass_on(stop);
          course.exit = stop->exit;
          course.console += stop->console;
        } else {
          course.hashes.push_back(course.hashes.back());
          continue;
        }
        Result<u64> hash = hash_of(engine);
        if (!hash) return pass_on(hash);
        course.hashes.push_back(*hash);
      }
      Result<u64> now = icount(engine, 0);
      if (!now) return pass_on(now);
      course.steps = *now - base;
    }
    return {};
  }

  // Engine::state_hash() of a machine of this corpus, much sooner: most of RAM is as it was loaded.
  Result<u64> hash_of(Engine& engine) const {
    Result<MachineState> state = engine.read_state(0);
    if (!state) return pass_on(state);
    Result<std::vector<u32>> dirty = engine.dirty_page_numbers(0);
    if (!dirty) return pass_on(dirty);
    std::vector<u8> bytes(dirty->size() * isa::PAGE_BYTES);
    if (Result<void> ok = engine.read_pages(0, *dirty, bytes); !ok) return pass_on(ok);
    StateHash sum = hash_state(*state);
    u64 i = 0;  // of the next dirty page
    for (u32 number = 0; number < kRamPages; ++number) {
      const bool is_dirty = i < dirty->size() && (*dirty)[i] == number;
      const u8* const page = bytes.data() + i * isa::PAGE_BYTES;
      i += is_dirty ? 1 : 0;
      const bool is_changed =
          is_dirty && std::memcmp(page, corpus_.ram.data() + u64{number} * isa::PAGE_BYTES,
                                  isa::PAGE_BYTES) != 0;
      sum += is_changed
                 ? hash_page(number, std::span<const u8, isa::PAGE_BYTES>(page, isa::PAGE_BYTES))
                 : page_terms_[number];
    }
    return sum.value();
  }

  // None: they are equal.
  Result<std::optional<Suspect>> compare(u32 vm) {
    const Course& one = expected_[vm];
    const Course& other = actual_[vm];
    u32 at = 0;
    while (at < targets_.size() && one.hashes[at] == other.hashes[at]) ++at;
    const bool same_end = same_exit(one.exit, other.exit) && one.console == other.console;
    if (at == targets_.size() && same_end) return std::nullopt;
    Result<MachineState> state = fleet_->read_state(vm);
    if (!state) return pass_on(state);
    const std::string what =
        at < targets_.size() ? fmt::format("The state hashes at step {} are {:016x} and {:016x}.",
                                           targets_[at], one.hashes[at], other.hashes[at])
                             : std::string("The exits or the consoles differ.");
    const u64 steps = at < targets_.size() ? targets_[at] : options_.steps;
    return Suspect{first_ + vm, steps, what, *state};
  }

  // Counts what happens in some cases.
  Result<void> sample(FuzzReport& report) {
    Result<std::unique_ptr<Engine>> made = make_expected_(config(1));
    if (!made) return pass_on(made);
    Engine& engine = **made;
    if (Result<void> ok = engine.load_base(isa::RAM_BASE, corpus_.ram); !ok) return ok;
    Result<Checkpoint> loaded = take_loaded_machine(engine, 0);
    if (!loaded) return pass_on(loaded);
    for (u32 vm = 0; vm < count_; vm += kSampledCases) {
      const Checkpoint start{make_case(corpus_, first_ + vm), {}, {}};
      if (Result<void> ok = restore_checkpoint(engine, 0, start, *loaded); !ok) return ok;
      if (Result<void> ok = engine.set_profile(0, true); !ok) return ok;
      Result<Stop> stop = run_until(engine, 0, icount_of(start.state) + options_.steps);
      if (!stop) return pass_on(stop);
      Result<Profile> profile = engine.read_profile(0);
      if (!profile) return pass_on(profile);
      ++report.sampled;
      for (u32 i = 0; i < 16; ++i) {
        report.exceptions[i] += profile->exceptions[i];
        report.interrupts[i] += profile->interrupts[i];
      }
    }
    return {};
  }

  const Corpus& corpus_;
  u64 first_;
  u32 count_;
  const MakeEngine& make_expected_;
  const MakeEngine& make_actual_;
  const FuzzOptions& options_;
  FuzzHost& host_;
  std::vector<StateHash> page_terms_;  // of the corpus
  std::vector<u64> targets_;           // steps after which machines are compared
  std::unique_ptr<Engine> fleet_;
  std::vector<Course> expected_;
  std::vector<Course> actual_;
};

}  // namespace

Result<FuzzReport> fuzz_engines(const MakeEngine& expected, const MakeEngine& actual,
                                const FuzzOptions& options, FuzzHost& host) {
  FuzzReport report;
  std::optional<Corpus> corpus;
  u64 next = options.first_case;
  const u64 end = options.cases > ~next ? ~u64{0} : next + options.cases;
  while (report.instructions < options.instructions && next < end && !report.differs &&
         !report.stopped) {
    if (!corpus || next / kCorpusCases != corpus->number)
      corpus = make_corpus(options.xlen, options.seed, next);
    // All of one corpus, and not many more than are still wanted.
    const u64 wanted =
        (options.instructions - report.instructions + options.steps - 1) / options.steps;
    const u64 count =
        std::min({u64{options.machines}, end - next, wanted, kCorpusCases - next % kCorpusCases});
    Batch batch(*corpus, next, static_cast<u32>(count), expected, actual, options, host);
    if (Result<void> ok = batch.run(report); !ok) return pass_on(ok);
    next += count;
  }
  return report;
}

}  // namespace rookery::fuzz
