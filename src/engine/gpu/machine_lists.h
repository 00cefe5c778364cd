// SPDX-License-Identifier: Apache-2.0
// What is done to many machines of a shard at once, each named in a list: back to what they were
// loaded as, counting their private pages. The host's side of shaders/fleet/reset.wgsl and
// dirty.wgsl.
#pragma once

#include <span>
#include <vector>

#include "engine/gpu/shard.h"
#include "gpu/dawn/device.h"

namespace rookery {

class MachineLists {
 public:
  // For shards of at most `max_vms` machines, with so many pools, that were loaded with the state
  // `loaded`.
  static Result<MachineLists> create(gpu::GpuDevice& device, std::span<const u32> loaded,
                                     u32 max_vms, u32 pools);

  // Returns before it is done; what is submitted later comes after it.
  Result<void> reset(gpu::GpuDevice& device, const Shard& shard, std::span<const u32> vms);

  Result<std::vector<u32>> dirty_page_counts(gpu::GpuDevice& device, const Shard& shard,
                                             std::span<const u32> vms);

 private:
  Result<void> reset_some(gpu::GpuDevice& device, const Shard& shard, std::span<const u32> vms);

  gpu::ComputePipeline reset_;
  gpu::ComputePipeline dirty_;
  gpu::GpuBuffer params_;
  gpu::GpuBuffer vms_;
  gpu::GpuBuffer loaded_;
  gpu::GpuBuffer counts_;
  gpu::Readback readback_;
};

}  // namespace rookery
