// SPDX-License-Identifier: Apache-2.0
// The program's subcommands. Each add_..._command() describes its options to CLI11 and, when it is
// the one chosen, stores in `chosen` what main() then calls: it gives the process's exit status.
//
// How to add a command: declare it here, define it in a file of its name, call it in main.cpp.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "base/error.h"

namespace rookery::cli {

using Command = std::function<Result<int>()>;

void add_run_command(CLI::App& app, Command& chosen);
void add_adapters_command(CLI::App& app, Command& chosen);
void add_bench_command(CLI::App& app, Command& chosen);
void add_bench_fleet_command(CLI::App& app, Command& chosen);
void add_sweep_command(CLI::App& app, Command& chosen);  // src/cli/bench*
void add_inspect_command(CLI::App& app, Command& chosen);
void add_pack_command(CLI::App& app, Command& chosen);
void add_trace_command(CLI::App& app, Command& chosen);
void add_profile_command(CLI::App& app, Command& chosen);
void add_verify_command(CLI::App& app, Command& chosen);
void add_fuzz_command(CLI::App& app, Command& chosen);

// Where Rookery's own files are: $ROOKERY_DATA_DIR, else beside the installed program, else what
// the build says. Holds images/default.
std::string data_folder();

}  // namespace rookery::cli
