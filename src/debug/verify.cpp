// SPDX-License-Identifier: Apache-2.0
#include "debug/verify.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "debug/compare_engines.h"
#include "engine/checkpoint.h"
#include "engine/forwarding_engine.h"

namespace rookery {
namespace {

constexpr u32 kVm = 0;
constexpr u64 kDispatchUs = 100'000;

template <class T>
std::unexpected<Error> pass_on(Result<T>& failed) {
  return std::unexpected(std::move(failed.error()));
}

// A place where a machine is compared.
struct Landmark {
  u32 life = 0;   // which boot it is, from 1
  u64 step = 0;   // of this life
  u64 steps = 0;  // of all lives
  u64 hash = 0;
  std::optional<RunEnd> end;             // the machine's run is over
  std::optional<Checkpoint> checkpoint;  // of the first engine's machine
  size_t actions_before = 0;             // how much of Side::actions came before
};

// One of the two machines, over all its lives: what is noted while it runs.
struct Side {
  explicit Side(VerifyHost& verify_host) : host(verify_host) {}

  VerifyHost& host;
  u64 stride = 0;
  bool is_first = false;     // the oracle: it keeps checkpoints and what its host does
  Engine* engine = nullptr;  // the present one
  u32 life = 0;
  u64 life_steps = 0;
  u64 steps = 0;
  u64 run_us = 0;
  std::deque<Landmark> landmarks;    // not yet compared
  std::vector<HostAction> actions;   // since the landmark that was compared last
  std::optional<Checkpoint> loaded;  // as it starts each life

  double mips() const {
    return run_us == 0 ? 0 : static_cast<double>(steps) / static_cast<double>(run_us);
  }

  Result<void> add_landmark(const std::optional<RunEnd>& end) {
    Landmark mark{life, life_steps, steps, 0, end, std::nullopt, actions.size()};
    Result<u64> hash = engine->state_hash(kVm);
    if (!hash) return pass_on(hash);
    mark.hash = *hash;
    if (is_first) {
      Result<Checkpoint> checkpoint = take_checkpoint(*engine, kVm);
      if (!checkpoint) return pass_on(checkpoint);
      mark.checkpoint = std::move(*checkpoint);
    }
    landmarks.push_back(std::move(mark));
    return {};
  }
};

// The engine that a Machine drives: it stops where the machine is to be compared, and notes what
// the host does to it.
class NotingEngine final : public ForwardingEngine {
 public:
  NotingEngine(std::unique_ptr<Engine> engine, Side& side)
      : ForwardingEngine(std::move(engine)), side_(side) {
    side_.engine = engine_.get();
    side_.life += 1;
    side_.life_steps = 0;
  }

  Result<RunReport> run(u64 max_steps) override {
    if (!started_) {
      started_ = true;
      if (Result<void> ok = start_life(); !ok) return pass_on(ok);
    }
    const u64 before_us = side_.host.now_us();
    Result<RunReport> report =
        engine_->run(std::min(max_steps, side_.stride - side_.steps % side_.stride));
    side_.run_us += side_.host.now_us() - before_us;
    if (!report) return report;
    side_.life_steps += report->steps;
    side_.steps += report->steps;
    const bool at_stride = report->steps != 0 && side_.steps % side_.stride == 0;
    const bool life_ends = std::ranges::any_of(
        report->exits, [](const Exit& exit) { return exit.reason == isa::EXIT_REBOOT; });
    if (at_stride || life_ends) {
      if (Result<void> ok = side_.add_landmark(std::nullopt); !ok) return pass_on(ok);
    }
    return report;
  }

  Result<void> write_state(u32 vm, const MachineState& state) override {
    note([state](Engine& engine, u32 there) { return engine.write_state(there, state); });
    return engine_->write_state(vm, state);
  }
  Result<void> write_ram(u32 vm, u32 pa, std::span<const u8> bytes) override {
    note([pa, copy = std::vector<u8>(bytes.begin(), bytes.end())](Engine& engine, u32 there) {
      return engine.write_ram(there, pa, copy);
    });
    return engine_->write_ram(vm, pa, bytes);
  }
  Result<u32> push_input(u32 vm, std::span<const u8> bytes) override {
    note([copy = std::vector<u8>(bytes.begin(), bytes.end())](Engine& engine,
                                                              u32 there) -> Result<void> {
      Result<u32> taken = engine.push_input(there, copy);
      if (!taken) return pass_on(taken);
      return {};
    });
    return engine_->push_input(vm, bytes);
  }

