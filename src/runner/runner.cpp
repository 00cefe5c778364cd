// SPDX-License-Identifier: Apache-2.0
#include "runner/runner.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <utility>

#include <re2/re2.h>

#include "machine/command_line.h"
#include "runner/machine_bits.h"
#include "runner/mailbox.h"

namespace rookery::runner {
namespace {

using sweep::CaseResult;
using sweep::EndRule;
using sweep::GoldenRun;
using sweep::SweepSpec;

template <class T>
std::unexpected<Error> pass_on(Result<T>& failed) {
  return std::unexpected(std::move(failed.error()));
}

Error in_case(Error error, u64 number) {
  return std::move(error).during(fmt::format("preparing case {}", number));
}

void add_changes(std::vector<WordChange>& all, std::span<const WordChange> some, u32 vm) {
  for (const WordChange& change : some) {
    all.push_back(change);
    all.back().vm = vm;
  }
}

// What is done to a machine at a count of instructions.
struct Step {
  u64 at = 0;
  MachineChange change;
};

// A case on its way.
struct Running {
  u64 number = 0;
  std::string typed;
  std::vector<Step> steps;  // ascending
  u64 next_step = 0;        // of these
  std::string console;
  u64 line_begin = 0;  // of the line in `console` that is being printed
  bool detected = false;
  std::optional<sweep::InjectedFault> fault;
};

class Sweep {
 public:
  // `golden` null: without faults.
  Sweep(const SweepSpec& spec, const SweepMachines& machines, const GoldenRuns* golden,
        SweepHost& host)
      : spec_(spec), machines_(machines), golden_(golden), host_(host) {}

  Result<void> prepare();
  Result<void> prepare_faults();
  // Prepares the first case, and no machine for it.
  Result<void> check_first_case() const;
  // In place of run(): the host's first case.
  Result<LiftedCase> lift();
  // Has machine 0 leave its path there, which outlives this object.
  Result<void> record_path(InstructionPath& path);
  Result<void> run();

 private:
  Result<void> prepare_rules();
  void add_beginning(const re2::RE2& pattern);
  Result<Running> running_of(u64 number) const;
  Result<void> add_fault(Running& running) const;
  Result<void> start(std::span<const u32> vms);
  Result<void> leave_to_fleet(u32 vm, Running& running);
  Result<std::vector<u32>> gather(std::span<const u32> vms);
  Result<void> serve(const std::vector<FleetStop>& stops);
  Result<void> go_further(std::span<const FleetStop> stops);
  sweep::Parting parting_of(const Parting& parting) const;
  u64 next_stop(const Running& running) const;
  void take_path();
  std::optional<CaseResult> end_of(Running& running, const FleetStop& stop) const;
  std::optional<CaseResult> end_at_line(Running& running, const FleetStop& stop) const;
  std::optional<CaseResult> end_in_line(Running& running, const FleetStop& stop,
                                        std::string_view line) const;
  CaseResult result_of(const Running& running, const FleetStop& stop,
                       std::optional<u32> rule) const;
  std::optional<u32> rule_of(EndRule::Kind kind) const;
  Result<void> look_at(std::span<const u32> vms, std::vector<CaseResult>& results);
  const char* outcome_of(const Running& running, const CaseResult& result) const;
  const GoldenRun& golden_of(u64 number) const { return golden_->at(spec_.combination_of(number)); }

  const SweepSpec& spec_;
  const SweepMachines& machines_;
  const GoldenRuns* golden_;
  SweepHost& host_;

  std::vector<std::string> texts_;  // that stop machines
  std::optional<LineEnds> lines_;   // where patterns are looked for
  std::vector<u32> rule_of_text_;   // of SweepSpec::ends
  std::vector<std::pair<u32, std::unique_ptr<re2::RE2>>> patterns_;  // with their rules
  std::unique_ptr<re2::RE2> detected_;
  u64 limit_ = 0;
  bool stops_at_steps_ = false;  // at each, also where the fleet could make it

