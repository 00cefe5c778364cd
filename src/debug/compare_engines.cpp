// SPDX-License-Identifier: Apache-2.0
#include "debug/compare_engines.h"

#include <algorithm>
#include <utility>

#include "engine/state_hash.h"

namespace rookery {
namespace {

constexpr u64 kParts = 16;  // a stretch is narrowed by this factor each time

template <class T>
std::unexpected<Error> pass_on(Result<T>& failed) {
  return std::unexpected(std::move(failed.error()));
}

std::string exit_text(const std::optional<Exit>& exit) {
  if (!exit) return "none";
  return fmt::format("{} (0x{:x}, 0x{:x})", exit->reason, exit->arg0, exit->arg1);
}

bool same_exit(const std::optional<Exit>& one, const std::optional<Exit>& other) {
  if (!one || !other) return !one && !other;
  return one->reason == other->reason && one->arg0 == other->arg0 && one->arg1 == other->arg1;
}

// Both machines of a pair, driven together.
class Runner {
 public:
  Runner(const EnginePair& pair, std::span<const HostAction> actions)
      : pair_(pair), actions_(actions) {}

  // Both become the machine of `checkpoint`, to which so many actions had been applied.
  Result<void> restore(const Checkpoint& checkpoint, const Checkpoint& loaded,
                       size_t actions_before) {
    actions_done = actions_before;
    exit.reset();
    if (Result<void> ok = restore_checkpoint(pair_.expected, pair_.expected_vm, checkpoint, loaded);
        !ok)
      return ok;
    return restore_checkpoint(pair_.actual, pair_.actual_vm, checkpoint, loaded);
  }

  // Both to step `target`, or to exits that no host serves. Empty: they are equal there.
  Result<std::string> advance(u64 target) {
    while (actions_done < actions_.size() && actions_[actions_done].step < target) {
      const HostAction& action = actions_[actions_done];
      Result<std::string> difference = run_both(action.step);
      if (!difference || !difference->empty()) return difference;
      difference = compare_states();
      if (!difference || !difference->empty()) return difference;
      Result<void> applied = action.apply(pair_.expected, pair_.expected_vm);
      if (applied) applied = action.apply(pair_.actual, pair_.actual_vm);
      if (!applied) return pass_on(applied);
      ++actions_done;
      exit.reset();
    }
    Result<std::string> difference = run_both(target);
    if (!difference || !difference->empty()) return difference;
    return compare_hashes();
  }

  // Both stopped, and no host goes on.
  bool ended() const { return exit && actions_done == actions_.size(); }

  std::string console;       // of the expected machine
  std::optional<Exit> exit;  // both stopped with it, and it was not served yet
  size_t actions_done = 0;

 private:
  Result<std::string> run_both(u64 target) {
    Result<Stop> one = run_until(pair_.expected, pair_.expected_vm, target);
    if (!one) return std::unexpected(std::move(one.error()).during("running the expected machine"));
    Result<Stop> other = run_until(pair_.actual, pair_.actual_vm, target);
    if (!other)
      return std::unexpected(std::move(other.error()).during("running the machine under test"));
    console += one->console;
    if (one->exit) exit = one->exit;
    if (one->console != other->console) {
      return fmt::format("They print different things: \"{}\" and \"{}\".", one->console,
                         other->console);
    }
    if (!same_exit(one->exit, other->exit)) {
      return fmt::format("Their exits differ: {} and {}.", exit_text(one->exit),
                         exit_text(other->exit));
    }
    return std::string();
  }

  Result<std::string> compare_hashes() {
    Result<u64> one = pair_.expected.state_hash(pair_.expected_vm);
    if (!one) return pass_on(one);
    Result<u64> other = pair_.actual.state_hash(pair_.actual_vm);
    if (!other) return pass_on(other);
    if (*one == *other) return std::string();
    return fmt::format("Their state hashes differ: {:016x} and {:016x}.", *one, *other);
  }

  // Before a host acts, so that what it writes hides nothing. RAM is compared at the next hash.
  Result<std::string> compare_states() {
    Result<MachineState> one = pair_.expected.read_state(pair_.expected_vm);
    if (!one) return pass_on(one);
    Result<MachineState> other = pair_.actual.read_state(pair_.actual_vm);
    if (!other) return pass_on(other);
    if (hash_state(*one).value() == hash_state(*other).value()) return std::string();
    return std::string("Their states differ.");
  }

