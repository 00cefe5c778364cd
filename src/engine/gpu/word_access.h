// SPDX-License-Identifier: Apache-2.0
// Single words of GPU buffers, thousands at once, in one dispatch: the host's side of
// shaders/fleet/scatter.wgsl and gather.wgsl. One copy of each word over the bus, no buffer copies
// of four bytes.
#pragma once

#include <span>
#include <vector>

#include "gpu/dawn/device.h"

namespace rookery {

// A change of a word of a buffer: the bits of `keep` are kept, then those of `flip` flipped.
struct BufferChange {
  u32 word = 0;
  u32 keep = 0;
  u32 flip = 0;
  u32 unused = 0;  // 16 bytes, as the shader has it
};

// Sees to it that a storage buffer has room for `bytes`: a larger one, with nothing in it, replaces
// it if need be.
Result<void> reserve(gpu::GpuDevice& device, gpu::GpuBuffer& buffer, std::string_view label,
                     u64 bytes);

class WordAccess {
 public:
  static Result<WordAccess> create(gpu::GpuDevice& device);

  // Does the changes in their order, also where several are of the same word. Returns before it is
  // done; what is submitted later comes after it.
  Result<void> scatter(gpu::GpuDevice& device, const gpu::GpuBuffer& target,
                       std::span<const BufferChange> changes);

  // The words with those numbers, in that order.
  Result<std::vector<u32>> gather(gpu::GpuDevice& device, const gpu::GpuBuffer& source,
                                  std::span<const u32> words);

 private:
  Result<void> scatter_some(gpu::GpuDevice& device, const gpu::GpuBuffer& target,
                            std::span<const BufferChange> changes);
  Result<void> gather_some(gpu::GpuDevice& device, const gpu::GpuBuffer& source,
                           std::span<const u32> words, std::span<u32> found);

  gpu::ComputePipeline scatter_;
  gpu::ComputePipeline gather_;
  gpu::GpuBuffer count_;
  gpu::GpuBuffer changes_;
  gpu::GpuBuffer wanted_;
  gpu::GpuBuffer found_;
  gpu::Readback readback_;
};

}  // namespace rookery
