// SPDX-License-Identifier: Apache-2.0
// `rookery trace`: what a machine does, as Spike's commit log; or two engines side by side until
// they differ.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <deque>
#include <future>
#include <memory>
#include <thread>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/console.h"
#include "cli/exit_codes.h"
#include "cli/machine_options.h"
#include "debug/symbols.h"
#include "debug/trace_comparison.h"
#include "debug/trace_text.h"
#include "fleet/choose_engine.h"
#include "machine/machine.h"

namespace rookery::cli {
namespace {

constexpr u64 kDispatchUs = 100'000;
// Of the CPU engine, whose records should not fall out of the caches before they are text.
constexpr u64 kCpuDispatchUs = 2'000;
// How far one engine runs ahead of the other.
constexpr std::size_t kMostAhead = std::size_t{1} << 16;

struct TraceArguments {
  MachineOptions machine;
  EngineRequest engine;
  std::string from;
  std::string to;
  std::string timeout;
  std::string pc;
  std::string symbol;
  std::string symbols;
  std::vector<std::string> privileges;
  std::vector<std::string> only;
  std::string output;
};

// What is wanted, checked.
struct Wanted {
  TraceOptions records;
  bool exits = true;
  InstructionRange instructions;
  u64 timeout_us = 0;

  bool any_records() const { return records.commits || records.traps; }
};

Result<u64> parse_address(std::string_view text) {
  u64 value = 0;
  const bool is_hex = text.starts_with("0x") && text.size() > 2 && text.size() <= 18;
  std::size_t end = 2;
  for (; is_hex && end < text.size(); ++end) {
    const char c = text[end];
    const bool digit = c >= '0' && c <= '9';
    const bool letter = (c | 32) >= 'a' && (c | 32) <= 'f';
    if (!digit && !letter) break;
    value = value * 16 + static_cast<u64>(digit ? c - '0' : (c | 32) - 'a' + 10);
  }
  if (!is_hex || end != text.size()) {
    return fail(ErrorKind::usage, "\"{}\" is not an address: write 0x80000000.", text);
  }
  return value;
}

Result<void> choose_addresses(const TraceArguments& arguments, const SymbolTable* symbols,
                              TraceOptions& records) {
  if (!arguments.pc.empty()) {
    const std::size_t colon = arguments.pc.find(':');
    if (colon == std::string::npos) {
      return fail(ErrorKind::usage,
                  "--pc \"{}\" is not a range: write LOW:HIGH, 0x80000000:0x800000ff.",
                  arguments.pc);
    }
    auto low = parse_address(std::string_view(arguments.pc).substr(0, colon));
    if (!low) return std::unexpected(std::move(low.error()));
    auto high = parse_address(std::string_view(arguments.pc).substr(colon + 1));
    if (!high) return std::unexpected(std::move(high.error()));
    if (*low > *high) {
      return fail(ErrorKind::usage, "--pc \"{}\" ends before it begins.", arguments.pc);
    }
    records.pc_low = *low;
    records.pc_high = *high;
  }
  if (arguments.symbol.empty()) return {};
  const Symbol* const symbol = symbols->find(arguments.symbol);
  if (symbol == nullptr || !symbol->is_code) {
    return fail(ErrorKind::usage, "There is no {} \"{}\" in \"{}\".",
                symbol == nullptr ? "symbol" : "function", arguments.symbol, arguments.symbols);
  }
  records.pc_low = symbol->va;
  records.pc_high = symbol->last_va();
  return {};
}

Result<Wanted> check(const TraceArguments& arguments, const SymbolTable* symbols) {
  Wanted wanted;
  auto range = parse_instruction_range(arguments.from, arguments.to);
  if (!range) return std::unexpected(std::move(range.error()));
  wanted.instructions = *range;
  if (auto ok = choose_addresses(arguments, symbols, wanted.records); !ok)
    return std::unexpected(std::move(ok.error()));
  if (!arguments.timeout.empty()) {
    auto timeout_us = parse_seconds(arguments.timeout, "--timeout");
    if (!timeout_us) return std::unexpected(std::move(timeout_us.error()));
    wanted.timeout_us = *timeout_us;
  }
  const auto has = [](const std::vector<std::string>& all, std::string_view one) {
    return all.empty() || std::find(all.begin(), all.end(), one) != all.end();
  };
  wanted.records.commits = has(arguments.only, "commits");
  wanted.records.traps = has(arguments.only, "traps");
  wanted.exits = has(arguments.only, "exits");
  wanted.records.privileges = (has(arguments.privileges, "U") ? 1u << 0 : 0) |
                              (has(arguments.privileges, "S") ? 1u << 1 : 0) |
                              (has(arguments.privileges, "M") ? 1u << 3 : 0);
  return wanted;
}

// --- Where the lines go ---

// Standard output or a file. Lines are kept until there are many.
class Output {
 public:
  static Result<Output> open(const std::string& path) {
    if (path.empty()) return Output(stdout, path);
    std::FILE* const file = std::fopen(path.c_str(), "wb");
    if (file == nullptr) return fail(ErrorKind::io, "The trace cannot be written to \"{}\".", path);
    return Output(file, path);
  }
  Output(Output&& other) noexcept
      : text(std::move(other.text)),
        file_(std::exchange(other.file_, nullptr)),
        path_(std::move(other.path_)) {}
  Output& operator=(Output&&) = delete;
  ~Output() {
    if (file_ != nullptr && file_ != stdout) std::fclose(file_);
  }

