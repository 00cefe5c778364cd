// SPDX-License-Identifier: Apache-2.0
// `rookery pack`: a machine that has not run, as one file, or a snapshot and its parents as one;
// `rookery inspect`: what such a file holds.
#include <memory>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "cli/commands.h"
#include "cli/console.h"
#include "cli/exit_codes.h"
#include "cli/machine_options.h"
#include "fleet/snapshot_file.h"

namespace rookery::cli {
namespace {

constexpr const char* kModes[] = {"the machine answers the SBI", "firmware in M-mode",
                                  "a kernel in M-mode", "a bare program"};

Result<int> store(const std::string& path, const Snapshot& snapshot) {
  auto bytes = write_snapshot(path, snapshot);
  if (!bytes) return std::unexpected(std::move(bytes.error()));
  fmt::print(stderr, "Rookery: \"{}\", {}.\n", path, size_text(*bytes));
  return kExitGood;
}

// A snapshot without its parents.
Result<int> flatten(const std::string& from, const std::vector<std::string>& parents,
                    const std::string& path) {
  auto snapshot = read_snapshot(from, parents);
  if (!snapshot) return std::unexpected(std::move(snapshot.error()));
  return store(path, *snapshot);
}

Result<int> pack(const MachineOptions& machine, const std::string& path) {
  auto planned = plan_identified_machine(machine, nullptr);
  if (!planned) return std::unexpected(std::move(planned.error()));
  Snapshot snapshot;
  snapshot.image = std::move(planned->image);
  snapshot.program = "rookery " ROOKERY_VERSION;
  snapshot.command_line = planned->identity.append;
  return store(path, snapshot);
}

// Bytes of RAM that are not zero.
u64 bytes_of(const BootImage& image) {
  u64 bytes = 0;
  for (const BootPiece& piece : image.pieces) bytes += piece.bytes.size();
  return bytes;
}

Result<int> inspect(const std::string& path, const std::vector<std::string>& parents,
                    bool as_json) {
  auto snapshot = read_snapshot(path, parents);
  if (!snapshot) return std::unexpected(std::move(snapshot.error()));
  const BootImage& image = snapshot->image;
  const u64 now_bytes = snapshot->now ? snapshot->now->bytes.size() : 0;
  const u64 pc = snapshot->now ? pc_of(snapshot->now->state) : image.layout.entry_pa;
  const SnapshotSource& source = snapshot->source;
  const u64 own_bytes = source.own_pages * isa::PAGE_BYTES;
  if (as_json) {
    nlohmann::json above = nlohmann::json::array();
    for (const SnapshotParent& parent : source.parents)
      above.push_back({{"id", parent.id.text()}, {"path", parent.path}});
    const nlohmann::json json = {{"format", source.version},
                                 {"id", source.id.text()},
                                 {"parents", above},
                                 {"program", snapshot->program},
                                 {"engine", snapshot->engine},
                                 {"xlen", static_cast<u32>(image.xlen)},
                                 {"ram_bytes", image.ram_bytes},
                                 {"command_line", snapshot->command_line},
                                 {"has_run", snapshot->now.has_value()},
                                 {"instructions", snapshot->instructions},
                                 {"pc", pc},
                                 {"image_bytes", bytes_of(image)},
                                 {"used_bytes", now_bytes},
                                 {"own_bytes", own_bytes},
                                 {"typed_bytes", snapshot->pending.typed.size()}};
    fmt::print("{}\n", json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    return kExitGood;
  }
  const auto row = [](const char* name, const std::string& value) {
    fmt::print("{:15}{}\n", name, value);
  };
  row("format", fmt::format("{}, by {}", source.version, snapshot->program));
  row("identity", source.id.text());
  for (const SnapshotParent& parent : source.parents) {
    row(&parent == source.parents.data() ? "parent" : "its parent",
        fmt::format("{}, \"{}\"", parent.id.text(), parent.path));
  }
  row("holds itself", fmt::format("{} of pages, each content once", size_text(own_bytes)));
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
  if (const u64 typed = snapshot->pending.typed.size(); typed != 0)
    row("typed", fmt::format("{} that the guest has not got yet", size_text(typed)));
  return kExitGood;
}

}  // namespace

void add_pack_command(CLI::App& app, Command& chosen) {
  CLI::App* command = app.add_subcommand(
      "pack",
      "Put a machine that has not run into one file, for 'rookery run FILE'; or a snapshot and its "
      "parents");
  struct Arguments {
    MachineOptions machine;
    std::string output;
    std::string flatten;
    std::vector<std::string> parents;
  };
  auto arguments = std::make_shared<Arguments>();
  add_machine_options(*command, arguments->machine);
  command->add_option("-o,--output", arguments->output, "The file")
      ->required()
      ->type_name("FILE.rook");
  auto* flattened = command->add_option("--flatten", arguments->flatten,
                                        "Make this snapshot whole: without its parents");
  flattened->type_name("FILE.rook");
  add_parent_option(*command, arguments->parents)->needs(flattened);
  exclude_machine_options(*command, *flattened);
  command->footer(
      "Examples:\n"
      "  rookery pack --kernel Image --initrd root.cpio --append 'console=ttyS0' -o mine.rook\n"
      "  rookery run mine.rook\n"
      "  rookery pack --flatten child.rook -o alone.rook");
  command->callback([&chosen, arguments] {
    chosen = [arguments] {
      if (arguments->flatten.empty()) return pack(arguments->machine, arguments->output);
      return flatten(arguments->flatten, arguments->parents, arguments->output);
    };
  });
}

void add_inspect_command(CLI::App& app, Command& chosen) {
  CLI::App* command = app.add_subcommand("inspect", "Check a snapshot, and tell what it holds");
  struct Arguments {
    std::string path;
    std::vector<std::string> parents;
    bool as_json = false;
  };
  auto arguments = std::make_shared<Arguments>();
  command->add_option("FILE", arguments->path, "The snapshot")->required()->type_name("FILE.rook");
  add_parent_option(*command, arguments->parents);
  command->add_flag("--json", arguments->as_json, "For programs");
  command->callback([&chosen, arguments] {
    chosen = [arguments] {
      return inspect(arguments->path, arguments->parents, arguments->as_json);
    };
  });
}

}  // namespace rookery::cli
