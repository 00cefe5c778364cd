// SPDX-License-Identifier: Apache-2.0
// `rookery sweep`: runs all cases of a description on forks of a snapshot, and keeps what came of
// them. What a sweep is: src/sweep; how it runs: src/runner.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <map>
#include <thread>
#include <tuple>

#include "base/file.h"
#include "bench/bench.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/debug_case.h"
#include "cli/exit_codes.h"
#include "cli/machine_options.h"
#include "cli/terminal.h"
#include "engine/cpu/cpu_engine.h"
#include "fleet/choose_engine.h"
#include "fleet/snapshot_file.h"
#include "runner/runner.h"
#include "sweep/export.h"
#include "sweep/report.h"
#include "sweep/results.h"
#include "sweep/results_reader.h"

namespace rookery::cli {
namespace {

// A case waits for its neighbours now and then; so many machines a core keep all cores busy.
constexpr u32 kMachinesPerCore = 8;
// Machines side by side on a GPU, unless told: twice as many are no faster on an H200.
constexpr u64 kGpuMachines = 16'384;
// A GPU runs one machine at 4 MIPS, a core at 200: with fewer cases than this a core, the CPU
// engine is done sooner (docs/performance.md).
constexpr u64 kGpuWinsFromCasesPerCore = 50;

struct SweepArguments {
  EngineRequest engine;
  std::string spec;
  std::string output;
  std::string machines;
  std::string only_case;
  std::string gdb;
  std::string jsonl;
  std::string csv;
  std::string junit;
  std::string report;
  std::vector<std::string> parents;
  bool check = false;
  bool divergence = false;
};

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

u32 core_count() { return std::max(1u, std::thread::hardware_concurrency()); }

// What an instant of a sweep looks like, on standard error: overwritten on a terminal, a line every
// ten seconds elsewhere.
class SweepProgress {
 public:
  explicit SweepProgress(u64 cases) : cases_(cases) {}
  ~SweepProgress() { erase(); }

  void count(const std::string& verdict) { ++verdicts_[verdict]; }

  void show(u64 done, u64 begun_at, u32 busy, u32 waiting, u64 instructions) {
    const double now = seconds_now();
    if (now - last_ < (terminal_ ? 0.2 : 10)) return;
    last_ = now;
    const double seconds = now - start_;
    const double rate = static_cast<double>(done - begun_at) / seconds;
    std::string text = fmt::format("{} of {} cases", bench::grouped(done), bench::grouped(cases_));
    if (done > begun_at) {
      text += fmt::format(", {:.0f} a second, {:.0f} s left", rate,
                          static_cast<double>(cases_ - done) / rate);
    }
    text += fmt::format(", {} machines, {}", bench::grouped(busy),
                        bench::speed_text(static_cast<double>(instructions) / seconds));
    if (waiting != 0) text += fmt::format(", {} wait for memory", bench::grouped(waiting));
    for (const auto& [verdict, count] : verdicts_)
      text += fmt::format("; {} {}", bench::grouped(count), verdict);
    erase();
    fmt::print(stderr, "{}Rookery: {}{}", terminal_ ? "\r" : "", text, terminal_ ? "" : "\n");
    std::fflush(stderr);
    shown_ = terminal_;
  }
  void erase() {
    if (shown_) fmt::print(stderr, "\r\x1b[K");
    shown_ = false;
  }
  double seconds() const { return seconds_now() - start_; }

 private:
  u64 cases_;
  bool terminal_ = isatty(STDERR_FILENO) != 0;
  bool shown_ = false;
  double start_ = seconds_now();
  double last_ = start_;
  std::map<std::string, u64> verdicts_;
};

// Takes the cases that the file does not have, and writes them there.
class FileHost final : public runner::SweepHost {
 public:
  FileHost(const sweep::SweepSpec& spec, sweep::ResultsWriter& writer)
      : spec_(spec),
        writer_(writer),
        begun_at_(writer.done().size()),
        progress_(spec.case_count()) {}

  std::optional<u64> next_case() override {
    while (next_ < spec_.case_count() && writer_.done().contains(next_))
      next_ = writer_.done().next_missing(next_);
    if (next_ >= spec_.case_count()) return std::nullopt;
    return next_++;
  }
  Result<void> done(sweep::CaseResult result) override {
    progress_.count(result.verdict);
    return writer_.add(std::move(result));
  }
  bool progress(u32 busy, u32 waiting, u64 instructions) override {
    instructions_ = instructions;
    progress_.show(writer_.done().size(), begun_at_, busy, waiting, instructions);
    return stop_signal() != 0;
  }

