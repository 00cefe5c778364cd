// SPDX-License-Identifier: Apache-2.0
#include "boot/test_engines.h"

#include <cstdlib>
#include <map>

#include "engine/cpu/cpu_engine.h"
#include "gpu/embedded_shaders.h"
#if ROOKERY_GPU
#include "engine/gpu/gpu_engine.h"
#include "gpu/dawn/device.h"
#endif

namespace rookery::test {

std::string tested_adapter() {
  const char* chosen = std::getenv("ROOKERY_TEST_ADAPTER");
  return chosen != nullptr ? chosen : "software";
}

bool is_software(const std::string& adapter) { return adapter == "software"; }

namespace {

Result<std::unique_ptr<Engine>> make_gpu_engine(
    const EngineConfig& config, u32 wait_limit_ms,
    const std::map<std::string, std::string, std::less<>>& replaced = {}, u32 pools = 0) {
#if ROOKERY_GPU
  Result<gpu::GpuDevice> device =
      gpu::open_device({.selector = tested_adapter(), .wait_limit_ms = wait_limit_ms});
  if (!device) return std::unexpected(std::move(device.error()));
  return create_gpu_engine(config, std::move(*device), replaced, pools);
#else
  (void)config;
  (void)wait_limit_ms;
  (void)replaced;
  (void)pools;
  return fail(ErrorKind::usage, "Built without the GPU engine.");
#endif
}

}  // namespace

Result<std::unique_ptr<Engine>> make_gpu_engine(const EngineConfig& config) {
  return make_gpu_engine(config, 120'000);
}

Result<std::unique_ptr<Engine>> make_gpu_engine_with_pools(const EngineConfig& config) {
  return make_gpu_engine(config, 120'000, {}, 3);
}

Result<std::unique_ptr<Engine>> make_impatient_gpu_engine(const EngineConfig& config) {
  return make_gpu_engine(config, 1);
}

Result<std::unique_ptr<Engine>> make_faulty_gpu_engine(const EngineConfig& config,
                                                       const std::string& path,
                                                       const std::string& from,
                                                       const std::string& to) {
  std::string text(shaders::find(path).value_or(""));
  const size_t at = text.find(from);
  if (at == std::string::npos || text.find(from, at + 1) != std::string::npos)
    return fail(ErrorKind::internal, "\"{}\" is not once in {}.", from, path);
  text.replace(at, from.size(), to);
  return make_gpu_engine(config, 120'000, {{path, text}});
}

Result<std::unique_ptr<Engine>> make_cpu_engine(const EngineConfig& config) {
  return create_cpu_engine(config);
}

}  // namespace rookery::test
