// SPDX-License-Identifier: Apache-2.0
// `rookery verify`: one machine on two engines, compared all the way.
#include <array>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/console.h"
#include "cli/exit_codes.h"
#include "cli/machine_options.h"
#include "debug/verify.h"
#include "fleet/choose_engine.h"

namespace rookery::cli {
namespace {

constexpr u64 kDefaultStride = 1'000'000;

struct VerifyArguments {
  MachineOptions machine;
  std::string engines = "cpu,gpu";
  std::string adapter;
  std::string stride;
  std::string symbols_path;
};

// The progress on a terminal, and the process's signals.
class Progress final : public VerifyHost {
 public:
  explicit Progress(Console& console) : console_(console) {}

  u64 now_us() override { return console_.now_us(); }
  bool stop_requested() override { return console_.stop_requested(); }
  void compared(const VerifyProgress& progress) override {
    console_.show_progress(progress.instructions, progress.mips);
  }
  void narrowing(const std::string& what) override {
    console_.note(fmt::format("{} Looking for the first instruction that differs.", what));
  }

 private:
  Console& console_;
};

// The two names of --engines.
Result<std::array<std::string, 2>> engine_names(const std::string& text) {
  const std::size_t comma = text.find(',');
  const auto is_engine = [](const std::string& name) { return name == "cpu" || name == "gpu"; };
  if (comma != std::string::npos) {
    std::array names = {text.substr(0, comma), text.substr(comma + 1)};
    if (is_engine(names[0]) && is_engine(names[1])) return names;
  }
  return fail(ErrorKind::usage,
              "--engines \"{}\" is not a pair of engines: write cpu,gpu or gpu,cpu (or one twice).",
              text);
}

std::string end_sentence(const VerifyReport& report) {
  switch (report.end.reason) {
    case EndReason::shutdown:
      return fmt::format("both shut down with status {}", report.end.status);
    case EndReason::instructions:
      return "stopped by --max-instructions";
    case EndReason::stopped:
      return fmt::format("stopped by signal {}", stop_signal());
    default:
      return fmt::format("both ended ({})", end_name(report.end.reason));
  }
}

Result<int> verify(const VerifyArguments& arguments) {
  auto names = engine_names(arguments.engines);
  if (!names) return std::unexpected(std::move(names.error()));
  const bool has_gpu = (*names)[0] == "gpu" || (*names)[1] == "gpu";
  if (!arguments.adapter.empty() && !has_gpu) {
    return fail(ErrorKind::usage, "--adapter {} needs a GPU engine; --engines says {}.",
                arguments.adapter, arguments.engines);
  }
  VerifyOptions options;
  options.stride = kDefaultStride;
  if (!arguments.stride.empty()) {
    auto stride = parse_count(arguments.stride, "--stride");
    if (!stride) return std::unexpected(std::move(stride.error()));
    options.stride = *stride;
  }
  auto max_count = max_instructions(arguments.machine);
  if (!max_count) return std::unexpected(std::move(max_count.error()));
  options.max_instructions = *max_count;

  auto symbols = read_symbols(arguments.symbols_path);
  if (!symbols) return std::unexpected(std::move(symbols.error()));
  if (*symbols) options.symbols = &**symbols;
  auto image = plan_machine(arguments.machine);
  if (!image) return std::unexpected(std::move(image.error()));

  std::array<Machine::EngineFactory, 2> factories;
  const EngineConfig config = {.xlen = image->xlen, .ram_bytes = image->ram_bytes};
  for (std::size_t i = 0; i < factories.size(); ++i) {
    const bool is_gpu = (*names)[i] == "gpu";
    auto choice = choose_engine({(*names)[i], is_gpu ? arguments.adapter : ""});
    if (!choice) return std::unexpected(std::move(choice.error()));
    factories[i] = [make = choice->make, config] { return make(config); };
  }
  auto typed = read_piped();
  if (!typed) return std::unexpected(std::move(typed.error()));
  if (*typed) {
    options.typed = **std::move(typed);
    options.input = InputMode::piped;
  }

  auto console = Console::open({.silent = true});
  if (!console) return std::unexpected(std::move(console.error()));
  const u64 start_us = (*console)->now_us();
  Progress progress(**console);
  auto report = verify_engines(*image, factories[0], factories[1], options, progress);
  (*console)->finish_line();
  if (!report) return std::unexpected(std::move(report.error()));
  const bool differs = !report->difference.empty();
  const std::string counts =
      fmt::format("{} instructions, {} comparisons; {} {:.1f} MIPS, {} {:.1f} MIPS; {:.1f} s",
                  report->instructions, report->comparisons, report->expected_name,
                  report->expected_mips, report->actual_name, report->actual_mips,
                  static_cast<double>((*console)->now_us() - start_us) / 1e6);
  if (differs) {
    fmt::print("{}\nDifferent: {} Equal before: {}.\n", report->difference, report->summary,
               counts);
    return kExitDifferent;
  }
  fmt::print("Equal: {}; {}.\n", counts, end_sentence(*report));
  if (report->end.reason == EndReason::stopped) return kExitSignalBase + stop_signal();
  return kExitGood;
}

}  // namespace

void add_verify_command(CLI::App& app, Command& chosen) {
  CLI::App* command = app.add_subcommand(
      "verify", "Run a machine on two engines and find the first instruction that differs");
  auto arguments = std::make_shared<VerifyArguments>();
  add_machine_options(*command, arguments->machine);
  command
      ->add_option("--engines", arguments->engines,
                   "The two engines; the first is taken to be right (default cpu,gpu)")
      ->type_name("cpu,gpu");
  command->add_option("--adapter", arguments->adapter, "GPU whose name contains this, or software")
      ->type_name("NAME|software");
  command
      ->add_option("--stride", arguments->stride,
                   "Compare the machines every so many instructions (default 1M)")
      ->type_name("COUNT");
  command
      ->add_option("--max-instructions", arguments->machine.max_instructions,
                   "Compare so many at most: 1000, 30M, 2G")
      ->type_name("COUNT");
  command
      ->add_option("--symbols", arguments->symbols_path,
                   "ELF file whose symbols name addresses in the report (vmlinux)")
      ->type_name("FILE");
  command->footer(
      "Both machines boot the same image and are typed the same piped input, which is read to its "
      "end first.\n"
      "The verdict, and the report of a difference, go to standard output.\n"
      "\n"
      "Exit status: 0 the machines were equal, 1 they differ; 64 wrong usage; 65 unusable image; "
      "69 GPU lost;\n"
      "71 out of memory; 74 input or output failed; 128 + n signal n.\n"
      "\n"
      "Examples:\n"
      "  rookery verify --adapter software < /dev/null    the image that comes with Rookery\n"
      "  echo 'ls /proc' | rookery verify --stride 100k   with a command typed, compared often\n"
      "  rookery verify --bare test.elf --symbols test.elf");
  command->callback([&chosen, arguments] { chosen = [arguments] { return verify(*arguments); }; });
}

}  // namespace rookery::cli
