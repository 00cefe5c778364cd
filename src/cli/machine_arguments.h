// SPDX-License-Identifier: Apache-2.0
// The options that say what machine to boot, shared by the commands that boot one.
#pragma once

#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "base/error.h"
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

}  // namespace rookery::cli
