// SPDX-License-Identifier: Apache-2.0
// `rookery fuzz`: random machines on two engines, many at a time.
#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <thread>
#include <vector>

#include "base/file.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/console.h"
#include "cli/exit_codes.h"
#include "engine/cpu/cpu_engine.h"
#include "fleet/choose_engine.h"
#include "fuzz/fuzz.h"
#include "fuzz/random_machine.h"

namespace rookery::cli {
namespace {

using fuzz::FuzzOptions;
using fuzz::FuzzReport;

// What a GPU is fast with; an emulated one needs no more than keeps it busy.
constexpr u32 kMachines = 16'384;
constexpr u32 kSoftwareMachines = 4096;
constexpr u64 kMaxMachines = fuzz::kCorpusCases;  // those of a fleet share a corpus
constexpr u64 kMaxSteps = 100'000'000;

struct FuzzArguments {
  std::string engines = "cpu,gpu";
  std::string adapter;
  std::string seed = "1";
  std::string only_case;
  std::string instructions;
  std::string steps;
  std::string machines;
  std::string xlen = "both";
  std::string timeout;
  std::string output;
};

class Host final : public fuzz::FuzzHost {
 public:
  Host(Console& console, u64 deadline_us) : console_(console), deadline_us_(deadline_us) {}

  u64 now_us() override { return console_.now_us(); }
  bool stop_requested() override { return console_.stop_requested() || timed_out(); }
  bool timed_out() { return now_us() >= deadline_us_; }
  void progress(const FuzzReport& so_far) override {
    const u64 us = std::max<u64>(1, so_far.actual_us + so_far.expected_us);
    console_.show_progress(so_far.instructions,
                           static_cast<double>(so_far.instructions) / static_cast<double>(us));
  }
  void note(const std::string& sentence) override { console_.note(sentence); }
  void for_each(u32 count, const std::function<void(u32)>& task) override {
    std::atomic<u32> next = 0;
    const auto work = [&] {
      for (u32 i = next++; i < count; i = next++) task(i);
    };
    std::vector<std::thread> threads;
    const u32 cores = std::max(1u, std::thread::hardware_concurrency());
    for (u32 i = 1; i < std::min(cores, count); ++i) threads.emplace_back(work);
    work();
    for (std::thread& thread : threads) thread.join();
  }