  u64 cases() const { return writer_.done().size() - begun_at_; }
  u64 instructions() const { return instructions_; }
  SweepProgress& progress_line() { return progress_; }

 private:
  const sweep::SweepSpec& spec_;
  sweep::ResultsWriter& writer_;
  u64 begun_at_;
  SweepProgress progress_;
  u64 next_ = 0;
  u64 instructions_ = 0;
};

// One case, shown to a person.
class OneCaseHost final : public runner::SweepHost {
 public:
  explicit OneCaseHost(u64 number) : number_(number) {}
  std::optional<u64> next_case() override {
    return std::exchange(begun_, true) ? std::nullopt : std::optional(number_);
  }
  Result<void> done(sweep::CaseResult result) override {
    result_ = std::move(result);
    return {};
  }
  bool progress(u32, u32, u64) override { return stop_signal() != 0; }
  const std::optional<sweep::CaseResult>& result() const { return result_; }

 private:
  u64 number_;
  bool begun_ = false;
  std::optional<sweep::CaseResult> result_;
};

struct Prepared {
  sweep::SweepSpec spec;
  Snapshot snapshot;
  std::optional<SymbolTable> symbols;
};

Result<Prepared> prepare(const SweepArguments& arguments) {
  Prepared prepared;
  auto spec = sweep::read_spec(arguments.spec);
  if (!spec) return std::unexpected(std::move(spec.error()));
  prepared.spec = *std::move(spec);
  if (arguments.divergence) prepared.spec.keep.divergence = true;
  if (prepared.spec.keep.divergence) prepared.spec.keep.hash = true;
  const std::string path = prepared.spec.in_folder(prepared.spec.snapshot);
  auto snapshot = read_snapshot(path, arguments.parents);
  if (!snapshot) return std::unexpected(std::move(snapshot.error()));
  prepared.snapshot = *std::move(snapshot);
  if (!prepared.spec.symbols.empty()) {
    auto symbols = read_symbols(prepared.spec.in_folder(prepared.spec.symbols));
    if (!symbols) return std::unexpected(std::move(symbols.error()));
    prepared.symbols = *std::move(symbols);
  }
  // Whatever can be refused is, before there is a results file.
  runner::SweepMachines one;
  one.snapshot = &prepared.snapshot;
  one.symbols = prepared.symbols ? &*prepared.symbols : nullptr;
  one.make_engine = create_cpu_engine;
  if (auto good = runner::check_sweep(prepared.spec, one); !good) {
    return std::unexpected(
        std::move(good.error()).during(fmt::format("reading \"{}\"", arguments.spec)));
  }
  return prepared;
}

bool is_stopped() { return stop_signal() != 0; }

struct Engines {
  runner::SweepMachines machines;
  std::string name;
};

// The engine for so many cases, and how many machines.
Result<Engines> choose_machines(const SweepArguments& arguments, const Prepared& prepared,
                                u64 cases) {
  Engines engines;
  engines.machines.snapshot = &prepared.snapshot;
  engines.machines.symbols = prepared.symbols ? &*prepared.symbols : nullptr;
  EngineRequest request = arguments.engine;
  const bool is_auto = request.engine == "auto" && request.adapter.empty();
  if (is_auto && cases < kGpuWinsFromCasesPerCore * core_count()) request.engine = "cpu";
  auto choice = choose_engine(request);
  if (!choice) return std::unexpected(std::move(choice.error()));
  const bool on_gpu = !choice->adapter.empty();
  engines.machines.make_engine = choice->make_fleet;
  engines.name = on_gpu ? fmt::format("gpu ({})", choice->adapter) : "cpu";
  u64 wanted = prepared.spec.machines.value_or(0);
  if (!on_gpu) {
    if (wanted == 0) wanted = u64{core_count()} * kMachinesPerCore;
    wanted = std::min<u64>(wanted, u64{core_count()} * kMachinesPerCore);
  } else if (wanted == 0) {
    wanted = kGpuMachines;
  }
  if (!arguments.machines.empty()) {
    auto machines = parse_count(arguments.machines, "--vms");
    if (!machines) return std::unexpected(std::move(machines.error()));
    if (*machines > (1u << 20))
      return fail(ErrorKind::usage, "--vms {} is more than {}.", arguments.machines, 1u << 20);
    wanted = *machines;
  }
  engines.machines.machines = static_cast<u32>(std::clamp<u64>(wanted, 1, std::max<u64>(1, cases)));
  return engines;
}

void print_result(const sweep::SweepSpec& spec, const sweep::CaseResult& result) {
  if (result.console) fmt::print("{}", *result.console);
  std::fflush(stdout);  // before what is said about it
  std::string values;
  for (const sweep::NamedValue& value : spec.axis_values(result.number))
    values += fmt::format(" {}={}", value.axis, sweep::value_text(value.value));
  fmt::print(
      stderr, "\nRookery: case {}{}: {} ({}) after {} instructions{}{}.\n", result.number, values,
      result.verdict, result.end, result.instructions,
      result.fault
          ? fmt::format(", with {} of {} bit {} at {}", sweep::kind_name(result.fault->fault.kind),
                        result.fault->place, result.fault->place_bit, result.fault->fault.at)
          : "",
      result.state_hash ? fmt::format(", state {:016x}", *result.state_hash) : "");
}

// The same case for gdb, or as a snapshot.
Result<int> lift_one_case(const SweepArguments& arguments, const Prepared& prepared,
                          const Engines& engines, const runner::GoldenRuns& golden, u64 number) {
  std::unique_ptr<GdbListener> listener;
  if (!arguments.gdb.empty()) {
    auto address = parse_gdb_address(arguments.gdb);
    if (!address) return std::unexpected(std::move(address.error()));
    auto opened = GdbListener::open(*address);
    if (!opened) return std::unexpected(std::move(opened.error()));
    listener = *std::move(opened);
  }
  runner::SweepMachines on_cpu = engines.machines;
  on_cpu.make_engine = create_cpu_engine;
  auto lifted = runner::lift_case(prepared.spec, on_cpu, golden, number);
  if (!lifted) return std::unexpected(std::move(lifted.error()));
  const u64 begun_at = prepared.snapshot.instructions;
  const std::string where = fmt::format(
      "case {} after {} instructions{}", number, lifted->machine.instructions - begun_at,
      lifted->fault
          ? fmt::format(", with {} of {} bit {}", sweep::kind_name(lifted->fault->fault.kind),
                        lifted->fault->place, lifted->fault->place_bit)
          : "");
  if (!arguments.output.empty()) {
    if (lifted->stuck) {
      return fail(ErrorKind::usage,
                  "Case {} has a permanent fault, which does not go into a snapshot: take --gdb.",
                  number);
    }
    auto bytes = write_snapshot(arguments.output, lifted->machine, nullptr);
    if (!bytes) return std::unexpected(std::move(bytes.error()));
    fmt::print(stderr, "Rookery: {}: \"{}\", {}.\n", where, arguments.output, size_text(*bytes));
  }
  if (listener == nullptr) return kExitGood;
  fmt::print(stderr, "Rookery: {}.\n", where);
  u64 limit = 0;
  for (const sweep::EndRule& rule : prepared.spec.ends) limit = std::max(limit, rule.instructions);
  return debug_case(*std::move(lifted), std::move(listener), begun_at, limit);
}

// One case by itself, to be looked at. No results are written.
Result<int> run_one_case(const SweepArguments& arguments, Prepared& prepared) {
  u64 number = 0;
  const std::string& text = arguments.only_case;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() ||
      number >= prepared.spec.case_count()) {
    return fail(ErrorKind::usage, "--case {}: cases have numbers from 0 to {}.", text,
                prepared.spec.case_count() - 1);
  }
  prepared.spec.keep.console = true;
  prepared.spec.keep.hash = true;
  auto engines = choose_machines(arguments, prepared, 1);
  if (!engines) return std::unexpected(std::move(engines.error()));
  runner::GoldenRuns golden;
  if (prepared.spec.fault) {
    const u64 combination = prepared.spec.combination_of(number);
    auto runs =
        runner::golden_runs(prepared.spec, engines->machines, {&combination, 1}, is_stopped);
    if (!runs) return std::unexpected(std::move(runs.error()));
    if (is_stopped()) return kExitSignalBase + stop_signal();
    golden = *std::move(runs);
  }
  if (!arguments.gdb.empty() || !arguments.output.empty())
    return lift_one_case(arguments, prepared, *engines, golden, number);
  OneCaseHost host(number);
  auto done = runner::run_sweep(prepared.spec, engines->machines, golden, host);
  if (!done) return std::unexpected(std::move(done.error()));
  if (stop_signal() != 0) return kExitSignalBase + stop_signal();
  print_result(prepared.spec, *host.result());
  return kExitGood;
}

// Adds the golden runs that are missing.
Result<void> add_golden_runs(const Prepared& prepared, const Engines& engines,
                             runner::GoldenRuns& golden) {
  if (!prepared.spec.fault) return {};
  std::vector<u64> missing;
  for (u64 combination = 0; combination < prepared.spec.combination_count(); ++combination) {
    if (!golden.contains(combination)) missing.push_back(combination);
  }
  auto runs = runner::golden_runs(prepared.spec, engines.machines, missing, is_stopped);
  if (!runs) return std::unexpected(std::move(runs.error()));
  golden.merge(*runs);
  return {};
}

// Those that a results file has.
Result<runner::GoldenRuns> known_golden_runs(const Prepared& prepared, const std::string& path) {
  runner::GoldenRuns golden;
  if (!prepared.spec.fault || ::access(path.c_str(), F_OK) != 0) return golden;
  auto results = sweep::ResultsReader::open(path);
  if (!results) return std::unexpected(std::move(results.error()));
  if (results->info().identity != prepared.spec.identity()) return golden;  // refused by the writer
  for (u64 combination = 0; combination < prepared.spec.combination_count(); ++combination) {
    auto known = results->golden(combination);
    if (!known) return std::unexpected(std::move(known.error()));
    if (*known) golden[combination] = **std::move(known);
  }
  return golden;
}

// What cases are compared with. One machine: a core does it sooner than any GPU.
Result<void> record_first_path(const Prepared& prepared, Engines& engines) {
  runner::SweepMachines one = engines.machines;
  one.make_engine = create_cpu_engine;
  auto path = runner::first_path(prepared.spec, one);
  if (!path) return std::unexpected(std::move(path.error()));
  engines.machines.path = std::make_shared<const InstructionPath>(*std::move(path));
  if (engines.machines.path->pcs.size() == kMaxPathSteps) {
    fmt::print(stderr, "Rookery: cases are compared with the first {} instructions of case 0.\n",
               bench::grouped(kMaxPathSteps));
  }
  return {};
}

// Where cases parted, and the states that they ended in.
Result<void> print_divergence(const std::string& path) {
  constexpr u32 kMostShown = 20;
  auto results = sweep::ResultsReader::open(path);
  if (!results) return std::unexpected(std::move(results.error()));
  const auto cases = results->case_count();
  if (!cases) return std::unexpected(cases.error());
  const auto partings = results->parting_groups(kMostShown);
  if (!partings) return std::unexpected(partings.error());
  const auto states = results->hash_groups(kMostShown);
  if (!states) return std::unexpected(states.error());
  fmt::print("{} of {} cases part from the first, at {} instructions:\n",
             bench::grouped(partings->cases), bench::grouped(*cases),
             bench::grouped(partings->distinct));
  fmt::print("{:>10}  {:>16}  {:>10}  {:<10}  {}\n", "cases", "earliest, after", "first case", "pc",
             "symbol");
  for (const sweep::PartingGroup& group : partings->largest) {
    fmt::print("{:>10}  {:>16}  {:>10}  {:#010x}  {}\n", bench::grouped(group.cases),
               bench::grouped(group.earliest), group.first_case, group.pc, group.symbol);
  }
  fmt::print("They end in {} states:\n{:>10}  {:>10}  {:<16}  {}\n",
             bench::grouped(states->distinct), "cases", "first case", "state", "verdicts");
  for (const sweep::HashGroup& group : states->largest) {
    std::string verdicts;
    for (const sweep::VerdictCount& count : group.verdicts)
      verdicts += fmt::format("{}{} {}", verdicts.empty() ? "" : ", ", bench::grouped(count.cases),
                              count.verdict);
    fmt::print("{:>10}  {:>10}  {:016x}  {}\n", bench::grouped(group.cases), group.first_case,
               group.state_hash, verdicts);
  }
  return {};
}

using Export = Result<void> (*)(sweep::ResultsReader&, const sweep::ByteSink&);

// Writes results beside their place and puts them there when all are written; "-" is standard
// output.
Result<void> export_to(const std::string& path, sweep::ResultsReader& results, Export do_export) {
  if (path.empty()) return {};
  const bool to_stdout = path == "-";
  const std::string part = path + ".part";
  std::FILE* const file = to_stdout ? stdout : std::fopen(part.c_str(), "wb");
  const auto failed = [&] {
    return fail(ErrorKind::io, "Cannot write \"{}\": {}.", path, std::strerror(errno));
  };
  if (file == nullptr) return failed();
  Result<void> done = do_export(results, [&](std::string_view bytes) -> Result<void> {
    if (std::fwrite(bytes.data(), 1, bytes.size(), file) != bytes.size()) return failed();
    return {};
  });
  if (to_stdout) return done;
  if (std::fclose(file) != 0 && done) done = failed();
  if (done && std::rename(part.c_str(), path.c_str()) != 0) done = failed();
  if (!done) std::remove(part.c_str());
  return done;
}

Result<void> export_all(const SweepArguments& arguments, const std::string& path) {
  const std::tuple<const std::string&, Export> exports[] = {
      {arguments.jsonl, sweep::export_jsonl},
      {arguments.csv, sweep::export_csv},
      {arguments.junit, sweep::export_junit},
      {arguments.report, sweep::write_report},
  };
  if (std::ranges::all_of(exports, [](const auto& e) { return std::get<0>(e).empty(); })) return {};
  auto results = sweep::ResultsReader::open(path);
  if (!results) return std::unexpected(std::move(results.error()));
  Result<void> done;
  for (const auto& [path_out, do_export] : exports) {
    if (done) done = export_to(path_out, *results, do_export);
  }
  return done;
}

// What this run has done, and what the file holds.
Result<void> print_totals(const std::string& path, u64 done, double seconds) {
  auto results = sweep::ResultsReader::open(path);
  if (!results) return std::unexpected(std::move(results.error()));
  auto verdicts = results->verdicts();
  if (!verdicts) return std::unexpected(std::move(verdicts.error()));
  u64 total = 0;
  std::string counts;
  std::ranges::sort(*verdicts, {}, &sweep::VerdictCount::verdict);
  for (const auto& [verdict, cases] : *verdicts) {
    total += cases;
    counts += fmt::format("{} {} {}", counts.empty() ? ":" : ",", bench::grouped(cases), verdict);
  }
  std::string text = fmt::format("{} cases in {:.1f} s ({:.0f} a second)", bench::grouped(done),
                                 seconds, static_cast<double>(done) / seconds);
  if (done != total) {
    const std::string all = bench::grouped(total);
    text = done == 0 ? all + " cases, done before"
                     : fmt::format("{}; with those done before {}", text, all);
  }
  fmt::print(stderr, "Rookery: {}{}. Results: \"{}\".\n", text, counts, path);
  return {};
}

Result<int> run_sweep_command(const SweepArguments& arguments) {
  auto prepared = prepare(arguments);
  if (!prepared) return std::unexpected(std::move(prepared.error()));
  const sweep::SweepSpec& spec = prepared->spec;
  if (arguments.check) {
    fmt::print("{}: {} cases; the first can be run.\n", arguments.spec,
               bench::grouped(spec.case_count()));
    return kExitGood;
  }
  if (!arguments.only_case.empty()) return run_one_case(arguments, *prepared);

  const std::string path = arguments.output.empty() ? spec.name + ".sqlite" : arguments.output;
  auto engines = choose_machines(arguments, *prepared, spec.case_count());
  if (!engines) return std::unexpected(std::move(engines.error()));
  sweep::Session session;
  session.program = "rookery " ROOKERY_VERSION;
  session.engine = engines->name;
  session.machines = engines->machines.machines;
  // Golden runs first: a sweep that cannot have them leaves no file.
  auto golden = known_golden_runs(*prepared, path);
  if (!golden) return std::unexpected(std::move(golden.error()));
  if (auto added = add_golden_runs(*prepared, *engines, *golden); !added)
    return std::unexpected(std::move(added.error()));
  if (is_stopped()) return kExitSignalBase + stop_signal();
  if (spec.keep.divergence) {
    if (auto ok = record_first_path(*prepared, *engines); !ok)
      return std::unexpected(std::move(ok.error()));
  }
  auto writer =
      sweep::ResultsWriter::open(path, spec, prepared->snapshot.source.id.text(), session);
  if (!writer) return std::unexpected(std::move(writer.error()));
  for (const auto& [combination, run] : *golden) {
    auto known = writer->golden(combination);
    if (!known) return std::unexpected(std::move(known.error()));
    if (*known) continue;
    if (auto done = writer->set_golden(combination, run); !done)
      return std::unexpected(std::move(done.error()));
  }
  FileHost host(spec, *writer);
  fmt::print(stderr, "Rookery: {} cases, {} to do, on {} machines, {}.\n",
             bench::grouped(spec.case_count()),
             bench::grouped(spec.case_count() - writer->done().size()),
             bench::grouped(engines->machines.machines), engines->name);
  const bool all_done = writer->done().size() == spec.case_count();
  auto ran = all_done ? Result<void>() : runner::run_sweep(spec, engines->machines, *golden, host);
  const double seconds = host.progress_line().seconds();
  host.progress_line().erase();
  auto closed = writer->close();
  if (!ran) return std::unexpected(std::move(ran.error()));
  if (!closed) return std::unexpected(std::move(closed.error()));
  if (auto said = print_totals(path, host.cases(), seconds); !said)
    return std::unexpected(std::move(said.error()));
  if (spec.keep.divergence) {
    if (auto printed = print_divergence(path); !printed)
      return std::unexpected(std::move(printed.error()));
  }
  if (auto exported = export_all(arguments, path); !exported)
    return std::unexpected(std::move(exported.error()));
  return stop_signal() != 0 ? kExitSignalBase + stop_signal() : kExitGood;
}

}  // namespace

