// SPDX-License-Identifier: Apache-2.0
// The options that say what machine to make and what it boots: the same for every command that
// makes one.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/error.h"
#include "debug/symbols.h"
#include "machine/boot.h"
#include "machine/machine_identity.h"

namespace rookery::cli {

// As the command line has them.
struct MachineOptions {
  MachineConfig config;
  std::string image;  // as find_image() takes it; empty: the default one, if no program is named
  std::string memory;
  std::string max_instructions;         // each command's own option: what comes after them differs
  const CLI::Option* append = nullptr;  // to see whether it was given
};

// --image, --kernel, --initrd, --append, --memory, --dtb, --bios, --bare. `options` outlives
// the parsing.
void add_machine_options(CLI::App& command, MachineOptions& options);

// `option` says by itself what machine it is: none of those above goes with it.
void exclude_machine_options(CLI::App& command, CLI::Option& option);

// --parent: where the parents of a differential snapshot are. May be given more than once.
CLI::Option* add_parent_option(CLI::App& command, std::vector<std::string>& parents);

// Reads the files, those of Rookery's default image if none is named, and plans the machine. The
// width and the RAM are those of the image returned.
Result<BootImage> plan_machine(const MachineOptions& options);

// The same for a machine that is recorded or replayed.
struct IdentifiedMachine {
  BootImage image;
  RecordedMachine identity;  // without its remarks
};
// `recorded`, if any, is the machine that has to come out: what the options leave open is taken
// from it, and another machine is an error.
Result<IdentifiedMachine> plan_identified_machine(const MachineOptions& options,
                                                  const RecordedMachine* recorded);

// Without --max-instructions, the highest count.
Result<u64> max_instructions(const MachineOptions& options);

// The symbols of an ELF file, which may be zstd-compressed; none if `path` is empty.
Result<std::optional<SymbolTable>> read_symbols(const std::string& path);

// --from and --to of a command that looks at a part of a run: counts of instructions.
struct InstructionRange {
  u64 from = 0;
  u64 to = std::numeric_limits<u64>::max();
};
// Empty texts stand for the beginning and the end.
Result<InstructionRange> parse_instruction_range(const std::string& from, const std::string& to);

}  // namespace rookery::cli
