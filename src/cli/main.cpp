// SPDX-License-Identifier: Apache-2.0
// The program: reads the command line, runs one command, prints what went wrong, picks the exit
// status.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <new>
#include <string>
#include <system_error>
#include <vector>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/terminal.h"

namespace rookery::cli {

std::string data_folder() {
  const char* from_environment = std::getenv("ROOKERY_DATA_DIR");
  if (from_environment != nullptr && *from_environment != '\0') return from_environment;
  namespace fs = std::filesystem;
  std::error_code error;  // then it is not installed
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  const fs::path installed = program.parent_path() / ROOKERY_INSTALLED_DATA_DIR;
  if (!error && fs::is_directory(installed / "images", error))
    return installed.lexically_normal().string();
  return ROOKERY_DATA_DIR;
}

namespace {

int report(const Error& error) {
  fmt::print(stderr, "Rookery: {}\n", error.text());
  return exit_code(error.kind);
}

// CLI11's words for a wrong command line, made a sentence.
int report_usage(const CLI::App& app, const CLI::ParseError& error) {
  std::string command = "rookery";
  for (const CLI::App* used : app.get_subcommands()) command += " " + used->get_name();
  std::string text = error.what();
  while (!text.empty() && (text.back() == '.' || text.back() == '\n')) text.pop_back();
  fmt::print(stderr, "Rookery: {}.\n'{} --help' tells what it takes.\n", text, command);
  return exit_code(ErrorKind::usage);
}

int main_checked(int argc, char** argv) {
  keep_standard_descriptors();
  install_signal_handlers();
  CLI::App app("Rookery boots RISC-V Linux on GPUs, and on CPUs where there is none.", "rookery");
  app.set_version_flag("--version", "rookery " ROOKERY_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Examples:\n"
      "  rookery run                      boot Linux and type into it\n"
      "  rookery run --help               all that 'run' takes\n"
      "  rookery verify                   run it on CPU and GPU, and compare them all the way\n"
      "  rookery adapters                 list the GPUs");
  Command chosen;
  add_run_command(app, chosen);
  add_adapters_command(app, chosen);
  add_bench_command(app, chosen);
  add_bench_fleet_command(app, chosen);
  add_pack_command(app, chosen);
  add_inspect_command(app, chosen);
  add_trace_command(app, chosen);
  add_profile_command(app, chosen);
  add_verify_command(app, chosen);
  add_fuzz_command(app, chosen);
  add_sweep_command(app, chosen);

  std::vector<std::string> arguments = with_our_spelling({argv + 1, argv + argc});
  if (arguments.empty()) arguments.emplace_back("--help");
  // CLI11 would only say that a command is missing.
  const std::string& first = arguments.front();
  const auto is_first = [&](CLI::App* command) { return command->check_name(first); };
  if (!first.starts_with('-') && app.get_subcommands(is_first).empty()) {
    return report({ErrorKind::usage,
                   fmt::format("There is no command \"{}\"; 'rookery --help' lists them.", first),
                   {}});
  }
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(),
                                       arguments.rend()));  // CLI11 wants them last first
  } catch (const CLI::Success& success) {
    return app.exit(success);  // --help, --version
  } catch (const CLI::ParseError& error) {
    return report_usage(app, error);
  }
  Result<int> code = chosen();
  // What is still buffered must reach its reader, or the exit status says so.
  if (std::fflush(stdout) != 0 && code) {
    code = fail(ErrorKind::io, "Cannot write to standard output.");
  }
  return code ? *code : report(code.error());
}

}  // namespace
}  // namespace rookery::cli

int main(int argc, char** argv) {
  using rookery::ErrorKind;
  try {
    return rookery::cli::main_checked(argc, argv);
  } catch (const std::bad_alloc&) {
    return rookery::cli::report({ErrorKind::out_of_memory, "The host has no memory left.", {}});
  } catch (const std::exception& error) {
    return rookery::cli::report(
        {ErrorKind::internal, fmt::format("An unexpected fault: {}.", error.what()), {}});
  }
}
