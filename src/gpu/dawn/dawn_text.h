// SPDX-License-Identifier: Apache-2.0
//
// WebGPU's strings: pointer and length on both ways, where a length of WGPU_STRLEN means "ends with
// a zero byte". Internal to this folder.
#pragma once

#include <webgpu/webgpu.h>

#include <cstring>
#include <string_view>

namespace rookery::gpu {

inline WGPUStringView dawn_text(std::string_view text) { return {text.data(), text.size()}; }

inline std::string_view text_of(WGPUStringView text) {
  if (text.data == nullptr) return {};
  return {text.data, text.length == WGPU_STRLEN ? std::strlen(text.data) : text.length};
}

}  // namespace rookery::gpu
