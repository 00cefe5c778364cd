// SPDX-License-Identifier: Apache-2.0
#include "boot/bare_programs.h"

#include <fstream>

#include <nlohmann/json.hpp>

#include "machine/boot.h"

namespace rookery::test {

std::vector<BareProgram> bare_programs(Xlen xlen) {
  std::ifstream file(ROOKERY_BARE_MANIFEST);
  std::vector<BareProgram> found;
  for (const nlohmann::json& row : nlohmann::json::parse(file)) {
    if (row["xlen"] != static_cast<u32>(xlen)) continue;
    found.push_back({row["name"], row["elf"], xlen, row["steps"]});
  }
  return found;
}

Result<WholeMachine> load(const BareProgram& program) {
  MachineConfig config;
  config.xlen = program.xlen;
  config.ram_bytes = kBareRamBytes;
  config.bare_path = program.elf;
  Result<BootFiles> files = read_boot_files(config);
  if (!files) return std::unexpected(std::move(files.error()));
  const Result<BootImage> image = plan_boot(config, std::move(*files));
  if (!image) return std::unexpected(image.error());
  return machine_of(*image);
}

}  // namespace rookery::test
