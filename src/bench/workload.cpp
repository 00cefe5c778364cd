// SPDX-License-Identifier: Apache-2.0
#include "bench/workload.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "engine/cpu/cpu_engine.h"

namespace rookery::bench {
namespace {

constexpr u64 kKernelRamBytes = 128 * kKiB;
constexpr u64 kLinuxRamBytes = 16 * kMiB;  // as little as the default image boots with
constexpr size_t kA0 = 10;

constexpr u64 kSetupChunk = 10'000;
constexpr u64 kMaxSetupSteps = 20'000'000;  // a kernel without a round by then is broken
constexpr u32 kSettlingRounds = 8;          // until a kernel has stored to all pages that it uses

Result<std::unique_ptr<Engine>> one_machine(const Workload& workload) {
  auto engine = create_cpu_engine(engine_config(workload, 1));
  if (!engine) return engine;
  if (auto loaded = load(**engine, workload, false); !loaded)
    return std::unexpected(std::move(loaded.error()));
  return engine;
}

}  // namespace

EngineConfig engine_config(const Workload& workload, u32 machines) {
  EngineConfig config;
  config.xlen = workload.image.xlen;
  config.ram_bytes = workload.image.ram_bytes;
  config.vm_count = machines;
  config.pool_pages = machines == 1 ? 0 : workload.pages_per_machine * machines;
  return config;
}

Result<void> load(Engine& engine, const Workload& workload, bool divergent, u32 first_seed) {
  for (const BootPiece& piece : workload.image.pieces) {
    if (auto loaded = engine.load_base(piece.pa, piece.bytes); !loaded) return loaded;
  }
  MachineState state = initial_state(workload.image);
  for (u32 vm = 0; vm < engine.config().vm_count; ++vm) {
    if (workload.seeded) {
      const u32 seed = first_seed + (divergent ? vm : 0);
      std::visit([&](auto& s) { s.hart.x[kA0] = seed; }, state);
    }
    if (auto written = engine.write_state(vm, state); !written) return written;
  }
  return {};
}

Result<void> run_exactly(Engine& engine, u64 steps) {
  while (steps > 0) {
    auto report = engine.run(steps);
    if (!report) return std::unexpected(std::move(report.error()));
    if (!report->exits.empty() || report->steps == 0) {
      const Exit exit = report->exits.empty() ? Exit{} : report->exits.front();
      return fail(ErrorKind::internal, "Machine {} stopped (exit {}, {}) with {} steps to go.",
                  exit.vm, exit.reason, exit.arg0, steps - report->steps);
    }
    steps -= report->steps;
  }
  return {};
}

Result<u32> rounds_done(Engine& engine, const Workload& workload, u32 vm) {
  if (!workload.seeded) return 0;
  std::array<u8, 4> bytes;
  if (auto read = engine.read_ram(vm, kBenchKernelResult, bytes); !read)
    return std::unexpected(std::move(read.error()));
  u32 rounds;
  std::memcpy(&rounds, bytes.data(), sizeof rounds);
  return rounds;
}

Result<Workload> plan_kernel(const BenchKernel& kernel) {
  Workload workload;
  workload.kernel = kernel.name;
  workload.flavour = kernel.flavour;
  workload.seeded = true;
  MachineConfig config;
  config.ram_bytes = kKernelRamBytes;
  config.bare_path = fmt::format("{}_{}", kernel.name, kernel.flavour);
  BootFiles files;
  files.bare.assign(kernel.elf.begin(), kernel.elf.end());
  auto image = plan_boot(config, std::move(files));
  if (!image) return std::unexpected(std::move(image.error()));
  workload.image = std::move(*image);

  auto engine = one_machine(workload);
  if (!engine) return std::unexpected(std::move(engine.error()));
  u64 steps = 0;
  for (u32 rounds = 0; rounds < kSettlingRounds;) {
    if (auto ran = run_exactly(**engine, kSetupChunk); !ran)
      return std::unexpected(std::move(ran.error()));
    steps += kSetupChunk;
    auto done = rounds_done(**engine, workload, 0);
    if (!done) return std::unexpected(std::move(done.error()));
    rounds = *done;
    if (rounds == 0) workload.setup_steps = steps;
    if (rounds == 0 && steps > kMaxSetupSteps) {
      return fail(ErrorKind::internal, "The kernel {} has done no round in {} steps.",
                  config.bare_path, steps);
    }
  }
  auto pages = (*engine)->dirty_pages(0);
  if (!pages) return std::unexpected(std::move(pages.error()));
  workload.pages_per_machine = *pages;
  return workload;
}

Result<Workload> plan_linux_boot(const std::string& kernel_path, const std::string& initrd_path,
                                 u64 steps) {
  Workload workload;
  workload.kernel = "linux";
  workload.flavour = "sv32";
  workload.max_steps = steps;
  MachineConfig config;
  config.ram_bytes = kLinuxRamBytes;
  config.kernel_path = kernel_path;
  config.initrd_path = initrd_path;
  auto files = read_boot_files(config);
  if (!files) return std::unexpected(std::move(files.error()));
  config.xlen = guess_xlen(*files).value_or(Xlen::rv32);
  auto image = plan_boot(config, *std::move(files));
  if (!image) return std::unexpected(std::move(image.error()));
  workload.image = *std::move(image);

  auto engine = one_machine(workload);
  if (!engine) return std::unexpected(std::move(engine.error()));
  if (auto ran = run_exactly(**engine, steps); !ran) return std::unexpected(std::move(ran.error()));
  auto pages = (*engine)->dirty_pages(0);
  if (!pages) return std::unexpected(std::move(pages.error()));
  workload.pages_per_machine = *pages;
  return workload;
}

}  // namespace rookery::bench
