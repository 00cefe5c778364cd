// SPDX-License-Identifier: Apache-2.0
// The GPU engine: the shaders of shaders/interpreter.wgsl, one invocation a machine. Memory as in
// docs/memory.md: machines share the pages loaded by load_base() and own the pages they store to.
//
// A run() is one dispatch, of as many steps as take about 20 ms for one machine and 100 ms for
// many: measured, and steered from dispatch to dispatch, so that no adapter's watchdog is met.
#pragma once

#include <memory>

#include "engine/engine.h"
#include "engine/gpu/shader.h"
#include "gpu/dawn/device.h"

namespace rookery {

// Takes the device over. Compiles the shader (the device's cache remembers it). Errors: usage for a
// configuration that cannot be, out_of_memory with what does not fit into which limit, device_lost.
// For tests: `replaced`, shader modules to be used in place of ours, to plant a fault; `pools`, of
// private pages in each shard, 1 to isa::MAX_POOLS, where 0 takes as many as the machines need.
Result<std::unique_ptr<Engine>> create_gpu_engine(const EngineConfig& config, gpu::GpuDevice device,
                                                  const ShaderModules& replaced = {},
                                                  u32 pools = 0);

}  // namespace rookery
