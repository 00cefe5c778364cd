// SPDX-License-Identifier: Apache-2.0
// Hashes machines where they are: the host's side of shaders/hash/state_hash.wgsl. Only the hashes
// come back from the device. An engine has one, for all its shards.
#pragma once

#include <span>
#include <vector>

#include "engine/gpu/base_image.h"
#include "engine/gpu/shard.h"
#include "engine/state_hash.h"
#include "gpu/dawn/device.h"

namespace rookery {

class StateHasher {
 public:
  // Compiles the shader and hashes the base pages, which must not change any more. `max_vms` is
  // what a shard has at most, `pools` what it has.
  static Result<StateHasher> create(gpu::GpuDevice& device, isa::Xlen xlen, const BaseImage& base,
                                    u32 max_vms, u32 pools);

  // The hashes of machines of one shard, by their numbers there.
  Result<std::vector<u64>> hash(gpu::GpuDevice& device, const Shard& shard,
                                std::span<const u32> vms);

 private:
  StateHasher() = default;

  Result<void> hash_some(gpu::GpuDevice& device, const Shard& shard, std::span<const u32> vms,
                         std::vector<u64>& hashes);

  gpu::ComputePipeline pipeline_;
  isa::Xlen xlen_{};
  StateHash base_;  // of a machine without private pages, its state apart
  gpu::GpuBuffer params_;
  gpu::GpuBuffer vms_;
  gpu::GpuBuffer base_terms_;
  gpu::GpuBuffer sums_;
  gpu::Readback readback_;
};

}  // namespace rookery