 private:
  Console& console_;
  u64 deadline_us_;
};

Result<u64> count_option(const std::string& text, std::string_view option, u64 if_empty, u64 most) {
  if (text.empty()) return if_empty;
  auto count = parse_count(text, option);
  if (count && *count > most)
    return fail(ErrorKind::usage, "{} {} is more than {}.", option, text, most);
  return count;
}

Result<u64> number_option(const std::string& text, std::string_view option) {
  u64 number = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec == std::errc() && parsed.ptr == end) return number;
  return fail(ErrorKind::usage, "{} \"{}\" is not a number from 0 to {}.", option, text, ~u64{0});
}

double rate(u64 count, u64 us) {
  return us == 0 ? 0 : static_cast<double>(count) / static_cast<double>(us);
}

std::string seen_text(const FuzzReport& report) {
  std::string text;
  const auto list = [&](const char* what, std::span<const u64> counts) {
    u64 all = 0;
    u32 kinds = 0;
    for (const u64 count : counts) {
      all += count;
      kinds += count != 0 ? 1 : 0;
    }
    text +=
        fmt::format("{}{} {} of {} kinds", text.empty() ? "" : ", ", count_text(all), what, kinds);
  };
  list("exceptions", report.exceptions);
  list("interrupts", report.interrupts);
  return text;
}

std::string counts_text(const FuzzReport& report) {
  return fmt::format(
      "{} cases, {} instructions, {} exits; {} in {} of the cases; CPU {:.1f} MIPS, {} {:.1f} "
      "MIPS; "
      "{:.1f} s",
      report.cases, report.instructions, report.exits, seen_text(report), report.sampled,
      rate(report.instructions, report.expected_us), report.actual_name,
      rate(report.instructions, report.actual_us),
      static_cast<double>(report.expected_us + report.actual_us) / 1e6);
}

// The command that runs the case again.
std::string again_text(const FuzzArguments& arguments, const FuzzOptions& options, u64 number) {
  std::string text =
      fmt::format("rookery fuzz --xlen {} --seed {} --case {} --steps {}",
                  static_cast<u32>(options.xlen), options.seed, number, options.steps);
  if (arguments.engines != "cpu,gpu") text += " --engines " + arguments.engines;
  if (!arguments.adapter.empty()) text += " --adapter '" + arguments.adapter + "'";
  return text;
}

// A difference may be hours away: that its report can be written is found out before. An earlier
// report stays.
Result<void> check_output(const std::string& path) {
  if (path.empty()) return {};
  const bool was_there = file_exists(path);
  std::FILE* const file = std::fopen(path.c_str(), "ab");
  if (file == nullptr)
    return fail(ErrorKind::io, "Cannot write the report \"{}\": {}.", path, std::strerror(errno));
  std::fclose(file);
  if (!was_there) std::remove(path.c_str());
  return {};
}

Result<int> fuzz_command(const FuzzArguments& arguments) {
  if (arguments.engines != "cpu,gpu" && arguments.engines != "cpu,cpu") {
    return fail(ErrorKind::usage,
                "--engines \"{}\" is not a pair of engines to fuzz: write cpu,gpu or cpu,cpu.",
                arguments.engines);
  }
  const bool has_gpu = arguments.engines == "cpu,gpu";
  if (!arguments.adapter.empty() && !has_gpu) {
    return fail(ErrorKind::usage, "--adapter {} needs the GPU engine; --engines says {}.",
                arguments.adapter, arguments.engines);
  }
  FuzzOptions options;
  auto seed = number_option(arguments.seed, "--seed");
  if (!seed) return std::unexpected(std::move(seed.error()));
  options.seed = *seed;
  if (!arguments.only_case.empty()) {
    auto only_case = number_option(arguments.only_case, "--case");
    if (!only_case) return std::unexpected(std::move(only_case.error()));
    options.first_case = *only_case;
    options.cases = 1;
  }
  auto instructions =
      count_option(arguments.instructions, "--instructions", options.instructions, ~u64{0} >> 1);
  if (!instructions) return std::unexpected(std::move(instructions.error()));
  auto steps = count_option(arguments.steps, "--steps", options.steps, kMaxSteps);
  if (!steps) return std::unexpected(std::move(steps.error()));
  options.steps = *steps;
  u64 deadline_us = ~u64{0};
  if (!arguments.timeout.empty()) {
    auto timeout = parse_seconds(arguments.timeout, "--timeout");
    if (!timeout) return std::unexpected(std::move(timeout.error()));
    deadline_us = *timeout;
  }
  if (auto ok = check_output(arguments.output); !ok) return std::unexpected(std::move(ok.error()));
  auto choice = choose_engine({has_gpu ? "gpu" : "cpu", has_gpu ? arguments.adapter : ""});
  if (!choice) return std::unexpected(std::move(choice.error()));
  const bool is_software = choice->adapter.empty() || arguments.adapter == "software" ||
                           choice->adapter.find("SwiftShader") != std::string::npos;
  auto machines = count_option(arguments.machines, "--vms",
                               is_software ? kSoftwareMachines : kMachines, kMaxMachines);
  if (!machines) return std::unexpected(std::move(machines.error()));
  options.machines = static_cast<u32>(*machines);

  auto console = Console::open({.silent = true});
  if (!console) return std::unexpected(std::move(console.error()));
  if (deadline_us != ~u64{0}) deadline_us += (*console)->now_us();
  Host host(**console, deadline_us);
  std::vector<Xlen> widths;
  if (arguments.xlen != "64") widths.push_back(Xlen::rv32);
  if (arguments.xlen != "32") widths.push_back(Xlen::rv64);
  options.instructions = (*instructions + widths.size() - 1) / widths.size();
  for (const Xlen xlen : widths) {
    options.xlen = xlen;
    auto report = fuzz::fuzz_engines(create_cpu_engine, choice->make, options, host);
    (*console)->finish_line();
    if (!report) return std::unexpected(std::move(report.error()));
    const std::string name = fmt::format("RV{}, seed {}", static_cast<u32>(xlen), options.seed);
    if (report->differs) {
      const std::string text = fmt::format("{}\nAgain: {}\n", report->difference,
                                           again_text(arguments, options, report->failing_case));
      fmt::print("{}\nDifferent: {} {}: {}.\n", text, report->summary, name, counts_text(*report));
      if (!arguments.output.empty()) {
        const std::span bytes(reinterpret_cast<const u8*>(text.data()), text.size());
        if (auto written = write_file(arguments.output, "report", bytes); !written)
          return std::unexpected(std::move(written.error()));
      }
      return kExitDifferent;
    }
    fmt::print("{}: {}: {}.\n", report->stopped ? "Equal so far" : "Equal", name,
               counts_text(*report));
    if (stop_signal() != 0) return kExitSignalBase + stop_signal();
    if (report->stopped) return kExitLimitReached;
  }
  return kExitGood;
}

}  // namespace

