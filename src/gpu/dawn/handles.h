// SPDX-License-Identifier: Apache-2.0
//
// Owning handles on WebGPU objects. A handle releases its reference when it goes; the objects count
// references among themselves (a buffer keeps its device), so handles may go in any order. No
// WebGPU header is needed to hold one, which keeps Dawn out of everything that merely uses the
// wrappers in this folder.
#pragma once

#include <memory>

struct WGPUAdapterImpl;
struct WGPUBindGroupImpl;
struct WGPUBindGroupLayoutImpl;
struct WGPUBufferImpl;
struct WGPUCommandBufferImpl;
struct WGPUCommandEncoderImpl;
struct WGPUComputePassEncoderImpl;
struct WGPUComputePipelineImpl;
struct WGPUDeviceImpl;
struct WGPUInstanceImpl;
struct WGPUPipelineLayoutImpl;
struct WGPUQueueImpl;
struct WGPUShaderModuleImpl;

namespace rookery::gpu {

struct HandleRelease {
  void operator()(WGPUAdapterImpl* handle) const noexcept;
  void operator()(WGPUBindGroupImpl* handle) const noexcept;
  void operator()(WGPUBindGroupLayoutImpl* handle) const noexcept;
  void operator()(WGPUBufferImpl* handle) const noexcept;
  void operator()(WGPUCommandBufferImpl* handle) const noexcept;
  void operator()(WGPUCommandEncoderImpl* handle) const noexcept;
  void operator()(WGPUComputePassEncoderImpl* handle) const noexcept;
  void operator()(WGPUComputePipelineImpl* handle) const noexcept;
  void operator()(WGPUDeviceImpl* handle) const noexcept;
  void operator()(WGPUInstanceImpl* handle) const noexcept;
  void operator()(WGPUPipelineLayoutImpl* handle) const noexcept;
  void operator()(WGPUQueueImpl* handle) const noexcept;
  void operator()(WGPUShaderModuleImpl* handle) const noexcept;
};

template <class Object>
using Handle = std::unique_ptr<Object, HandleRelease>;

}  // namespace rookery::gpu
