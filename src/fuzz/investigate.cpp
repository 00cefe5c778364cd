// SPDX-License-Identifier: Apache-2.0
#include "fuzz/investigate.h"

#include <algorithm>
#include <cstring>

#include "debug/compare_engines.h"
#include "debug/state_text.h"
#include "debug/trace_text.h"
#include "fuzz/reduce.h"
#include "isa/disassemble.h"

namespace rookery::fuzz {
namespace {

constexpr u64 kShownSteps = 24;  // before the difference
constexpr u64 kMaxShownWords = 64;

template <class T>
std::unexpected<Error> pass_on(Result<T>& failed) {
  return std::unexpected(std::move(failed.error()));
}

std::string case_name(const Corpus& corpus, u64 number) {
  return fmt::format("case {} of seed {} (RV{})", number, corpus.seed,
                     static_cast<u32>(corpus.xlen));
}

// What the oracle does on its way to step `end`, the last steps of it.
Result<std::string> last_steps(Engine& engine, const Corpus& corpus, const Checkpoint& start,
                               const Checkpoint& loaded, u64 end) {
  if (Result<void> ok = restore_checkpoint(engine, 0, start, loaded); !ok) return pass_on(ok);
  const u64 first = icount_of(start.state);
  const u64 from = std::max(first, end - std::min(end, kShownSteps));
  Result<Stop> stop = run_until(engine, 0, from);
  if (!stop) return pass_on(stop);
  if (Result<void> ok = engine.set_trace(0, TraceOptions{}); !ok) return pass_on(ok);
  std::vector<TraceRecord> records;
  if (!stop->exit) {
    stop = run_until(engine, 0, end);
    if (!stop) return pass_on(stop);
    records = engine.take_trace(0);
  }
  if (Result<void> ok = engine.set_trace(0, std::nullopt); !ok) return pass_on(ok);
  std::string text;
  for (const TraceRecord& record : records) {
    std::string line;
    append_trace_text(line, {&record, 1}, corpus.xlen);
    line.pop_back();  // the end of the line
    for (size_t at = line.find('\n'); at != line.npos; at = line.find('\n', at))
      line.replace(at, 1, "; ");  // a trap may have two
    const std::string instruction = record.kind == TraceRecord::Kind::commit
                                        ? isa::disassemble(corpus.xlen, record.pc, record.ins)
                                        : "";
    text += fmt::format("  {:>6}  {:<32}{}\n", record.icount, instruction, line);
  }
  return text;
}

// The words of RAM that are not zero.
std::string ram_text(const Trial& trial, Xlen xlen) {
  std::string text;
  u64 shown = 0;
  u64 count = 0;
  for (u64 offset = 0; offset < trial.ram.size(); offset += 4) {
    u32 word;
    std::memcpy(&word, trial.ram.data() + offset, sizeof word);
    if (word == 0) continue;
    ++count;
    if (shown == kMaxShownWords) continue;
    ++shown;
    const u64 pa = isa::RAM_BASE + offset;
    const bool may_be_code = isa::find_row(xlen, word) != nullptr;
    text += fmt::format("  0x{:08x}: 0x{:08x}{}\n", pa, word,
                        may_be_code ? "  " + isa::disassemble(xlen, pa, word) : "");
  }
  if (shown < count) text += fmt::format("  and {} more words\n", count - shown);
  return text.empty() ? "  nothing\n" : text;
}

// Both engines alone, with the case loaded.
struct Alone {
  std::unique_ptr<Engine> expected;
  std::unique_ptr<Engine> actual;
  Checkpoint loaded;

