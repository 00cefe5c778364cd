// SPDX-License-Identifier: Apache-2.0
//
// What a GPU adapter allows, as plain numbers, for whoever sizes shards and workgroups. Portable:
// it knows nothing of Dawn or of a browser; whoever opens the adapter fills it in. Every number
// comes from the adapter, never from a constant; the defaults below are what WebGPU promises
// everywhere, so that a forgotten field errs on the safe side.
#pragma once

#include <string>

#include "base/types.h"

namespace rookery::gpu {

struct AdapterLimits {
  u64 max_buffer_bytes = 256ull << 20;  // one buffer
  u64 max_storage_binding_bytes =
      128ull << 20;  // one storage binding of a bind group (may be less than the buffer)
  u64 max_uniform_binding_bytes = 64ull << 10;
  u32 max_storage_buffers_per_stage = 8;
  u32 max_uniform_buffers_per_stage = 12;
  u32 max_bindings_per_bind_group = 1000;
  u32 storage_offset_alignment = 256;  // of the offset of a storage binding, in bytes
  u32 uniform_offset_alignment = 256;
  u32 max_workgroup_storage_bytes = 16u << 10;  // var<workgroup> of one entry point
  u32 max_workgroup_invocations = 256;          // x * y * z of a workgroup
  u32 max_workgroup_size_x = 256;
  u32 max_workgroups_per_dimension = 65535;  // of one dispatch
  u32 subgroup_min = 0;                      // lanes; 0: the adapter does not say
  u32 subgroup_max = 0;
};

// What Rookery's engines need at least; an adapter below is refused, and the refusal names the
// number.
struct AdapterNeeds {
  u32 storage_buffers_per_stage = 8;
  u64 storage_binding_bytes = 64ull << 20;
  u32 workgroup_invocations = 32;
};

// Empty when the limits suffice, else one sentence with the value and what is needed.
std::string refusal_of(const AdapterLimits& limits, const AdapterNeeds& needs = {});

}  // namespace rookery::gpu
