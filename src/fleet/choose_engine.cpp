// SPDX-License-Identifier: Apache-2.0
#include "fleet/choose_engine.h"

#include <optional>
#include <utility>

#include "engine/cpu/cpu_engine.h"
#if ROOKERY_GPU
#include "engine/gpu/gpu_engine.h"
#include "gpu/dawn/device.h"
#endif

namespace rookery {
namespace {

EngineChoice cpu_choice(std::string note) {
  const MakeEngine make_fleet = [](const EngineConfig& config) {
    return create_parallel_engine(config, create_cpu_engine, 0);
  };
  return {create_cpu_engine, make_fleet, "", std::move(note)};
}

#if ROOKERY_GPU
// The device that was opened to see whether it can be serves the first engine; later ones (after a
// reboot) open it again.
Result<EngineChoice> gpu_choice(const std::string& selector) {
  auto opened = gpu::open_device({.selector = selector});
  if (!opened) return std::unexpected(std::move(opened.error()));
  EngineChoice choice;
  choice.adapter = opened->adapter().name;
  choice.note = fmt::format("running on the GPU engine ({}).", choice.adapter);
  auto device = std::make_shared<std::optional<gpu::GpuDevice>>(*std::move(opened));
  choice.make = [device, selector](const EngineConfig& config) -> Result<std::unique_ptr<Engine>> {
    if (!*device) {
      auto again = gpu::open_device({.selector = selector});
      if (!again) return std::unexpected(std::move(again.error()));
      device->emplace(*std::move(again));
    }
    return create_gpu_engine(config, std::exchange(*device, std::nullopt).value());
  };
  choice.make_fleet = choice.make;
  return choice;
}
#endif

}  // namespace

Result<EngineChoice> choose_engine(const EngineRequest& request) {
  if (request.engine == "cpu") {
    if (request.adapter.empty()) return cpu_choice("");
    return fail(ErrorKind::usage, "--adapter {} needs the GPU engine; --engine says cpu.",
                request.adapter);
  }
#if ROOKERY_GPU
  const bool is_auto = request.engine == "auto" && request.adapter.empty();
  if (!is_auto) return gpu_choice(request.adapter.empty() ? "auto" : request.adapter);
  if (gpu::probably_has_gpu()) {
    if (auto choice = gpu_choice("auto")) return choice;
  }
  return cpu_choice("running on the CPU engine (no GPU adapter found).");
#else
  if (request.engine == "gpu" || !request.adapter.empty()) {
    return fail(ErrorKind::usage,
                "This Rookery was built without its GPU engine: use --engine cpu.");
  }
  return cpu_choice("running on the CPU engine (this Rookery was built without its GPU engine).");
#endif
}

}  // namespace rookery