  Result<void> write_if_much() { return text.size() < kMuch ? Result<void>{} : write(); }
  Result<void> write() {
    auto done = write(text);
    text.clear();
    if (done && std::fflush(file_) != 0) return failed();
    return done;
  }
  Result<void> write(std::string_view piece) {
    if (std::fwrite(piece.data(), 1, piece.size(), file_) == piece.size()) return {};
    return failed();
  }

  std::string text;

 private:
  static constexpr std::size_t kMuch = std::size_t{1} << 20;
  std::unexpected<Error> failed() const {
    return fail(ErrorKind::io, "The trace cannot be written to {}.",
                path_.empty() ? "standard output" : fmt::format("\"{}\"", path_));
  }
  Output(std::FILE* file, std::string path) : file_(file), path_(std::move(path)) {}

  std::FILE* file_;
  std::string path_;
};

// Makes text of records on other cores, and writes it in their order.
class TextQueue {
 public:
  TextQueue(Output& output, Xlen xlen) : output_(output), xlen_(xlen) {}

  Result<void> add(std::vector<TraceRecord> records) {
    next_.record_count += records.size();
    next_.records.push_back(std::move(records));
    return next_.record_count < kManyRecords ? Result<void>{} : begin_next();
  }
  // Text that comes behind the records.
  Result<void> add(std::string_view text) {
    next_.end += text;
    return begin_next();
  }
  // Waits for all that was added.
  Result<void> finish() {
    if (auto done = begin_next(); !done) return done;
    while (!pieces_.empty()) {
      if (auto done = write_first(); !done) return done;
    }
    return output_.write();
  }

 private:
  static constexpr std::size_t kManyRecords = 32'768;

  struct Piece {
    std::vector<std::vector<TraceRecord>> records;
    std::size_t record_count = 0;
    std::string end;
    std::string text;
  };

  Result<void> begin_next() {
    if (pieces_.size() == most_pieces_) {
      if (auto done = write_first(); !done) return done;
    }
    pieces_.push_back(
        std::async(std::launch::async, [piece = std::move(next_), xlen = xlen_] mutable {
          for (const auto& records : piece.records) append_trace_text(piece.text, records, xlen);
          piece.text += piece.end;
          return std::move(piece);
        }));
    next_ = std::exchange(spare_, {});
    return {};
  }
  Result<void> write_first() {
    Piece piece = pieces_.front().get();
    pieces_.pop_front();
    auto done = output_.write(piece.text);
    piece.text.clear();
    spare_.text = std::move(piece.text);  // its memory is used again
    return done;
  }