  EnginePair pair() const { return {*expected, *actual, 0, 0}; }
};
Result<Alone> make_alone(const Corpus& corpus, u64 number, const MakeEngine& expected,
                         const MakeEngine& actual) {
  const EngineConfig config = {.xlen = corpus.xlen, .ram_bytes = kRamBytes};
  Alone alone;
  for (const auto& [make, engine] :
       {std::pair{&expected, &alone.expected}, std::pair{&actual, &alone.actual}}) {
    Result<std::unique_ptr<Engine>> made = (*make)(config);
    if (!made) return pass_on(made);
    *engine = std::move(*made);
    if (Result<void> ok = (*engine)->load_base(isa::RAM_BASE, corpus.ram); !ok) return pass_on(ok);
    Result<void> ok = (*engine)->write_state(0, make_case(corpus, number));
    if (!ok) return pass_on(ok);
  }
  Result<Checkpoint> loaded = take_loaded_machine(*alone.expected, 0);
  if (!loaded) return pass_on(loaded);
  alone.loaded = std::move(*loaded);
  return alone;
}

// It does not differ alone: what the fleet had, at least.
Result<Findings> fleet_only(const Corpus& corpus, const Suspect& suspect, const Alone& alone) {
  Result<MachineState> state = alone.expected->read_state(0);
  if (!state) return pass_on(state);
  Findings findings;
  findings.summary =
      fmt::format("{} differs after {} steps among other machines, but not when it runs alone.",
                  case_name(corpus, suspect.number), suspect.steps);
  findings.text = fmt::format("{}\n{}\nThe machine alone and among others:\n{}", findings.summary,
                              suspect.what, compare_states(*state, suspect.state));
  return findings;
}

}  // namespace

Result<Findings> investigate(const Corpus& corpus, const Suspect& suspect,
                             const MakeEngine& expected, const MakeEngine& actual,
                             const FuzzOptions& options, FuzzHost& host) {
  Result<Alone> alone = make_alone(corpus, suspect.number, expected, actual);
  if (!alone) return pass_on(alone);
  const EnginePair pair = alone->pair();
  const Checkpoint start{alone->loaded.state, {}, {}};
  Result<std::string> what = std::string();
  u64 bad = icount_of(start.state);
  while (what->empty() && bad < icount_of(start.state) + suspect.steps) {
    bad = std::min(bad + options.stride, icount_of(start.state) + suspect.steps);
    what = advance_both(pair, bad);
    if (!what) return pass_on(what);
  }
  if (what->empty()) return fleet_only(corpus, suspect, *alone);

  Result<Difference> found = find_difference(pair, {alone->loaded, start, bad, {}, *what});
  if (!found) return pass_on(found);
  // One step from right before it, if that shows it.
  const bool is_one_step = found->step != 0;
  const u64 end = is_one_step ? found->step : bad;
  Trial trial = trial_of(is_one_step ? found->before : start, corpus.ram,
                         is_one_step ? 1 : bad - icount_of(start.state));
  host.note(fmt::format("{}: reducing the machine.", case_name(corpus, suspect.number)));
  const u64 stop_us = host.now_us() + options.reduce_us;
  Result<Reduction> reduced = reduce(pair, alone->loaded, std::move(trial), [&] {
    return host.now_us() >= stop_us || host.stop_requested();
  });
  if (!reduced) return pass_on(reduced);
  const Trial& least = reduced->trial;

  // What is left, told like any difference.
  const Checkpoint least_start = checkpoint_of(least, alone->loaded);
  if (Result<void> ok = restore_checkpoint(pair.expected, 0, least_start, alone->loaded); !ok)
    return pass_on(ok);
  if (Result<void> ok = restore_checkpoint(pair.actual, 0, least_start, alone->loaded); !ok)
    return pass_on(ok);
  const u64 least_end = icount_of(least.state) + least.steps;
  what = advance_both(pair, least_end);
  if (!what) return pass_on(what);
  Result<Difference> left =
      find_difference(pair, {alone->loaded, least_start, least_end, {}, *what});
  if (!left) return pass_on(left);
  Result<std::string> steps = last_steps(pair.expected, corpus, start, alone->loaded, end);
  if (!steps) return pass_on(steps);

  Findings findings;
  findings.summary = fmt::format("{} differs at step {}.", case_name(corpus, suspect.number), end);
  findings.text = fmt::format(
      "{}\n\nThe last steps on the {} engine:\n{}\nReduced, in {} trials, to {} step{} of this "
      "machine:\n{}\nRAM that is not zero:\n{}",
      findings.summary, pair.expected.name(), *steps, reduced->tried, least.steps,
      least.steps == 1 ? "" : "s",
      difference_text(*left, alone->loaded, pair.expected.name(), pair.actual.name(), nullptr),
      ram_text(least, corpus.xlen));
  return findings;
}

}  // namespace rookery::fuzz
