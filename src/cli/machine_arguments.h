// SPDX-License-Identifier: Apache-2.0
// The options that say what machine to boot, shared by the commands that boot one.
#pragma once

#include <limits>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "base/error.h"
#include "debug/symbols.h"
#include "machine/boot.h"
#include "machine/config.h"

namespace rookery::cli {

struct MachineArguments {
  MachineConfig machine;
  std::string memory;
  std::optional<std::string> append;  // the kernel's command line
};

// `arguments` must outlive the parsing.
void add_machine_options(CLI::App& command, MachineArguments& arguments);

// Reads the files and plans the boot; without a kernel, of the image that comes with Rookery.
Result<BootImage> read_machine(const MachineArguments& arguments);

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
