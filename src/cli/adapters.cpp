// SPDX-License-Identifier: Apache-2.0
// `rookery adapters`: which GPUs there are, and which of them can be used.
#include <cstdio>

#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/exit_codes.h"
#if ROOKERY_GPU
#include "base/file.h"
#include "gpu/dawn/adapters.h"
#endif

namespace rookery::cli {
namespace {

#if ROOKERY_GPU
nlohmann::json to_json(const gpu::GpuAdapterInfo& adapter) {
  return {
      {"name", adapter.name},
      {"vendor", adapter.vendor},
      {"architecture", adapter.architecture},
      {"backend", adapter.backend},
      {"driver", adapter.driver},
      {"type", gpu::name_of(adapter.type)},
      {"software", adapter.software},
      {"usable", adapter.usable},
      {"refusal", adapter.refusal},
  };
}

Result<int> list_adapters(bool as_json) {
  auto adapters = gpu::list_adapters();
  if (!adapters) return std::unexpected(std::move(adapters.error()));
  if (as_json) {
    nlohmann::json list = nlohmann::json::array();
    for (const gpu::GpuAdapterInfo& adapter : *adapters) list.push_back(to_json(adapter));
    fmt::print("{}\n", list.dump(2));
    return kExitGood;
  }
  if (adapters->empty()) fmt::print("No GPU adapter was found. --engine cpu always works.\n");
  for (const gpu::GpuAdapterInfo& adapter : *adapters) {
    fmt::print("{} ({}, {}, {})\n", adapter.name, gpu::name_of(adapter.type), adapter.backend,
               adapter.driver);
    if (!adapter.usable) {
      fmt::print("    not usable: {}\n", adapter.refusal);
    } else if (adapter.software) {
      fmt::print("    --adapter software; never chosen by --engine auto\n");
    }
  }
  return kExitGood;
}
#else
Result<int> list_adapters(bool as_json) {
  fmt::print(
      "{}\n",
      as_json ? "[]" : "This Rookery was built without its GPU engine. --engine cpu always works.");
  return kExitGood;
}
#endif

}  // namespace

void add_adapters_command(CLI::App& app, Command& chosen) {
  CLI::App* command = app.add_subcommand("adapters", "List the GPUs that Rookery sees");
  auto as_json = std::make_shared<bool>(false);
  command->add_flag("--json", *as_json, "As JSON, for programs");
  command->footer(
      "Examples:\n"
      "  rookery adapters\n"
      "  rookery adapters --json\n"
      "  rookery run --adapter software      run on a GPU emulated by the CPU\n"
      "  rookery run --adapter H200          any part of a name will do");
  command->callback([&chosen, as_json] { chosen = [as_json] { return list_adapters(*as_json); }; });
}

}  // namespace rookery::cli
