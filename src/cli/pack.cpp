// SPDX-License-Identifier: Apache-2.0
// `rookery pack`: a machine that has not run, as one file; `rookery inspect`: what such a file
// holds.
#include <memory>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "cli/commands.h"
#include "cli/console.h"
#include "cli/exit_codes.h"
#include "cli/machine_options.h"
#include "cli/snapshot_file.h"

namespace rookery::cli {
namespace {

constexpr const char* kModes[] = {"the machine answers the SBI", "firmware in M-mode",
                                  "a kernel in M-mode", "a bare program"};

Result<int> pack(const MachineOptions& machine, const std::string& path) {
  auto planned = plan_identified_machine(machine, nullptr);
  if (!planned) return std::unexpected(std::move(planned.error()));
  Snapshot snapshot;
  snapshot.image = std::move(planned->image);
  snapshot.program = "rookery " ROOKERY_VERSION;
  snapshot.command_line = planned->identity.append;
  auto bytes = write_snapshot(path, snapshot);
  if (!bytes) return std::unexpected(std::move(bytes.error()));
  fmt::print(stderr, "Rookery: \"{}\", {}.\n", path, size_text(*bytes));
  return kExitGood;
}

// Bytes of RAM that are not zero.
u64 bytes_of(const BootImage& image) {
  u64 bytes = 0;
  for (const BootPiece& piece : image.pieces) bytes += piece.bytes.size();
  return bytes;
}

Result<int> inspect(const std::string& path, bool as_json) {
  auto snapshot = read_snapshot(path);
  if (!snapshot) return std::unexpected(std::move(snapshot.error()));
  const BootImage& image = snapshot->image;
  const u64 now_bytes = snapshot->now ? snapshot->now->bytes.size() : 0;
  const u64 pc = snapshot->now ? pc_of(snapshot->now->state) : image.layout.entry_pa;
  if (as_json) {
    const nlohmann::json json = {{"format", kSnapshotVersion},
                                 {"program", snapshot->program},
                                 {"engine", snapshot->engine},
                                 {"xlen", static_cast<u32>(image.xlen)},
                                 {"ram_bytes", image.ram_bytes},
                                 {"command_line", snapshot->command_line},
                                 {"has_run", snapshot->now.has_value()},
                                 {"instructions", snapshot->instructions},
                                 {"pc", pc},
                                 {"image_bytes", bytes_of(image)},
                                 {"used_bytes", now_bytes}};
    fmt::print("{}\n", json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    return kExitGood;
  }
  const auto row = [](const char* name, const std::string& value) {
    fmt::print("{:15}{}\n", name, value);
  };
  row("format", fmt::format("{}, by {}", kSnapshotVersion, snapshot->program));
  row("machine",
      fmt::format("RV{}, {} of RAM, {}", static_cast<u32>(image.xlen), size_text(image.ram_bytes),
                  kModes[static_cast<u32>(image.layout.mode)]));
  if (!snapshot->command_line.empty()) row("command line", snapshot->command_line);
  row("image", fmt::format("{} that are not zero", size_text(bytes_of(image))));
  if (!snapshot->now) {
    row("stands", fmt::format("before its first instruction, at 0x{:x}", pc));
    return kExitGood;
  }
  row("stands", fmt::format("after {} instructions, at 0x{:x}; taken from the {} engine",
                            snapshot->instructions, pc, snapshot->engine));
  row("RAM in use", size_text(now_bytes));
  return kExitGood;
}

}  // namespace

void add_pack_command(CLI::App& app, Command& chosen) {
  CLI::App* command = app.add_subcommand(
      "pack", "Put a machine that has not run into one file, for 'rookery run FILE'");
  struct Arguments {
    MachineOptions machine;
    std::string output;
  };
  auto arguments = std::make_shared<Arguments>();
  add_machine_options(*command, arguments->machine);
  command->add_option("-o,--output", arguments->output, "The file")
      ->required()
      ->type_name("FILE.rook");
  command->footer(
      "Examples:\n"
      "  rookery pack --kernel Image --initrd root.cpio --append 'console=ttyS0' -o mine.rook\n"
      "  rookery run mine.rook");
  command->callback([&chosen, arguments] {
    chosen = [arguments] { return pack(arguments->machine, arguments->output); };
  });
}

void add_inspect_command(CLI::App& app, Command& chosen) {
  CLI::App* command = app.add_subcommand("inspect", "Check a snapshot, and tell what it holds");
  struct Arguments {
    std::string path;
    bool as_json = false;
  };
  auto arguments = std::make_shared<Arguments>();
  command->add_option("FILE", arguments->path, "The snapshot")->required()->type_name("FILE.rook");
  command->add_flag("--json", arguments->as_json, "For programs");
  command->callback([&chosen, arguments] {
    chosen = [arguments] { return inspect(arguments->path, arguments->as_json); };
  });
}

}  // namespace rookery::cli
