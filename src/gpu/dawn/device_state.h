// SPDX-License-Identifier: Apache-2.0
//
// What everything made on one device shares: the WebGPU objects, what their callbacks stored, and
// how one waits. Callbacks come at any time and on any thread and only store; the foreground
// reports. Internal to this folder.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include <webgpu/webgpu.h>

#include "base/error.h"
#include "gpu/dawn/adapters.h"
#include "gpu/dawn/handles.h"
#include "gpu/dawn/pipeline_cache.h"

namespace rookery::gpu {

class GpuBuffer;

// Filled by the device's callbacks, which may come until Dawn lets go of the device.
struct DeviceReports {
  std::mutex mutex;
  std::optional<Error> first_error;  // since the last check
  std::optional<Error> lost;         // stays
};

class DeviceState {
 public:
  ~DeviceState();

  // Waits for one callback. On failure it may still come later: whatever it writes to must then be
  // left alone.
  Result<void> wait(WGPUFuture future);
  Result<void> check();

  // Catches the errors of the calls made while it lives.
  void push_error_scopes();
  Result<void> pop_error_scopes();

  std::shared_ptr<WGPUInstanceImpl> instance;
  GpuAdapterInfo info;
  u32 wait_limit_ms = 0;
  std::shared_ptr<PipelineCache> cache;  // null: none
  std::shared_ptr<DeviceReports> reports = std::make_shared<DeviceReports>();
  Handle<WGPUDeviceImpl> device;
  Handle<WGPUQueueImpl> queue;
};

// WebGPU's, of every offset and size that is copied.
constexpr u64 kCopyAlignment = 4;

// A range that may be copied or bound.
Result<void> check_range(const GpuBuffer& buffer, u64 offset, u64 bytes);

// The error of an allocation or call that WebGPU refused.
Error error_of(WGPUErrorType type, std::string_view message);

// Dawn's message without the lines that say where in Dawn's own source it arose.
std::string words_of_dawn(std::string_view message);

}  // namespace rookery::gpu
