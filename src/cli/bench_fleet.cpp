// SPDX-License-Identifier: Apache-2.0
// `rookery bench-fleet`: what forks of a snapshot cost on this host. Measured by
// src/bench/fleet_bench.h.
#include <thread>

#include "bench/bench.h"
#include "bench/fleet_bench.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "engine/cpu/cpu_engine.h"
#include "fleet/choose_engine.h"
#include "fleet/snapshot_file.h"

namespace rookery::cli {
namespace {

constexpr u32 kMachinesPerCore = 8;  // of the CPU engine: enough that no core waits long at the end

struct BenchFleetArguments {
  EngineRequest engine;
  std::string snapshot;
  std::vector<std::string> machines;
  std::string command = "seq {vm} | md5sum; echo E''ND\n";
  std::string until = "END";
  std::string max_instructions = "100M";
  bool no_cpu = false;
};

void print_header() {
  fmt::print("{:<28} {:>9} {:>8} {:>8} {:>11} {:>9} {:>8} {:>10} {:>6} {:>6}\n", "engine",
             "machines", "fork", "run", "speed", "M instr.", "pages", "reset", "cores", "waits");
}

void print_times(const bench::FleetTimes& times) {
  const double count = times.machines;
  fmt::print(
      "{:<28.28} {:>9} {:>6.2f} s {:>6.2f} s {:>11} {:>9.2f} {:>8.1f} {:>7.2f} us {:>6.2f} "
      "{:>6}{}\n",
      times.engine, bench::grouped(times.machines), times.fork_seconds, times.run_seconds,
      bench::speed_text(static_cast<double>(times.instructions) / times.run_seconds),
      static_cast<double>(times.instructions) / count / 1e6,
      static_cast<double>(times.dirty_pages) / count, times.reset_seconds / count * 1e6,
      times.host_cpu_seconds / times.run_seconds, times.waited_for_memory,
      times.finished == times.machines
          ? ""
          : fmt::format("  ({} did not end)", times.machines - times.finished));
}

Result<int> run_bench_fleet(const BenchFleetArguments& arguments) {
  auto snapshot = read_snapshot(arguments.snapshot, {});
  if (!snapshot) return std::unexpected(std::move(snapshot.error()));
  auto most = parse_count(arguments.max_instructions, "--max-instructions");
  if (!most) return std::unexpected(std::move(most.error()));
  const bench::FleetRound round{arguments.command, arguments.until, *most};
  print_header();
  const u32 cores = std::max(1u, std::thread::hardware_concurrency());
  if (!arguments.no_cpu) {
    auto cpu = choose_engine({.engine = "cpu", .adapter = ""});
    if (!cpu) return std::unexpected(std::move(cpu.error()));
    auto times = bench::time_fleet(*snapshot, cpu->make_fleet, cores * kMachinesPerCore, round);
    if (!times) return std::unexpected(std::move(times.error()));
    print_times(*times);
  }
  if (arguments.engine.engine == "cpu") return kExitGood;
  auto choice = choose_engine(arguments.engine);
  if (!choice) return std::unexpected(std::move(choice.error()));
  if (choice->adapter.empty()) return kExitGood;
  for (const std::string& text : arguments.machines) {
    auto machines = parse_count(text, "--vms");
    if (!machines) return std::unexpected(std::move(machines.error()));
    if (*machines > (1u << 20))
      return fail(ErrorKind::usage, "--vms {} is more than {}.", text, 1u << 20);
    auto times =
        bench::time_fleet(*snapshot, choice->make_fleet, static_cast<u32>(*machines), round);
    if (!times) return std::unexpected(std::move(times.error()));
    print_times(*times);
  }
  return kExitGood;
}

}  // namespace

void add_bench_fleet_command(CLI::App& app, Command& chosen) {
  auto arguments = std::make_shared<BenchFleetArguments>();
  CLI::App* command = app.add_subcommand("bench-fleet", "Measure what forks of a snapshot cost");
  command->add_option("SNAPSHOT", arguments->snapshot, "A booted machine (run --snapshot-on)")
      ->required()
      ->type_name("FILE");
  command->add_option("--engine", arguments->engine.engine, "auto (default), cpu, gpu")
      ->check(CLI::IsMember({"auto", "cpu", "gpu"}));
  command->add_option("--adapter", arguments->engine.adapter,
                      "GPU whose name contains this, or software");
  arguments->machines = {"1024"};
  command->add_option("--vms", arguments->machines, "Numbers of machines on the GPU: 1024,32768")
      ->delimiter(',')
      ->type_name("LIST");
  command->add_option("--type", arguments->command,
                      "Typed to each machine; {vm} is its number (default: seq {vm} | md5sum)");
  command->add_option("--until", arguments->until, "What a machine prints at its end (END)");
  command->add_option("--max-instructions", arguments->max_instructions,
                      "A machine that goes further is stopped (100M)");
  command->add_flag("--no-cpu", arguments->no_cpu, "Leave the CPU engine out");
  command->footer(
      "fork: until all machines are ready to run. speed: all instructions by the time of the last\n"
      "machine. pages: that a machine has stored to. reset: of a machine, all at once. cores: "
      "busy\n"
      "on the host. waits: machines that waited for memory at a time.\n\n"
      "Examples:\n"
      "  rookery run --snapshot-on 'rookery:~# ' -o booted.rook < /dev/null\n"
      "  rookery bench-fleet booted.rook --vms 1024,16384\n"
      "  rookery bench-fleet booted.rook --type $'uname -a; echo E\\'\\'ND\\n'");
  command->callback(
      [&chosen, arguments] { chosen = [arguments] { return run_bench_fleet(*arguments); }; });
}

}  // namespace rookery::cli
