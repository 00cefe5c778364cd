// SPDX-License-Identifier: Apache-2.0
// `rookery bench`: speed, measured.
#include "cli/commands.h"

namespace rookery::cli {

void add_bench_command(CLI::App& app, Command& chosen) {
  CLI::App* command = app.add_subcommand("bench", "Measure the speed of the engines");
  command->callback([&chosen] {
    chosen = []() -> Result<int> {
      return fail(ErrorKind::usage, "This build has no benchmarks.");
    };
  });
}

}  // namespace rookery::cli
