// SPDX-License-Identifier: Apache-2.0
// `rookery profile`: where a machine spends its instructions.
#include <algorithm>
#include <limits>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/console.h"
#include "cli/exit_codes.h"
#include "cli/machine_options.h"
#include "cli/profile_lanes.h"
#include "debug/flame.h"
#include "debug/symbols.h"
#include "debug/trace_text.h"
#include "fleet/choose_engine.h"
#include "machine/machine.h"

namespace rookery::cli {
namespace {

constexpr u64 kDispatchUs = 100'000;
constexpr std::size_t kRowsShown = 20;
constexpr u32 kMostLanes = 256;

struct ProfileArguments {
  MachineOptions machine;
  EngineRequest engine;
  std::string from;
  std::string to;
  std::string timeout;
  std::string symbols;
  std::string json;
  std::string flame;
  u32 lanes = 0;  // 0: one machine, profiled by its engine
  bool no_console = false;
};

struct Measured {
  Profile profile;
  MachineStatus status;
  RunEnd end;
};

std::vector<std::pair<std::string, u64>> classes_of(const Profile& profile) {
  return {{"alu", profile.alu},      {"mul_div", profile.muldiv}, {"load", profile.loads},
          {"store", profile.stores}, {"atomic", profile.atomics}, {"branch", profile.branches},
          {"jump", profile.jumps},   {"csr", profile.csrs},       {"system", profile.system},
          {"fence", profile.fences}};
}

double percent(u64 part, u64 whole) {
  return whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

u64 steps_in_blocks(const Profile& profile) {
  u64 steps = profile.lost_steps;
  for (const Profile::Block& block : profile.blocks) steps += block.steps;
  return steps;
}

std::string table_of(const Measured& measured, const SymbolTable* symbols) {
  const Profile& profile = measured.profile;
  const u64 retired = profile.retired();
  std::string out =
      fmt::format("{} instructions retired, {} engine.\n\n", retired, measured.status.engine);
  for (const auto& [name, count] : classes_of(profile))
    out += fmt::format("  {:10} {:>14} {:6.2f} %\n", name, count, percent(count, retired));
  out += fmt::format("  {:.1f} % of the branches were taken.\n\n",
                     percent(profile.taken, profile.branches));
  const char* const accesses[] = {"fetch", "load", "store"};
  for (u32 i = 0; i < profile.tlb_misses.size(); ++i)
    out += fmt::format("  TLB misses, {:6} {:>14}\n", accesses[i], profile.tlb_misses[i]);
  for (u32 i = 0; i < profile.exceptions.size(); ++i) {
    if (profile.exceptions[i] != 0)
      out += fmt::format("  {:35} {:>10}\n", exception_name(i), profile.exceptions[i]);
  }
  for (u32 i = 0; i < profile.interrupts.size(); ++i) {
    if (profile.interrupts[i] != 0)
      out += fmt::format("  interrupt #{:<23} {:>10}\n", i, profile.interrupts[i]);
  }
  out += fmt::format("  {:35} {:>10}\n  {:35} {:>10}\n", "exits to the host", measured.status.exits,
                     "pages stored to (since the start)", measured.status.dirty_pages);

  const u64 all = steps_in_blocks(profile);
  out += fmt::format("\n  {}\n", symbols != nullptr ? "functions" : "pages of code");
  const std::vector<FunctionSteps> functions = functions_of(profile, symbols);
  for (std::size_t i = 0; i < std::min(kRowsShown, functions.size()); ++i) {
    out += fmt::format("  {:>14} {:6.2f} %  {}\n", functions[i].steps,
                       percent(functions[i].steps, all), functions[i].name);
  }
  out += "\n           steps   share           times  block\n";
  for (std::size_t i = 0; i < std::min(kRowsShown, profile.blocks.size()); ++i) {
    const Profile::Block& block = profile.blocks[i];
    const std::string where = symbols != nullptr ? symbols->describe(block.va) : std::string();
    out += fmt::format("  {:>14} {:6.2f} % {:>15}  0x{:x} {}\n", block.steps,
                       percent(block.steps, all), block.times, block.va, where);
  }
  if (profile.lost_blocks != 0) {
    out += fmt::format("  {:>14} {:6.2f} % {:>15}  in blocks that the table had no room for\n",
                       profile.lost_steps, percent(profile.lost_steps, all), profile.lost_blocks);
  }
  return out;
}

std::string json_of(const Measured& measured, const SymbolTable* symbols) {
  const Profile& profile = measured.profile;
  nlohmann::json json;
  json["engine"] = measured.status.engine;
  json["retired"] = profile.retired();
  for (const auto& [name, count] : classes_of(profile)) json["instructions"][name] = count;
  json["branches_taken"] = profile.taken;
  json["tlb_misses"] = {{"fetch", profile.tlb_misses[0]},
                        {"load", profile.tlb_misses[1]},
                        {"store", profile.tlb_misses[2]}};
  json["exceptions"] = nlohmann::json::object();
  json["interrupts"] = nlohmann::json::object();
  for (u32 i = 0; i < profile.exceptions.size(); ++i) {
    if (profile.exceptions[i] != 0)
      json["exceptions"][std::string(exception_name(i))] = profile.exceptions[i];
    if (profile.interrupts[i] != 0) json["interrupts"][std::to_string(i)] = profile.interrupts[i];
  }
  json["exits"] = measured.status.exits;
  json["dirty_pages"] = measured.status.dirty_pages;
  json["lost_blocks"] = profile.lost_blocks;
  json["lost_steps"] = profile.lost_steps;
  json["blocks"] = nlohmann::json::array();
  for (const Profile::Block& block : profile.blocks) {
    nlohmann::json row = {{"va", block.va}, {"times", block.times}, {"steps", block.steps}};
    if (symbols != nullptr) row["symbol"] = symbols->describe(block.va);
    json["blocks"].push_back(std::move(row));
  }
  return json.dump(1) + "\n";
}

Result<void> write_text(const std::string& path, const std::string& what, const std::string& text) {
  if (path.empty()) return {};
  return write_file(path, what, {reinterpret_cast<const u8*>(text.data()), text.size()});
}

// Runs the machine to `to` or its end and counts from `from` on.
Result<Measured> measure(const ProfileArguments& arguments, BootImage image, u64 from, u64 to,
                         RunOptions options) {
  auto engine = choose_engine(arguments.engine);
  if (!engine) return std::unexpected(std::move(engine.error()));
  auto console = Console::open({.silent = arguments.no_console});
  if (!console) return std::unexpected(std::move(console.error()));
  if (!engine->note.empty()) (*console)->note(engine->note);
  options.input = (*console)->input_mode();
  options.dispatch_us = kDispatchUs;
  options.max_instructions = from;
  EngineConfig config;
  config.xlen = image.xlen;
  config.ram_bytes = image.ram_bytes;
  bool counting = false;
  const auto make_engine = [&]() -> Result<std::unique_ptr<Engine>> {
    auto made = engine->make(config);
    if (!made || !counting) return made;
    if (auto done = (*made)->set_profile(0, true); !done)
      return std::unexpected(std::move(done.error()));
    return made;
  };
  auto machine = Machine::create(std::move(image), make_engine, options, **console);
  if (!machine) return std::unexpected(std::move(machine.error()));
  while (true) {
    auto end = (*machine)->turn();
    if (!end) return std::unexpected(std::move(end.error()));
    if (!*end) continue;
    if (!counting && (**end).reason == EndReason::instructions) {
      counting = true;
      (*machine)->set_max_instructions(to);
      if (auto done = (*machine)->engine().set_profile(0, true); !done)
        return std::unexpected(std::move(done.error()));
      continue;
    }
    (*console)->finish_line();
    auto profile = (*machine)->engine().read_profile(0);
    if (!profile) return std::unexpected(std::move(profile.error()));
    auto status = (*machine)->status();
    if (!status) return std::unexpected(std::move(status.error()));
    return Measured{*std::move(profile), *std::move(status), **end};
  }
}

// --- Machines side by side ---

std::string table_of(const DivergenceReport& report, u32 lanes, const SymbolTable* symbols) {
  const auto name = [&](u64 va) {
    return fmt::format("0x{:x} {}", va, symbols != nullptr ? symbols->describe(va) : std::string());
  };
  std::string out = fmt::format(
      "{} machines side by side over {} steps: {:.2f} of them at the same instruction on the "
      "average.\n",
      lanes, report.steps, report.lanes());
  if (report.splits.empty()) return out + "They never part.\n";
  out += fmt::format(
      "They part for the first time after {} instructions.\n\n",
      std::ranges::min(report.splits, {}, &DivergenceReport::Split::first_step).first_step);
  out += "           times  machines that leave the others      first at  instruction\n";
  for (std::size_t i = 0; i < std::min(kRowsShown, report.splits.size()); ++i) {
    const DivergenceReport::Split& split = report.splits[i];
    out += fmt::format("  {:>14} {:>32} {:>13}  {}\n", split.times, split.lanes, split.first_step,
                       name(split.va));
  }
  out += "\n           steps   share  machines together  block\n";
  for (std::size_t i = 0; i < std::min(kRowsShown, report.blocks.size()); ++i) {
    const DivergenceReport::Block& block = report.blocks[i];
    out += fmt::format("  {:>14} {:6.2f} % {:>18.2f}  {}\n", block.lane_steps,
                       percent(block.lane_steps, report.lane_steps), block.lanes(), name(block.va));
  }
  return out;
}

std::string json_of(const DivergenceReport& report, u32 lanes, const SymbolTable* symbols) {
  nlohmann::json json = {{"lanes", lanes},
                         {"steps", report.steps},
                         {"lane_steps", report.lane_steps},
                         {"lanes_together", report.lanes()},
                         {"splits", nlohmann::json::array()},
                         {"blocks", nlohmann::json::array()}};
  const auto add = [&](const char* list, u64 va, nlohmann::json row) {
    row["va"] = va;
    if (symbols != nullptr) row["symbol"] = symbols->describe(va);
    json[list].push_back(std::move(row));
  };
  for (const DivergenceReport::Split& split : report.splits) {
    add("splits", split.va,
        {{"times", split.times}, {"lanes", split.lanes}, {"first_step", split.first_step}});
  }
  for (const DivergenceReport::Block& block : report.blocks) {
    add("blocks", block.va,
        {{"lane_steps", block.lane_steps},
         {"groups", block.groups},
         {"lanes_together", block.lanes()}});
  }
  return json.dump(1) + "\n";
}

Result<int> profile_lanes(const ProfileArguments& arguments, const InstructionRange& range,
                          const BootImage& image, const SymbolTable* symbols) {
  LaneOptions options;
  options.lanes = arguments.lanes;
  options.from = range.from;
  options.to = range.to;
  options.seeds_a0 = !arguments.machine.config.bare_path.empty();
  auto typed = read_piped();
  if (!typed) return std::unexpected(std::move(typed.error()));
  options.typed = (*typed).value_or("");
  auto console = Console::open({.silent = true});
  if (!console) return std::unexpected(std::move(console.error()));
  auto report = compare_lanes(image, options, **console);
  (*console)->finish_line();
  if (!report) return std::unexpected(std::move(report.error()));
  if (auto done = write_text(arguments.json, "profile", json_of(*report, arguments.lanes, symbols));
      !done) {
    return std::unexpected(std::move(done.error()));
  }
  fmt::print("{}", table_of(*report, arguments.lanes, symbols));
  return stop_signal() == 0 ? kExitGood : kExitSignalBase + stop_signal();
}

Result<int> profile(const ProfileArguments& arguments) {
  auto symbols = read_symbols(arguments.symbols);
  if (!symbols) return std::unexpected(std::move(symbols.error()));
  const SymbolTable* const table = *symbols ? &**symbols : nullptr;
  auto range = parse_instruction_range(arguments.from, arguments.to);
  if (!range) return std::unexpected(std::move(range.error()));
  RunOptions options;
  if (!arguments.timeout.empty()) {
    auto timeout_us = parse_seconds(arguments.timeout, "--timeout");
    if (!timeout_us) return std::unexpected(std::move(timeout_us.error()));
    options.timeout_us = *timeout_us;
  }
  auto image = plan_machine(arguments.machine);
  if (!image) return std::unexpected(std::move(image.error()));
  if (arguments.lanes != 0) return profile_lanes(arguments, *range, *image, table);
  auto measured = measure(arguments, *std::move(image), range->from, range->to, options);
  if (!measured) return std::unexpected(std::move(measured.error()));

  Result<void> written = write_text(arguments.json, "profile", json_of(*measured, table));
  if (written) {
    written =
        write_text(arguments.flame, "picture of the profile", flame_svg(measured->profile, table));
  }
  if (!written) return std::unexpected(std::move(written.error()));
  fmt::print("{}", table_of(*measured, table));
  if (measured->end.reason == EndReason::timeout) return kExitLimitReached;
  if (measured->end.reason == EndReason::stopped && stop_signal() != 0)
    return kExitSignalBase + stop_signal();
  return kExitGood;
}

}  // namespace

void add_profile_command(CLI::App& app, Command& chosen) {
  CLI::App* command = app.add_subcommand("profile", "Count what a machine does, and where");
  auto arguments = std::make_shared<ProfileArguments>();
  add_machine_options(*command, arguments->machine);
  auto* engine = command
                     ->add_option("--engine", arguments->engine.engine,
                                  "auto (default): the GPU if there is one, else the CPU")
                     ->check(CLI::IsMember({"auto", "cpu", "gpu"}))
                     ->type_name("auto|cpu|gpu");
  auto* adapter = command
                      ->add_option("--adapter", arguments->engine.adapter,
                                   "GPU whose name contains this, or software")
                      ->type_name("NAME|software");
  command->add_option("--from", arguments->from, "Count after so many instructions: 30M")
      ->type_name("COUNT");
  command->add_option("--to", arguments->to, "End after so many instructions")->type_name("COUNT");
  command->add_option("--timeout", arguments->timeout, "Stop after so many seconds (status 124)")
      ->type_name("SECONDS");
  command
      ->add_option("--symbols", arguments->symbols,
                   "ELF with the guest's symbols: vmlinux, maybe zstd-compressed")
      ->type_name("FILE");
  command->add_option("--json", arguments->json, "Write all counts there")->type_name("FILE");
  auto* flame =
      command
          ->add_option("--flame", arguments->flame, "Write a picture (SVG) of functions and blocks")
          ->type_name("FILE");
  auto* lanes = command
                    ->add_option("--lanes", arguments->lanes,
                                 "Run so many machines side by side (on the CPU engine), and count "
                                 "where they part: what keeps the lanes of a GPU busy")
                    ->check(CLI::Range(2u, kMostLanes))
                    ->type_name("NUMBER");
  for (auto* option : {engine, adapter, flame}) lanes->excludes(option);
  command->add_flag("--no-console", arguments->no_console,
                    "Print nothing of the guest's and type nothing into it");
  command->footer(
      "Counts are exact and the same on every engine. With --lanes, {lane} in what is piped in is "
      "each machine's\n"
      "number, and a bare program finds it in a0.\n"
      "\n"
      "Examples:\n"
      "  rookery profile --no-console --to 8M --symbols vmlinux\n"
      "  rookery profile --bare test.elf --symbols test.elf --flame test.svg\n"
      "  echo 'seq {lane} | md5sum' | rookery profile --lanes 32 --from 7.8M --to 9M");
  command->callback([&chosen, arguments] { chosen = [arguments] { return profile(*arguments); }; });
}

}  // namespace rookery::cli
