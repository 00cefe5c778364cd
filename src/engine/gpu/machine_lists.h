// SPDX-License-Identifier: Apache-2.0
// What is done to many machines of a shard at once, each named in a list: back to what they were
// loaded as, counting their private pages, making more pages private. The host's side of
// shaders/fleet/reset.wgsl, dirty.wgsl and private.wgsl.
#pragma once

#include <span>
#include <utility>
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

  // Makes pages private that are not yet: places[i] is a machine and a page of its RAM, ascending,
  // none twice. The blocks that they are in then; 0 for one that found its pool full, and then
  // perhaps PAGE_COMING for others.
  Result<std::vector<u32>> make_private(gpu::GpuDevice& device, const Shard& shard,
                                        const SharedBuffers& shared,
                                        std::span<const std::pair<u32, u32>> places);

 private:
  Result<void> reset_some(gpu::GpuDevice& device, const Shard& shard, std::span<const u32> vms);

  gpu::ComputePipeline reset_;
  gpu::ComputePipeline dirty_;
  gpu::ComputePipeline private_;
  gpu::GpuBuffer params_;
  gpu::GpuBuffer vms_;
  gpu::GpuBuffer loaded_;
  gpu::GpuBuffer counts_;
  gpu::GpuBuffer places_;
  gpu::Readback readback_;
};

}  // namespace rookery
