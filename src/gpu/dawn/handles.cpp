// SPDX-License-Identifier: Apache-2.0
#include "gpu/dawn/handles.h"

#include <webgpu/webgpu.h>

namespace rookery::gpu {

void HandleRelease::operator()(WGPUAdapterImpl* handle) const noexcept {
  wgpuAdapterRelease(handle);
}
void HandleRelease::operator()(WGPUBindGroupImpl* handle) const noexcept {
  wgpuBindGroupRelease(handle);
}
void HandleRelease::operator()(WGPUBindGroupLayoutImpl* handle) const noexcept {
  wgpuBindGroupLayoutRelease(handle);
}
void HandleRelease::operator()(WGPUBufferImpl* handle) const noexcept { wgpuBufferRelease(handle); }
void HandleRelease::operator()(WGPUCommandBufferImpl* handle) const noexcept {
  wgpuCommandBufferRelease(handle);
}
void HandleRelease::operator()(WGPUCommandEncoderImpl* handle) const noexcept {
  wgpuCommandEncoderRelease(handle);
}
void HandleRelease::operator()(WGPUComputePassEncoderImpl* handle) const noexcept {
  wgpuComputePassEncoderRelease(handle);
}
void HandleRelease::operator()(WGPUComputePipelineImpl* handle) const noexcept {
  wgpuComputePipelineRelease(handle);
}
void HandleRelease::operator()(WGPUDeviceImpl* handle) const noexcept { wgpuDeviceRelease(handle); }
void HandleRelease::operator()(WGPUInstanceImpl* handle) const noexcept {
  wgpuInstanceRelease(handle);
}
void HandleRelease::operator()(WGPUPipelineLayoutImpl* handle) const noexcept {
  wgpuPipelineLayoutRelease(handle);
}
void HandleRelease::operator()(WGPUQueueImpl* handle) const noexcept { wgpuQueueRelease(handle); }
void HandleRelease::operator()(WGPUShaderModuleImpl* handle) const noexcept {
  wgpuShaderModuleRelease(handle);
}

}  // namespace rookery::gpu