  Output& output_;
  Xlen xlen_;
  Piece next_;
  Piece spare_;
  // More only wait for a core.
  std::size_t most_pieces_ = std::clamp(std::thread::hardware_concurrency(), 1u, 8u);
  std::deque<std::future<Piece>> pieces_;
};

// --- A machine that is traced ---

// Its host: the console, or nobody. Records are taken before an exit is served, for a reboot throws
// the engine away.
class TracedMachine final : private MachineHost {
 public:
  using Sink = std::function<void(std::vector<TraceRecord>)>;
  using ExitSink = std::function<void(const Exit&)>;

  // `console` may be null: nothing is printed and nobody types.
  static Result<std::unique_ptr<TracedMachine>> create(BootImage image, EngineChoice engine,
                                                       const Wanted& wanted, Console* console,
                                                       Sink sink, ExitSink exit_sink) {
    std::unique_ptr<TracedMachine> made(new TracedMachine(std::move(engine), wanted, console));
    made->sink_ = std::move(sink);
    made->exit_sink_ = std::move(exit_sink);
    RunOptions options;
    options.dispatch_us = made->engine_.adapter.empty() ? kCpuDispatchUs : kDispatchUs;
    options.timeout_us = wanted.timeout_us;
    options.input = console != nullptr ? console->input_mode() : InputMode::none;
    options.max_instructions = wanted.instructions.from;
    EngineConfig config;
    config.xlen = image.xlen;
    config.ram_bytes = image.ram_bytes;
    const auto make_engine = [self = made.get(), config] { return self->make_engine(config); };
    auto machine = Machine::create(std::move(image), make_engine, options, *made);
    if (!machine) return std::unexpected(std::move(machine.error()));
    made->machine_ = *std::move(machine);
    return made;
  }

  // One dispatch. Up to `from` nothing is recorded. Empty: go on.
  Result<std::optional<RunEnd>> turn() {
    auto end = machine_->turn();
    if (!end) return end;
    if (!tracing_ && *end && (**end).reason == EndReason::instructions) {
      tracing_ = true;
      machine_->set_max_instructions(wanted_.instructions.to);
      if (auto done = start(machine_->engine()); !done)
        return std::unexpected(std::move(done.error()));
      return std::nullopt;
    }
    take_records();
    return end;
  }

  bool tracing() const { return tracing_; }
  Machine& machine() { return *machine_; }
  const std::string& engine_note() const { return engine_.note; }

 private:
  TracedMachine(EngineChoice engine, const Wanted& wanted, Console* console)
      : engine_(std::move(engine)), wanted_(wanted), console_(console) {}

  Result<std::unique_ptr<Engine>> make_engine(const EngineConfig& config) {
    auto engine = engine_.make(config);
    if (!engine) return engine;
    if (tracing_) {
      if (auto done = start(**engine); !done) return std::unexpected(std::move(done.error()));
    }
    return engine;
  }

  Result<void> start(Engine& engine) {
    if (!wanted_.any_records()) return {};
    return engine.set_trace(0, wanted_.records);
  }

  void take_records() {
    if (tracing_) sink_(machine_->engine().take_trace(0));
  }

  u64 now_us() override {
    using namespace std::chrono;
    return static_cast<u64>(
        duration_cast<microseconds>(steady_clock::now().time_since_epoch()).count());
  }
  Result<void> print(std::string_view bytes) override {
    return console_ != nullptr ? console_->print(bytes) : Result<void>{};
  }
  Result<TypedInput> read_typed() override {
    if (console_ != nullptr) return console_->read_typed();
    return TypedInput{{}, true};
  }
  void sleep(u64 us) override {
    if (console_ != nullptr) console_->sleep(us);
  }
  bool stop_requested() override {
    return console_ != nullptr ? console_->stop_requested() : stop_signal() != 0;
  }
  void saw_exit(const Exit& exit, u64) override {
    take_records();
    if (tracing_) exit_sink_(exit);
  }