void add_fuzz_command(CLI::App& app, Command& chosen) {
  CLI::App* command =
      app.add_subcommand("fuzz", "Run random machines on two engines and reduce what differs");
  auto arguments = std::make_shared<FuzzArguments>();
  command
      ->add_option("--engines", arguments->engines,
                   "The engine that is right and the one under test (default cpu,gpu)")
      ->type_name("cpu,gpu|cpu,cpu");
  command->add_option("--adapter", arguments->adapter, "GPU whose name contains this, or software")
      ->type_name("NAME|software");
  command->add_option("--seed", arguments->seed, "Other machines for another seed (default 1)")
      ->type_name("NUMBER");
  command->add_option("--case", arguments->only_case, "This case alone, as a report names it")
      ->type_name("NUMBER");
  command
      ->add_option("--instructions", arguments->instructions,
                   "Execute so many on each engine, all cases together (default 10M)")
      ->type_name("COUNT");
  command->add_option("--steps", arguments->steps, "Of each case (default 1000)")
      ->type_name("COUNT");
  command->add_option("--vms", arguments->machines, "Cases that run at once, at most 16384")
      ->type_name("COUNT");
  command->add_option("--xlen", arguments->xlen, "Width of the machines (default both)")
      ->check(CLI::IsMember({"32", "64", "both"}))
      ->type_name("32|64|both");
  command->add_option("--timeout", arguments->timeout, "Stop after so many seconds")
      ->type_name("SECONDS");
  command->add_option("--output", arguments->output, "Write the report of a difference here too")
      ->type_name("FILE");
  command->footer(
      "Each case is a whole machine: random code, page tables, CSRs, devices, interrupts, in all "
      "modes.\n"
      "The first one on which the engines differ is reduced to one instruction, or the fewest, and "
      "what of\n"
      "the machine they need. The verdict and the report go to standard output.\n"
      "\n"
      "Exit status: 0 all cases were equal, 1 one differs; 64 wrong usage; 69 GPU lost; 71 out of "
      "memory;\n"
      "74 output failed; 124 stopped by --timeout; 128 + n signal n.\n"
      "\n"
      "Examples:\n"
      "  rookery fuzz --instructions 1G                the GPU against the CPU\n"
      "  rookery fuzz --adapter software --xlen 32     the shaders without a GPU\n"
      "  rookery fuzz --seed 7 --case 1234 --xlen 32   one case again");
  command->callback(
      [&chosen, arguments] { chosen = [arguments] { return fuzz_command(*arguments); }; });
}

}  // namespace rookery::cli
