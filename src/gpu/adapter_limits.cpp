// SPDX-License-Identifier: Apache-2.0
#include "gpu/adapter_limits.h"

#include <fmt/core.h>

#include "base/file.h"

namespace rookery::gpu {

std::string refusal_of(const AdapterLimits& limits, const AdapterNeeds& needs) {
  if (limits.max_storage_buffers_per_stage < needs.storage_buffers_per_stage) {
    return fmt::format("It allows {} storage buffers in a shader; {} are needed.",
                       limits.max_storage_buffers_per_stage, needs.storage_buffers_per_stage);
  }
  if (limits.max_storage_binding_bytes < needs.storage_binding_bytes) {
    return fmt::format("It binds at most {} of a buffer; {} are needed.",
                       size_text(limits.max_storage_binding_bytes),
                       size_text(needs.storage_binding_bytes));
  }
  if (limits.max_workgroup_invocations < needs.workgroup_invocations ||
      limits.max_workgroup_size_x < needs.workgroup_invocations) {
    return fmt::format("It runs at most {} invocations in a workgroup; {} are needed.",
                       limits.max_workgroup_invocations < limits.max_workgroup_size_x
                           ? limits.max_workgroup_invocations
                           : limits.max_workgroup_size_x,
                       needs.workgroup_invocations);
  }
  return {};
}

}  // namespace rookery::gpu