  std::unique_ptr<Fleet> fleet_;
  std::optional<MachineBits> bits_;
  std::optional<Mailbox> mailbox_;
  std::vector<u32> kept_at_;  // of Keep::memory
  std::vector<u64> sizes_;    // of the populations of FaultSpec::targets
  std::map<sweep::FaultTarget, BitPopulation> targets_;
  std::map<u32, Running> running_;            // by machine
  std::map<u32, std::vector<u32>> gathered_;  // by the place of those beside them
  InstructionPath* path_ = nullptr;           // to be recorded
};

Result<std::unique_ptr<re2::RE2>> compile(const std::string& pattern) {
  auto compiled = sweep::compile_pattern(pattern);
  if (!compiled) return fail(ErrorKind::usage, "The pattern {}: {}", pattern, compiled.error());
  return std::move(*compiled);
}

Result<void> Sweep::prepare_rules() {
  for (u32 i = 0; i < spec_.ends.size(); ++i) {
    const EndRule& rule = spec_.ends[i];
    if (rule.kind == EndRule::Kind::text) {
      texts_.push_back(rule.text);
      rule_of_text_.push_back(i);
    } else if (rule.kind == EndRule::Kind::regex) {
      auto pattern = compile(rule.text);
      if (!pattern) return pass_on(pattern);
      patterns_.emplace_back(i, *std::move(pattern));
    } else if (rule.kind == EndRule::Kind::instructions) {
      limit_ = rule.instructions;
    }
  }
  if (golden_ != nullptr && !spec_.fault->detected.empty()) {
    auto pattern = compile(spec_.fault->detected);
    if (!pattern) return pass_on(pattern);
    detected_ = *std::move(pattern);
  }
  if (patterns_.empty() && detected_ == nullptr) return {};
  for (const std::string& text : texts_) {
    if (text.find('\n') < text.size() - 1) {
      return fail(ErrorKind::usage,
                  "The text \"{}\" has a line's end inside, and machines stop at each of those "
                  "because of the patterns: make it a pattern, or two texts.",
                  text);
    }
  }
  lines_.emplace();
  for (const auto& [rule, pattern] : patterns_) add_beginning(*pattern);
  if (detected_ != nullptr) add_beginning(*detected_);
  if (std::ranges::find(lines_->with, "") != lines_->with.end()) lines_->with.clear();
  return {};
}

// What a line has, at least, if the pattern matches it: how its matches begin. Empty: nothing that
// would be the same for all of them.
void Sweep::add_beginning(const re2::RE2& pattern) {
  const re2::RE2 from_start("^(?:" + pattern.pattern() + ")", pattern.options());
  constexpr int kMostBytes = 24;
  std::string least;
  std::string most;
  std::string beginning;
  if (from_start.ok() && from_start.PossibleMatchRange(&least, &most, kMostBytes)) {
    const auto [end, ignored] = std::ranges::mismatch(least, most);
    beginning.assign(least.begin(), end);
  }
  if (beginning.find('\n') != std::string::npos) beginning.clear();
  lines_->with.push_back(std::move(beginning));
}

Result<void> Sweep::prepare() {
  if (Result<void> ok = prepare_rules(); !ok) return ok;
  const Snapshot& snapshot = *machines_.snapshot;
  if (spec_.append && snapshot.now) {
    return fail(ErrorKind::usage,
                "[input] append needs a machine that has not run (rookery pack); \"{}\" has.",
                spec_.snapshot);
  }
  FleetConfig config;
  config.machines = machines_.machines;
  config.texts = texts_;
  config.lines = lines_;
  if (const auto idle = rule_of(EndRule::Kind::idle)) config.idle_us = spec_.ends[*idle].idle_us;
  auto fleet = Fleet::fork(snapshot, machines_.make_engine, config);
  if (!fleet) return pass_on(fleet);
  fleet_ = *std::move(fleet);
  bits_.emplace(fleet_->snapshot(), machines_.symbols);
  mailbox_.emplace(*fleet_->snapshot().now);
  for (const sweep::KeptMemory& kept : spec_.keep.memory) {
    auto pa = bits_->physical(kept.range.at);
    if (!pa) return pass_on(pa);
    kept_at_.push_back(*pa);
  }
  if (machines_.path != nullptr) {
    if (Result<void> ok = fleet_->compare_path(machines_.path); !ok) return ok;
  }
  return golden_ != nullptr ? prepare_faults() : Result<void>();
}

Result<void> Sweep::check_first_case() const {
  auto running = running_of(0);
  if (!running) return std::unexpected(in_case(std::move(running.error()), 0));
  return {};
}

Result<void> Sweep::record_path(InstructionPath& path) {
  path.first = icount_of(fleet_->snapshot().now->state);
  path_ = &path;
  return fleet_->set_trace(0, TraceOptions{});
}

void Sweep::take_path() {
  for (const TraceRecord& record : fleet_->take_trace(0)) {
    if (record.kind == TraceRecord::Kind::interrupt) continue;
    const u64 index = record.icount - path_->first;
    if (index >= kMaxPathSteps) continue;
    path_->pcs.resize(std::max<u64>(path_->pcs.size(), index + 1), isa::PATH_ANY);
    path_->pcs[index] = static_cast<u32>(record.pc);
  }
}

Result<void> Sweep::prepare_faults() {
  const sweep::FaultSpec& faults = *spec_.fault;
  for (const sweep::FaultTarget target : faults.targets) {
    auto population = bits_->population(faults, target);
    if (!population) return pass_on(population);
    sizes_.push_back(population->size());
    targets_.emplace(target, *std::move(population));
  }
  return {};
}

std::optional<u32> Sweep::rule_of(EndRule::Kind kind) const {
  for (u32 i = 0; i < spec_.ends.size(); ++i) {
    if (spec_.ends[i].kind == kind) return i;
  }
  return std::nullopt;
}

// --- Beginning ---

Result<Running> Sweep::running_of(u64 number) const {
  Running running;
  running.number = number;
  auto input = spec_.case_input(number);
  if (!input) return pass_on(input);
  running.typed = std::move(input->typed);
  std::map<u64, MachineChange> changes;
  for (const sweep::Patch& patch : input->patches) {
    auto change = bits_->change_of(patch);
    if (!change) return pass_on(change);
    MachineChange& all = changes[patch.at];
    all.states.insert(all.states.end(), change->states.begin(), change->states.end());
    all.ram.insert(all.ram.end(), change->ram.begin(), change->ram.end());
  }
  if (input->mailbox) {
    auto message = mailbox_->put(*input->mailbox);
    if (!message) return pass_on(message);
    changes[0].ram.insert(changes[0].ram.end(), message->begin(), message->end());
  }
  if (input->append) {
    auto message = change_command_line(fleet_->snapshot().image, *input->append);
    if (!message) return pass_on(message);
    changes[0].ram.insert(changes[0].ram.end(), message->begin(), message->end());
  }
  for (auto& [at, change] : changes) running.steps.push_back({at, std::move(change)});
  if (golden_ != nullptr) {
    if (Result<void> ok = add_fault(running); !ok) return pass_on(ok);
  }
  return running;
}

Result<void> Sweep::add_fault(Running& running) const {
  sweep::FaultPopulation population;
  population.bits = sizes_;
  // A fault behind the end would be none; golden_runs() has seen that there is time before it.
  const u64 end = golden_of(running.number).instructions;
  const auto& between = spec_.fault->between;
  population.from = between ? between->first : 0;
  population.to = between ? std::min(between->second, end) : end;
  auto fault =
      sweep::sample_fault(*spec_.fault, spec_.seed, population, spec_.fault_of(running.number));
  if (!fault) return pass_on(fault);
  auto change = bits_->fault(targets_.at(fault->target), fault->bit, fault->kind);
  running.fault = sweep::InjectedFault{*fault, std::move(change.place), change.bit};
  const auto place = std::ranges::upper_bound(running.steps, fault->at, {}, &Step::at);
  running.steps.insert(place, {fault->at, std::move(change.change)});
  return {};
}

// The count at which the machine stops next.
u64 Sweep::next_stop(const Running& running) const {
  if (running.next_step == running.steps.size()) return limit_;
  return std::min(limit_, running.steps[running.next_step].at);
}

// A last step that changes a word and no more is made without stopping the machine.
Result<void> Sweep::leave_to_fleet(u32 vm, Running& running) {
  if (running.next_step + 1 != running.steps.size()) return {};
  const Step& last = running.steps.back();
  const MachineChange& change = last.change;
  if (change.stuck || change.states.size() + change.ram.size() != 1) return {};
  const bool is_ram = change.states.empty();
  const WordChange& word = is_ram ? change.ram.front() : change.states.front();
  running.next_step = running.steps.size();
  return fleet_->change_after(vm, last.at, {is_ram, word.at, word.keep, word.flip});
}

// Gives machines that were just reset their next cases, as long as there are any; others stand
// still.
Result<void> Sweep::start(std::span<const u32> vms) {
  std::vector<WordChange> states;
  std::vector<WordChange> ram;
  for (const u32 vm : vms) {
    const std::optional<u64> number = host_.next_case();
    if (!number) {
      if (Result<void> ok = fleet_->park(vm); !ok) return ok;
      continue;
    }
    auto running = running_of(*number);
    if (!running) return std::unexpected(in_case(std::move(running.error()), *number));
    Result<void> ok;
    while (ok && running->next_step < running->steps.size() &&
           running->steps[running->next_step].at == 0) {
      const MachineChange& now = running->steps[running->next_step++].change;
      add_changes(states, now.states, vm);
      add_changes(ram, now.ram, vm);
      if (now.stuck) ok = fleet_->set_stuck(vm, now.stuck);
    }
    if (ok && !stops_at_steps_) ok = leave_to_fleet(vm, *running);
    if (ok) ok = fleet_->stop_after(vm, next_stop(*running));
    if (ok && !running->typed.empty()) ok = fleet_->type(vm, std::move(running->typed));
    if (!ok) return ok;
    running_.insert_or_assign(vm, *std::move(running));
  }
  Result<void> ok = fleet_->change_states(states);
  return ok ? fleet_->change_ram(ram) : ok;
}

// --- Ending ---

CaseResult Sweep::result_of(const Running& running, const FleetStop& stop,
                            std::optional<u32> rule) const {
  CaseResult result;
  result.number = running.number;
  if (rule) result.rule = *rule;
  result.end =
      rule ? std::string(sweep::rule_name(spec_.ends[*rule].kind)) : stop_name(stop.reason);
  result.verdict = rule ? spec_.ends[*rule].verdict : result.end;
  if (stop.reason == StopReason::shutdown) result.status = stop.detail;
  result.instructions = stop.instructions;
  result.console = running.console;
  return result;
}

// A line is complete, or several: some that no pattern can match did not stop the machine.
std::optional<CaseResult> Sweep::end_at_line(Running& running, const FleetStop& stop) const {
  const std::string_view console = running.console;
  for (size_t end; (end = console.find('\n', running.line_begin)) != std::string_view::npos;) {
    const std::string_view line = console.substr(running.line_begin, end - running.line_begin);
    running.line_begin = end + 1;
    if (auto result = end_in_line(running, stop, line)) return result;
  }
  return std::nullopt;
}

// The patterns in the order of their rules.
std::optional<CaseResult> Sweep::end_in_line(Running& running, const FleetStop& stop,
                                             std::string_view line) const {
  while (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  const re2::StringPiece text(line.data(), line.size());
  if (detected_ != nullptr && re2::RE2::PartialMatch(text, *detected_)) running.detected = true;
  for (const auto& [rule, pattern] : patterns_) {
    std::vector<re2::StringPiece> groups(static_cast<size_t>(pattern->NumberOfCapturingGroups()) +
                                         1);
    if (!pattern->Match(text, 0, text.size(), re2::RE2::UNANCHORED, groups.data(),
                        static_cast<int>(groups.size()))) {
      continue;
    }
    CaseResult result = result_of(running, stop, rule);
    for (size_t i = 1; i < groups.size(); ++i)
      result.groups.emplace_back(groups[i].data() == nullptr ? "" : groups[i].as_string());
    return result;
  }
  return std::nullopt;
}

// What came of a case whose machine stopped; empty: it is not over.
std::optional<CaseResult> Sweep::end_of(Running& running, const FleetStop& stop) const {
  switch (stop.reason) {
    case StopReason::text:
      if (stop.detail < rule_of_text_.size())
        return result_of(running, stop, rule_of_text_[stop.detail]);
      return end_at_line(running, stop);
    case StopReason::instructions:
      if (stop.instructions < limit_) return std::nullopt;
      return result_of(running, stop, rule_of(EndRule::Kind::instructions));
    case StopReason::idle:
      return result_of(running, stop, rule_of(EndRule::Kind::idle));
    case StopReason::shutdown:
      for (u32 i = 0; i < spec_.ends.size(); ++i) {
        const EndRule& rule = spec_.ends[i];
        if (rule.kind == EndRule::Kind::exit_status &&
            (!rule.status || *rule.status == stop.detail)) {
          return result_of(running, stop, i);
        }
      }
      return result_of(running, stop, std::nullopt);
    case StopReason::reboot:
    case StopReason::fault:
      return result_of(running, stop, std::nullopt);
  }
  return std::nullopt;
}

const char* Sweep::outcome_of(const Running& running, const CaseResult& result) const {
  const GoldenRun& golden = golden_of(running.number);
  if (running.detected) return "detected";
  if (result.end == sweep::rule_name(EndRule::Kind::instructions)) return "hang";
  if (result.end != golden.end || result.verdict != golden.verdict ||
      result.status != golden.status) {
    return "crash";
  }
  return *result.console == golden.console ? "masked" : "sdc";
}

// Machines stopped on the way: does what is to be done there and lets them go on.
Result<void> Sweep::go_further(std::span<const FleetStop> stops) {
  std::vector<WordChange> states;
  std::vector<WordChange> ram;
  Result<void> ok;
  for (const FleetStop& stop : stops) {
    Running& running = running_.at(stop.vm);
    while (running.next_step < running.steps.size() &&
           running.steps[running.next_step].at <= stop.instructions) {
      const MachineChange& now = running.steps[running.next_step++].change;
      add_changes(states, now.states, stop.vm);
      add_changes(ram, now.ram, stop.vm);
      if (ok && now.stuck) ok = fleet_->set_stuck(stop.vm, now.stuck);
    }
    if (ok && stop.reason == StopReason::instructions)
      ok = fleet_->stop_after(stop.vm, next_stop(running));
  }
  if (ok) ok = fleet_->change_states(states);
  if (ok) ok = fleet_->change_ram(ram);
  for (const FleetStop& stop : stops) {
    if (ok) ok = fleet_->go_on(stop.vm);
  }
  return ok;
}

// Where a case left the path, for people.
sweep::Parting Sweep::parting_of(const Parting& parting) const {
  sweep::Parting found{parting.icount - machines_.path->first, parting.pc, {}};
  if (machines_.symbols != nullptr) found.symbol = machines_.symbols->describe(parting.pc);
  return found;
}

// Adds what is kept of machines beside what they printed.
Result<void> Sweep::look_at(std::span<const u32> vms, std::vector<CaseResult>& results) {
  if (spec_.keep.hash) {
    auto hashes = fleet_->state_hashes(vms);
    if (!hashes) return pass_on(hashes);
    for (u64 i = 0; i < vms.size(); ++i) results[i].state_hash = (*hashes)[i];
  }
  if (spec_.keep.dirty_pages) {
    auto counts = fleet_->dirty_page_counts(vms);
    if (!counts) return pass_on(counts);
    for (u64 i = 0; i < vms.size(); ++i) results[i].dirty_pages = (*counts)[i];
  }
  if (machines_.path != nullptr) {
    auto partings = fleet_->partings(vms);
    if (!partings) return pass_on(partings);
    for (u64 i = 0; i < vms.size(); ++i) {
      if (const auto& parting = (*partings)[i]) results[i].parting = parting_of(*parting);
    }
  }
  for (u64 i = 0; i < vms.size(); ++i) {
    for (u64 k = 0; k < kept_at_.size(); ++k) {
      sweep::KeptBytes kept{spec_.keep.memory[k].name, kept_at_[k],
                            std::string(spec_.keep.memory[k].range.bytes, '\0')};
      const std::span<u8> out(reinterpret_cast<u8*>(kept.bytes.data()), kept.bytes.size());
      if (Result<void> ok = fleet_->read_ram(vms[i], kept_at_[k], out); !ok) return ok;
      results[i].memory.push_back(std::move(kept));
    }
  }
  return {};
}

Result<void> Sweep::serve(const std::vector<FleetStop>& stops) {
  std::vector<u32> ended;
  std::vector<CaseResult> results;
  std::vector<FleetStop> on_their_way;
  for (const FleetStop& stop : stops) {
    Running& running = running_.at(stop.vm);
    running.console += fleet_->take_console(stop.vm);
    if (!stop.sentence.empty()) running.console += "\n[Rookery: " + stop.sentence + "]\n";
    auto result = end_of(running, stop);
    if (!result) {
      on_their_way.push_back(stop);
      continue;
    }
    if (running.fault) {
      result->fault = running.fault;
      result->verdict = outcome_of(running, *result);
    }
    ended.push_back(stop.vm);
    results.push_back(*std::move(result));
  }
  if (Result<void> ok = go_further(on_their_way); !ok) return ok;
  if (ended.empty()) return {};
  if (Result<void> ok = look_at(ended, results); !ok) return ok;
  for (CaseResult& result : results) {
    if (!spec_.keep.console) result.console.reset();
    if (Result<void> ok = host_.done(std::move(result)); !ok) return ok;
  }
  for (const u32 vm : ended) running_.erase(vm);
  if (Result<void> ok = fleet_->reset(ended); !ok) return ok;
  if (golden_ == nullptr || fleet_->side_by_side() == 1) return start(ended);
  auto gathered = gather(ended);
  return gathered ? start(*gathered) : pass_on(gathered);
}

// Cases of a campaign do alike, as far as their faults let them, if they begin at the same time:
// machines that were just reset stand still until half of those beside them are there too. Those
// that are now.
Result<std::vector<u32>> Sweep::gather(std::span<const u32> vms) {
  const u32 size = fleet_->side_by_side();
  for (const u32 vm : vms) {
    if (Result<void> ok = fleet_->park(vm); !ok) return pass_on(ok);
    gathered_[vm / size].push_back(vm);
  }
  std::vector<u32> ready;
  for (const u32 vm : vms) {
    std::vector<u32>& group = gathered_[vm / size];
    const u32 all = std::min(size, fleet_->size() - vm / size * size);
    if (group.size() < (all + 1) / 2) continue;
    for (const u32 machine : std::exchange(group, {})) {
      if (Result<void> ok = fleet_->go_on(machine); !ok) return pass_on(ok);
      ready.push_back(machine);
    }
  }
  return ready;
}

Result<void> Sweep::run() {
  std::vector<u32> all(fleet_->size());
  for (u32 vm = 0; vm < all.size(); ++vm) all[vm] = vm;
  if (Result<void> ok = start(all); !ok) return ok;
  while (fleet_->running() != 0) {
    if (host_.progress(fleet_->running(), fleet_->waiting_for_memory(), fleet_->instructions()))
      return {};
    auto stops = fleet_->run();
    if (!stops) return pass_on(stops);
    if (path_ != nullptr) {
      take_path();
      if (path_->pcs.size() == kMaxPathSteps) return {};
    }
    if (Result<void> ok = serve(*stops); !ok) return ok;
  }
  return {};
}

Result<LiftedCase> Sweep::lift() {
  const u32 vm = 0;
  stops_at_steps_ = true;
  if (Result<void> ok = start({&vm, 1}); !ok) return pass_on(ok);
  Running& running = running_.at(vm);
  while (running.next_step < running.steps.size()) {
    auto stops = fleet_->run();
    if (!stops) return pass_on(stops);
    for (const FleetStop& stop : *stops) {
      running.console += fleet_->take_console(vm);
      if (end_of(running, stop)) {
        return fail(ErrorKind::usage,
                    "The case ends after {} instructions, before anything is done to it.",
                    stop.instructions);
      }
    }
    if (Result<void> ok = go_further(*stops); !ok) return pass_on(ok);
  }
  auto machine = fleet_->lift(vm);
  if (!machine) return pass_on(machine);
  LiftedCase lifted{*std::move(machine), {}, running.fault};
  if (!running.steps.empty()) lifted.stuck = running.steps.back().change.stuck;
  return lifted;
}

// A host of a single case.
class OneCase final : public SweepHost {
 public:
  explicit OneCase(u64 number) : number_(number) {}
  std::optional<u64> next_case() override { return std::exchange(number_, std::nullopt); }
  Result<void> done(CaseResult) override { return {}; }
  bool progress(u32, u32, u64) override { return false; }

 private:
  std::optional<u64> number_;
};

// Keeps golden runs. Its cases are the first of their combinations.
class GoldenHost final : public SweepHost {
 public:
  GoldenHost(const SweepSpec& spec, std::span<const u64> combinations,
             const std::function<bool()>& stopped)
      : spec_(spec), left_(combinations), stopped_(stopped) {}

  Result<void> prepare() {
    if (spec_.fault->detected.empty()) return {};
    auto pattern = compile(spec_.fault->detected);
    if (!pattern) return pass_on(pattern);
    detected_ = *std::move(pattern);
    return {};
  }

  std::optional<u64> next_case() override {
    if (left_.empty()) return std::nullopt;
    const u64 combination = left_.front();
    left_ = left_.subspan(1);
    return combination * spec_.fault->cases;
  }
  Result<void> done(CaseResult result) override {
    if (result.end == sweep::rule_name(EndRule::Kind::instructions)) {
      return fail(ErrorKind::usage,
                  "A golden run does not end: it reached the limit of {} instructions. It printed: "
                  "{}",
                  result.instructions, *result.console);
    }
    if (detected_ != nullptr && prints_detected(*result.console)) {
      return fail(ErrorKind::usage,
                  "A golden run prints a line that says that a fault was detected ({}).",
                  spec_.fault->detected);
    }
    const auto& between = spec_.fault->between;
    if (between && between->first >= result.instructions) {
      return fail(ErrorKind::usage,
                  "[fault] between begins at {}, and the golden run ends after {} instructions.",
                  between->first, result.instructions);
    }
    GoldenRun& golden = runs[spec_.combination_of(result.number)];
    golden = {result.verdict, result.end,        result.instructions,
              result.status,  result.state_hash, *result.console};
    return {};
  }
  bool progress(u32, u32, u64) override { return stopped_(); }

  GoldenRuns runs;

 private:
  // Lines as end_at_line() has them.
  bool prints_detected(std::string_view console) const {
    for (size_t end = console.find('\n'); end != std::string_view::npos; end = console.find('\n')) {
      std::string_view line = console.substr(0, end);
      while (!line.empty() && line.back() == '\r') line.remove_suffix(1);
      if (re2::RE2::PartialMatch(re2::StringPiece(line.data(), line.size()), *detected_))
        return true;
      console.remove_prefix(end + 1);
    }
    return false;
  }

  const SweepSpec& spec_;
  std::span<const u64> left_;
  const std::function<bool()>& stopped_;
  std::unique_ptr<re2::RE2> detected_;  // null: nothing is
};

}  // namespace

Result<GoldenRuns> golden_runs(const SweepSpec& spec, const SweepMachines& machines,
                               std::span<const u64> combinations,
                               const std::function<bool()>& stopped) {
  GoldenHost host(spec, combinations, stopped);
  if (Result<void> ok = host.prepare(); !ok) return pass_on(ok);
  SweepMachines some = machines;
  some.machines = static_cast<u32>(std::min<u64>(machines.machines, combinations.size()));
  if (some.machines == 0) return host.runs;
  // What was printed is compared, whatever is kept.
  SweepSpec whole = spec;
  whole.keep.console = true;
  whole.keep.hash = true;
  Sweep sweep(whole, some, nullptr, host);
  Result<void> ok = sweep.prepare();
  if (ok) ok = sweep.run();
  if (!ok) return std::unexpected(std::move(ok.error()).during("running the golden runs"));
  return std::move(host.runs);
}

Result<void> check_sweep(const SweepSpec& spec, const SweepMachines& machines) {
  OneCase host(0);
  SweepMachines one = machines;
  one.machines = 1;
  Sweep sweep(spec, one, nullptr, host);
  Result<void> ok = sweep.prepare();
  if (ok && spec.fault) ok = sweep.prepare_faults();
  return ok ? sweep.check_first_case() : ok;
}

Result<InstructionPath> first_path(const SweepSpec& spec, const SweepMachines& machines) {
  OneCase host(0);
  SweepMachines one = machines;
  one.machines = 1;
  one.path = nullptr;
  InstructionPath path;
  Sweep sweep(spec, one, nullptr, host);
  Result<void> ok = sweep.prepare();
  if (ok) ok = sweep.record_path(path);
  if (ok) ok = sweep.run();
  if (!ok) return std::unexpected(std::move(ok.error()).during("recording the first case's path"));
  return path;
}

Result<LiftedCase> lift_case(const SweepSpec& spec, const SweepMachines& machines,
                             const GoldenRuns& golden, u64 number) {
  OneCase host(number);
  SweepMachines one = machines;
  one.machines = 1;
  Sweep sweep(spec, one, spec.fault ? &golden : nullptr, host);
  if (Result<void> ok = sweep.prepare(); !ok) return pass_on(ok);
  return sweep.lift();
}

Result<void> run_sweep(const SweepSpec& spec, const SweepMachines& machines,
                       const GoldenRuns& golden, SweepHost& host) {
  Sweep sweep(spec, machines, spec.fault ? &golden : nullptr, host);
  Result<void> ok = sweep.prepare();
  return ok ? sweep.run() : ok;
}

}  // namespace rookery::runner
