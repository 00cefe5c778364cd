// SPDX-License-Identifier: Apache-2.0
//
// WGPULimits with room behind it: Dawn's library and webgpu.h come from different packages, and a
// library that knows more limits than the header writes (and, in requestDevice, reads) beyond the
// header's struct. May go once both come from one package. Internal to this folder.
#pragma once

#include <webgpu/webgpu.h>

namespace rookery::gpu {

struct PaddedLimits {
  WGPULimits limits{};
  unsigned char room_for_newer_limits[256] = {};
};

}  // namespace rookery::gpu