  EngineChoice engine_;
  Wanted wanted_;
  Console* console_;
  bool tracing_ = false;
  std::unique_ptr<Machine> machine_;
  Sink sink_;
  ExitSink exit_sink_;
};

int code_of(const RunEnd& end) {
  switch (end.reason) {
    case EndReason::timeout:
      return kExitLimitReached;
    case EndReason::stopped:
      return stop_signal() == 0 ? kExitGood : kExitSignalBase + stop_signal();
    default:
      return kExitGood;  // also --to: that is what was asked for
  }
}

// --- One engine ---

Result<int> trace_one(const TraceArguments& arguments, const Wanted& wanted, BootImage image) {
  auto engine = choose_engine(arguments.engine);
  if (!engine) return std::unexpected(std::move(engine.error()));
  auto output = Output::open(arguments.output);
  if (!output) return std::unexpected(std::move(output.error()));
  // Without a file the trace has standard output to itself.
  auto console = Console::open({.silent = arguments.output.empty()});
  if (!console) return std::unexpected(std::move(console.error()));
  if (!engine->note.empty()) (*console)->note(engine->note);

  TextQueue queue(*output, image.xlen);
  u64 count = 0;
  Result<void> written;
  const auto sink = [&](std::vector<TraceRecord> records) {
    count += records.size();
    if (written) written = queue.add(std::move(records));
  };
  const auto exit_sink = [&](const Exit& exit) {
    std::string text;
    if (wanted.exits) append_exit_text(text, exit);
    if (written && !text.empty()) written = queue.add(text);
  };
  auto machine = TracedMachine::create(std::move(image), *std::move(engine), wanted, console->get(),
                                       sink, exit_sink);
  if (!machine) return std::unexpected(std::move(machine.error()));
  while (true) {
    auto end = (*machine)->turn();
    if (!end) return std::unexpected(std::move(end.error()));
    if (!written) return std::unexpected(std::move(written.error()));
    if (!*end) continue;
    if (Result<void> done = queue.finish(); !done) return std::unexpected(std::move(done.error()));
    (*console)->finish_line();
    if (!(*machine)->tracing()) {
      (*console)->note(fmt::format("the run ended after {} instructions, before --from {}.",
                                   (*machine)->machine().instructions(), wanted.instructions.from));
    } else {
      (*console)->note(fmt::format("{} records.", count));
    }
    return code_of(**end);
  }
}

// --- Two engines ---

Result<int> trace_both(const TraceArguments& arguments, const Wanted& wanted,
                       const BootImage& image, const SymbolTable* symbols) {
  auto output = Output::open(arguments.output);
  if (!output) return std::unexpected(std::move(output.error()));
  TraceComparison comparison(image.xlen, symbols);
  std::unique_ptr<TracedMachine> machines[2];
  for (const u32 side : {0u, 1u}) {
    EngineRequest request = arguments.engine;
    request.engine = side == 0 ? "cpu" : "gpu";
    if (side == 0) request.adapter.clear();
    auto engine = choose_engine(request);
    if (!engine) return std::unexpected(std::move(engine.error()));
    if (!engine->note.empty()) fmt::print(stderr, "Rookery: {}\n", engine->note);
    const auto sink = [&comparison, side](const std::vector<TraceRecord>& records) {
      comparison.add(side, records);
    };
    auto machine =
        TracedMachine::create(image, *std::move(engine), wanted, nullptr, sink, [](const Exit&) {});
    if (!machine) return std::unexpected(std::move(machine.error()));
    machines[side] = *std::move(machine);
  }
  std::optional<RunEnd> ends[2];
  while (true) {
    // The one that is behind goes on.
    u32 side = comparison.waiting(0) < comparison.waiting(1) + kMostAhead && !ends[0] ? 0 : 1;
    if (comparison.waiting(0) != 0 && !ends[1]) side = 1;
    if (ends[side] || (ends[1 - side] && comparison.waiting(side) != 0)) break;
    auto end = machines[side]->turn();
    if (!end) return std::unexpected(std::move(end.error()));
    ends[side] = *end;
    if (!comparison.advance()) break;
    if (ends[0] && ends[1]) break;
    for (const auto& ended : ends) {
      if (ended && code_of(*ended) != kExitGood) return code_of(*ended);
    }
  }
  const bool differ = comparison.waiting(0) != 0 || comparison.waiting(1) != 0;
  if (differ) {
    output->text = fmt::format("The engines differ after {} equal records:\n", comparison.equal()) +
                   comparison.text("CPU", "GPU");
  } else {
    auto hash = machines[0]->machine().engine().state_hash(0);
    auto other = machines[1]->machine().engine().state_hash(0);
    if (!hash) return std::unexpected(std::move(hash.error()));
    if (!other) return std::unexpected(std::move(other.error()));
    const bool same_end = ends[0]->reason == ends[1]->reason && *hash == *other;
    output->text = fmt::format("{} records are equal; at the end the machines are {}.\n",
                               comparison.equal(), same_end ? "equal" : "not equal");
    if (same_end) {
      if (Result<void> done = output->write(); !done)
        return std::unexpected(std::move(done.error()));
      return kExitGood;
    }
  }
  if (Result<void> done = output->write(); !done) return std::unexpected(std::move(done.error()));
  return kExitGuestFailed;
}

Result<int> trace(const TraceArguments& arguments) {
  auto symbols = read_symbols(arguments.symbols);
  if (!symbols) return std::unexpected(std::move(symbols.error()));
  const SymbolTable* const table = *symbols ? &**symbols : nullptr;
  auto wanted = check(arguments, table);
  if (!wanted) return std::unexpected(std::move(wanted.error()));
  auto image = plan_machine(arguments.machine);
  if (!image) return std::unexpected(std::move(image.error()));
  if (arguments.engine.engine == "both") return trace_both(arguments, *wanted, *image, table);
  return trace_one(arguments, *wanted, *std::move(image));
}

}  // namespace

void add_trace_command(CLI::App& app, Command& chosen) {
  CLI::App* command =
      app.add_subcommand("trace", "Write down what a machine does, or compare engines");
  auto arguments = std::make_shared<TraceArguments>();
  add_machine_options(*command, arguments->machine);
  command
      ->add_option("--engine", arguments->engine.engine,
                   "auto (default): the GPU if there is one, else the CPU; both: compare the two")
      ->check(CLI::IsMember({"auto", "cpu", "gpu", "both"}))
      ->type_name("auto|cpu|gpu|both");
  command
      ->add_option("--adapter", arguments->engine.adapter,
                   "GPU whose name contains this, or software")
      ->type_name("NAME|software");
  command->add_option("--from", arguments->from, "Begin after so many instructions: 30M")
      ->type_name("COUNT");
  command->add_option("--to", arguments->to, "End after so many instructions")->type_name("COUNT");
  command->add_option("--timeout", arguments->timeout, "Stop after so many seconds (status 124)")
      ->type_name("SECONDS");
  auto* pc = command->add_option("--pc", arguments->pc, "Only instructions at these addresses")
                 ->type_name("LOW:HIGH");
  auto* symbols = command
                      ->add_option("--symbols", arguments->symbols,
                                   "ELF with the guest's symbols: vmlinux, maybe zstd-compressed")
                      ->type_name("FILE");
  command->add_option("--symbol", arguments->symbol, "Only this function's instructions")
      ->needs(symbols)
      ->excludes(pc)
      ->type_name("NAME");
  command->add_option("--privilege", arguments->privileges, "Only at these privilege levels: M,S")
      ->delimiter(',')
      ->check(CLI::IsMember({"M", "S", "U"}))
      ->type_name("M|S|U");
  command->add_option("--only", arguments->only, "Only these kinds of lines")
      ->delimiter(',')
      ->check(CLI::IsMember({"commits", "traps", "exits"}))
      ->type_name("commits|traps|exits");
  command
      ->add_option("-o,--output", arguments->output,
                   "Write there; the guest then has standard output, and standard input types")
      ->type_name("FILE");
  command->footer(
      "Lines are those of Spike's --log-commits, and of its -l for traps.\n"
      "\n"
      "Exit status: 0 when --to or the guest's end is reached; 1 if the engines differ; else as "
      "'rookery run'.\n"
      "\n"
      "Examples:\n"
      "  rookery trace --bare test.elf --engine cpu\n"
      "  rookery trace --only traps --to 8M -o traps.txt\n"
      "  rookery trace --symbols vmlinux --symbol memset --from 1M --to 2M\n"
      "  rookery trace --engine both --from 5M --to 5.1M     the first difference, if there is "
      "one");
  command->callback([&chosen, arguments] { chosen = [arguments] { return trace(*arguments); }; });
}

}  // namespace rookery::cli
