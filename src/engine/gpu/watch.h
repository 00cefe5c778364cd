// SPDX-License-Identifier: Apache-2.0
// The machines of one shard that are watched (stop points, a trace, a profile): their slots in the
// buffer that shaders/hooks/debug.wgsl works on, and the dispatch that runs them. The engine marks
// them with RUN_STATE_WATCHED, so that the ordinary dispatch passes them by.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "engine/gpu/shard.h"

namespace rookery {

// What somebody wants to know of a machine.
struct Watch {
  // Where it stopped last; it goes on from there without stopping again.
  struct Stopped {
    u64 icount = 0;
    u64 pc = 0;
    bool operator==(const Stopped&) const = default;
  };

  std::vector<StopPoint> stops;
  std::optional<TraceOptions> trace;
  std::optional<Stopped> stopped;
  // Profiled: PROFILE_WORDS counts, those that its slot begins with.
  std::vector<u32> profile;
  bool profile_is_new = false;  // no slot has them yet

  bool wants_anything() const { return !stops.empty() || trace.has_value() || !profile.empty(); }
};

// By the shard's own numbers.
using Watches = std::map<u32, Watch*>;

class ShardWatch {
 public:
  // Fills the slots for these machines, which stay where they are until the next call. Records that
  // were not fetched by finish() are dropped.
  Result<void> configure(gpu::GpuDevice& device, Xlen xlen, Watches watches);

  bool empty() const { return watches_.empty(); }

  // Reads the counts of the slots back, so that configure() can go on with them. Of machines whose
  // counts somebody has set to begin anew, or no longer wants, they stay as they are.
  Result<void> save_profiles(gpu::GpuDevice& device);

  // The parts of a dispatch, as the shard's own (engine/gpu/shard.h).
  Result<void> dispatch(gpu::GpuDevice& device, gpu::CommandBatch& batch,
                        const gpu::ComputePipeline& pipeline,
                        std::vector<gpu::BufferBinding> bindings);
  Result<void> report(gpu::CommandBatch& batch);
  // Updates each Watch::stopped; records are appended to traces[vm].
  Result<void> finish(gpu::GpuDevice& device, std::span<std::vector<TraceRecord>> traces);

 private:
  u64 slot_byte(u64 slot, u32 word) const;

  Watches watches_;
  u32 stride_words_ = 0;
  u32 profile_at_ = 0;
  gpu::GpuBuffer buffer_;
  gpu::BindGroup group_;
  std::optional<gpu::Readback> report_;
};

}  // namespace rookery