  EnginePair pair_;
  std::span<const HostAction> actions_;
};

}  // namespace

Result<u64> icount(Engine& engine, u32 vm) {
  Result<MachineState> state = engine.read_state(vm);
  if (!state) return pass_on(state);
  return icount_of(*state);
}

Result<Stop> run_until(Engine& engine, u32 vm, u64 target) {
  Stop stop;
  u32 idle_runs = 0;  // a run that only served a full console or pool makes no step
  while (true) {
    Result<u64> now = icount(engine, vm);
    if (!now) return pass_on(now);
    if (*now >= target) return stop;
    Result<RunReport> report = engine.run(target - *now);
    if (!report) return pass_on(report);
    stop.console += engine.take_console(vm);
    for (const Exit& exit : report->exits) {
      if (exit.vm == vm) stop.exit = exit;
    }
    if (stop.exit) return stop;
    idle_runs = report->steps == 0 ? idle_runs + 1 : 0;
    if (idle_runs > 3) {
      return fail(ErrorKind::internal,
                  "Machine {} of the {} engine does not run and did not exit at step {}.", vm,
                  engine.name(), *now);
    }
  }
}

Result<Difference> find_difference(const EnginePair& pair, DifferenceSearch search) {
  Difference found;
  found.what = std::move(search.what);
  // As it is now, should it not show again.
  Result<Checkpoint> expected = take_checkpoint(pair.expected, pair.expected_vm);
  if (!expected) return pass_on(expected);
  Result<Checkpoint> actual = take_checkpoint(pair.actual, pair.actual_vm);
  if (!actual) return pass_on(actual);
  found.expected = std::move(*expected);
  found.actual = std::move(*actual);
  found.before = std::move(search.good);

  Runner both(pair, search.actions);
  Checkpoint good = found.before;
  size_t actions_done = 0;  // before `good`
  u64 from = icount_of(good.state);
  u64 bad = search.bad;
  while (bad - from > 1) {
    if (Result<void> ok = both.restore(good, search.loaded, actions_done); !ok) return pass_on(ok);
    const u64 part = std::max<u64>(1, (bad - from + kParts - 1) / kParts);
    bool shown = false;
    while (!shown && from < bad) {
      const u64 next = std::min(from + part, bad);
      Result<std::string> difference = both.advance(next);
      if (!difference) return pass_on(difference);
      shown = !difference->empty();
      if (shown) {
        bad = next;
        continue;
      }
      if (both.ended()) break;
      Result<Checkpoint> now = take_checkpoint(pair.expected, pair.expected_vm);
      if (!now) return pass_on(now);
      good = std::move(*now);
      actions_done = both.actions_done;
      from = next;
    }
    if (!shown) return found;
  }
  // Once more, over the one instruction.
  if (Result<void> ok = both.restore(good, search.loaded, actions_done); !ok) return pass_on(ok);
  Result<std::string> difference = both.advance(bad);
  if (!difference) return pass_on(difference);
  if (difference->empty()) return found;
  expected = take_checkpoint(pair.expected, pair.expected_vm);
  if (!expected) return pass_on(expected);
  actual = take_checkpoint(pair.actual, pair.actual_vm);
  if (!actual) return pass_on(actual);
  return Difference{std::move(*difference), bad, std::move(good), std::move(*expected),
                    std::move(*actual)};
}

Result<std::string> advance_both(const EnginePair& pair, u64 target) {
  return Runner(pair, {}).advance(target);
}

Comparison compare_engines(Engine& expected, Engine& actual, const CompareOptions& options) {
  Comparison result;
  const EnginePair pair{expected, actual, 0, options.vm};
  Result<Checkpoint> loaded = take_loaded_machine(expected, 0);
  if (!loaded) return result.difference = loaded.error().text(), result;
  const u64 first = icount_of(loaded->state);
  Checkpoint good = *loaded;
  Runner both(pair, {});
  while (result.steps < options.max_steps && !both.ended()) {
    const u64 target = first + std::min(result.steps + options.stride, options.max_steps);
    Result<std::string> difference = both.advance(target);
    result.console = both.console;
    result.exit = both.exit;
    if (!difference) return result.difference = difference.error().text(), result;
    if (!difference->empty()) {
      Result<Difference> found =
          find_difference(pair, {*loaded, std::move(good), target, {}, std::move(*difference)});
      result.difference =
          found ? difference_text(*found, *loaded, expected.name(), actual.name(), nullptr)
                : found.error().text();
      return result;
    }
    Result<Checkpoint> now = take_checkpoint(expected, 0);
    if (!now) return result.difference = now.error().text(), result;
    good = std::move(*now);
    result.steps = icount_of(good.state) - first;
    if (options.until && options.until(result.console)) break;
  }
  return result;
}

}  // namespace rookery