void add_sweep_command(CLI::App& app, Command& chosen) {
  auto arguments = std::make_shared<SweepArguments>();
  CLI::App* command = app.add_subcommand("sweep", "Run thousands of cases on forks of a snapshot");
  command->add_option("SPEC", arguments->spec, "What to run: TOML or JSON (docs/sweeps.md)")
      ->required()
      ->type_name("FILE");
  command
      ->add_option("-o,--output", arguments->output,
                   "Results (SQLite; default NAME.sqlite); with --case: the machine as a snapshot, "
                   "after the last change to it")
      ->type_name("FILE");
  command
      ->add_option("--engine", arguments->engine.engine,
                   "auto (default): the GPU if there is one and the cases are many; cpu; gpu")
      ->check(CLI::IsMember({"auto", "cpu", "gpu"}));
  command
      ->add_option("--adapter", arguments->engine.adapter,
                   "GPU whose name contains this, or software")
      ->type_name("NAME|software");
  command->add_option("--vms", arguments->machines, "Machines side by side")->type_name("COUNT");
  auto* const only_case =
      command
          ->add_option("--case", arguments->only_case,
                       "Run this case alone and show it; no results are written")
          ->type_name("NUMBER");
  command
      ->add_option("--gdb", arguments->gdb,
                   "Wait for gdb there, the case stopped after the last change to it (its fault); "
                   "on the CPU engine; port 0: any")
      ->needs(only_case)
      ->type_name("[HOST:]PORT");
  for (auto [name, path, what] :
       {std::tuple{"--jsonl", &arguments->jsonl, "Results as JSON, an object a line"},
        std::tuple{"--csv", &arguments->csv, "Results as CSV"},
        std::tuple{"--junit", &arguments->junit, "Results as JUnit's XML"},
        std::tuple{"--report", &arguments->report, "A report with charts, one HTML file"}}) {
    command->add_option(name, *path, what)->type_name("FILE|-");
  }
  command
      ->add_option("--parent", arguments->parents,
                   "Where the snapshot's parent is, if it is not where it was; may be given more "
                   "than once")
      ->type_name("FILE.rook");
  command->add_flag("--divergence", arguments->divergence,
                    "Also find where each case parts from the first one, and group the states that "
                    "they end in ([keep] divergence); slower");
  command->add_flag("--check", arguments->check, "Read everything and run nothing");
  command->footer(
      "The same command goes on where it was stopped or killed: each case is done once.\n\n"
      "Examples:\n"
      "  rookery sweep faults.toml\n"
      "  rookery sweep faults.toml --vms 32768 -o faults.sqlite --report faults.html\n"
      "  rookery sweep faults.toml --case 17 --engine cpu\n"
      "  rookery sweep faults.toml --case 17 --gdb 1234   then: gdb-multiarch -ex 'target remote "
      ":1234'");
  command->callback(
      [&chosen, arguments] { chosen = [arguments] { return run_sweep_command(*arguments); }; });
}

}  // namespace rookery::cli