 private:
  Result<void> start_life() {
    side_.actions.clear();
    if (side_.is_first && !side_.loaded) {
      Result<Checkpoint> loaded = take_loaded_machine(*engine_, kVm);
      if (!loaded) return pass_on(loaded);
      side_.loaded = std::move(*loaded);
    }
    return side_.add_landmark(std::nullopt);
  }

  void note(std::function<Result<void>(Engine&, u32)> action) {
    if (side_.is_first && started_) side_.actions.push_back({side_.life_steps, std::move(action)});
  }

  Side& side_;
  bool started_ = false;
};

// A machine's host: it types what both are typed and keeps nothing of what they print.
class QuietHost final : public MachineHost {
 public:
  QuietHost(VerifyHost& host, std::string typed) : host_(host), typed_(std::move(typed)) {}

  u64 now_us() override { return host_.now_us(); }
  Result<void> print(std::string_view) override { return {}; }
  Result<TypedInput> read_typed() override { return TypedInput{std::exchange(typed_, {}), true}; }
  void sleep(u64) override {}
  bool stop_requested() override { return host_.stop_requested(); }
  void saw_exit(const Exit&, u64) override {}

 private:
  VerifyHost& host_;
  std::string typed_;
};

std::string end_text(const RunEnd& end) {
  return fmt::format("ends ({}, status {})", end_name(end.reason), end.status);
}

std::string place_text(const Landmark& mark) {
  return mark.life == 1 ? fmt::format("step {}", mark.step)
                        : fmt::format("step {} of boot {}", mark.step, mark.life);
}

class Verification {
 public:
  Verification(const VerifyOptions& options, VerifyHost& host)
      : options_(options),
        host_(host),
        expected_(host),
        actual_(host),
        expected_host_(host, options.typed),
        actual_host_(host, options.typed) {
    expected_.stride = options.stride;
    actual_.stride = options.stride;
    expected_.is_first = true;
  }

  Result<VerifyReport> run(const BootImage& image, const Machine::EngineFactory& make_expected,
                           const Machine::EngineFactory& make_actual) {
    Result<std::unique_ptr<Machine>> one =
        make_machine(image, make_expected, expected_, expected_host_);
    if (!one) return pass_on(one);
    Result<std::unique_ptr<Machine>> other =
        make_machine(image, make_actual, actual_, actual_host_);
    if (!other) return pass_on(other);
    report_.expected_name = expected_.engine->name();
    report_.actual_name = actual_.engine->name();
    // Equal names would tell nobody which is which.
    if (report_.expected_name == report_.actual_name) report_.actual_name += " (2)";
    while (true) {
      if (Result<void> ok = run_to_landmark(**one, expected_); !ok) return pass_on(ok);
      Result<void> followed = run_to_landmark(**other, actual_);
      if (host_.stop_requested()) return finish({EndReason::stopped});
      std::string difference;
      if (followed) {
        difference = compare_landmarks();
      } else if (followed.error().kind == ErrorKind::image) {
        // The other machine did not do it.
        difference = fmt::format("Only the machine on {} does what a program must not: {}",
                                 report_.actual_name, followed.error().text());
      } else {
        return pass_on(followed);
      }
      if (!difference.empty()) {
        if (Result<void> ok = narrow_down(std::move(difference)); !ok) return pass_on(ok);
        return finish({});
      }
      const std::optional<RunEnd> end = expected_.landmarks.front().end;
      accept();
      if (end) return finish(*end);
    }
  }

 private:
  Result<std::unique_ptr<Machine>> make_machine(const BootImage& image,
                                                const Machine::EngineFactory& make, Side& side,
                                                QuietHost& host) {
    const auto make_noting = [make, &side]() -> Result<std::unique_ptr<Engine>> {
      Result<std::unique_ptr<Engine>> engine = make();
      if (!engine) return engine;
      return std::make_unique<NotingEngine>(std::move(*engine), side);
    };
    RunOptions run_options;
    run_options.input = options_.input;
    run_options.max_instructions = options_.max_instructions;
    run_options.dispatch_us = kDispatchUs;
    return Machine::create(image, make_noting, run_options, host);
  }

