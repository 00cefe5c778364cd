// SPDX-License-Identifier: Apache-2.0
// Runs a bare program on the CPU engine, with what it prints on standard output: bare FILE.ELF
#include <chrono>
#include <cstdio>

#include "engine/cpu/cpu_engine.h"
#include "machine/machine.h"

using namespace rookery;

// Nobody types.
class Screen final : public MachineHost {
 public:
  u64 now_us() override {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<u64>(std::chrono::duration_cast<std::chrono::microseconds>(now).count());
  }
  Result<void> print(std::string_view bytes) override {
    std::fwrite(bytes.data(), 1, bytes.size(), stdout);
    return {};
  }
  Result<TypedInput> read_typed() override { return TypedInput{.bytes = {}, .closed = true}; }
  void sleep(u64) override {}
  bool stop_requested() override { return false; }
  void saw_exit(const Exit&, u64) override {}
};

Result<RunEnd> run(const char* path) {
  MachineConfig config;
  config.bare_path = path;
  auto files = read_boot_files(config);
  if (!files) return std::unexpected(files.error());
  config.xlen = guess_xlen(*files).value_or(Xlen::rv32);
  auto image = plan_boot(config, *std::move(files));
  if (!image) return std::unexpected(image.error());
  const auto make_engine = [&] {
    return create_cpu_engine({.xlen = config.xlen, .ram_bytes = config.ram_bytes});
  };
  Screen screen;
  auto machine = Machine::create(*std::move(image), make_engine, RunOptions{}, screen);
  if (!machine) return std::unexpected(machine.error());
  return (*machine)->run();
}

int main(int argc, char** argv) {
  if (argc != 2) return 64;
  const Result<RunEnd> end = run(argv[1]);
  if (!end) std::fprintf(stderr, "%s\n", end.error().text().c_str());
  return end ? static_cast<int>(end->status) : 1;
}