  // Turns until there is something to compare. The end of the run is.
  Result<void> run_to_landmark(Machine& machine, Side& side) {
    while (side.landmarks.empty()) {
      Result<std::optional<RunEnd>> end = machine.turn();
      if (!end) return pass_on(end);
      if (!*end) continue;
      if (Result<void> ok = side.add_landmark(*end); !ok) return ok;
    }
    return {};
  }

  // How the machines differ at their first landmarks; empty: they do not.
  std::string compare_landmarks() const {
    const Landmark& expected = expected_.landmarks.front();
    const Landmark& actual = actual_.landmarks.front();
    const auto stand = [](const Landmark& mark) {
      return fmt::format("{} after {}", mark.end ? end_text(*mark.end) : "is", place_text(mark));
    };
    const bool same_end = expected.end.has_value() == actual.end.has_value() &&
                          (!expected.end || (expected.end->reason == actual.end->reason &&
                                             expected.end->status == actual.end->status));
    if (expected.life != actual.life || expected.step != actual.step || !same_end) {
      return fmt::format("The machine on {} {}, the one on {} {}.", report_.expected_name,
                         stand(expected), report_.actual_name, stand(actual));
    }
    if (expected.hash != actual.hash) {
      return fmt::format("After {} their state hashes differ: {:016x} and {:016x}.",
                         place_text(expected), expected.hash, actual.hash);
    }
    return {};
  }

  // The machines are equal at their first landmarks.
  void accept() {
    Landmark& mark = expected_.landmarks.front();
    report_.comparisons += 1;
    report_.instructions = mark.steps;
    if (mark.life == expected_.life) {
      // What the host did before is over.
      const auto begin = expected_.actions.begin();
      const size_t over = mark.actions_before;
      expected_.actions.erase(begin, begin + static_cast<std::ptrdiff_t>(over));
      for (Landmark& later : expected_.landmarks) later.actions_before -= over;
    }
    good_ = std::move(mark);
    expected_.landmarks.pop_front();
    actual_.landmarks.pop_front();
    host_.compared(
        {report_.instructions, report_.comparisons, std::min(expected_.mips(), actual_.mips())});
  }

  // The machines differ at their first landmarks: finds and reports the first difference.
  Result<void> narrow_down(std::string what) {
    host_.narrowing(what);
    const Landmark& mark = expected_.landmarks.front();
    // A machine that was loaded starts each life.
    const bool since_good = good_ && good_->life == mark.life;
    const Checkpoint& good = since_good ? *good_->checkpoint : *expected_.loaded;
    const EnginePair pair{*expected_.engine, *actual_.engine, kVm, kVm};
    // One step more: the first engine's machine may have ended here, and the other one gone on.
    Result<Difference> found =
        find_difference(pair, {*expected_.loaded, good, mark.step + 1, expected_.actions, what});
    if (!found) return pass_on(found);
    report_.difference =
        fmt::format("{}\n{}\n", what,
                    good_ ? fmt::format("The last comparison that found them equal was after {}.",
                                        place_text(*good_))
                          : "The first comparison found it.") +
        difference_text(*found, *expected_.loaded, report_.expected_name, report_.actual_name,
                        options_.symbols);
    report_.summary = found->step == 0
                          ? std::move(what)
                          : fmt::format("step {}{} differs, the instruction at pc {}.", found->step,
                                        mark.life == 1 ? "" : fmt::format(" of boot {}", mark.life),
                                        address_name(pc_of(found->before.state), options_.symbols));
    return {};
  }

  VerifyReport finish(const RunEnd& end) {
    report_.end = end;
    report_.expected_mips = expected_.mips();
    report_.actual_mips = actual_.mips();
    return std::move(report_);
  }

  const VerifyOptions& options_;
  VerifyHost& host_;
  Side expected_;
  Side actual_;
  QuietHost expected_host_;
  QuietHost actual_host_;
  VerifyReport report_;
  std::optional<Landmark> good_;  // where both were equal last
};

}  // namespace

Result<VerifyReport> verify_engines(const BootImage& image,
                                    const Machine::EngineFactory& make_expected,
                                    const Machine::EngineFactory& make_actual,
                                    const VerifyOptions& options, VerifyHost& host) {
  return Verification(options, host).run(image, make_expected, make_actual);
}

}  // namespace rookery
