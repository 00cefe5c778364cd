// SPDX-License-Identifier: Apache-2.0
#include "gpu/dawn/device_state.h"

#include <algorithm>
#include <utility>

#include "gpu/dawn/dawn_text.h"
#include "gpu/dawn/device.h"

namespace rookery::gpu {

namespace {

constexpr u64 kNanosecondsPerMillisecond = 1'000'000;

// Innermost last: an allocation that fails is reported by the scope for memory alone.
constexpr WGPUErrorFilter kScopes[] = {WGPUErrorFilter_Internal, WGPUErrorFilter_OutOfMemory,
                                       WGPUErrorFilter_Validation};

}  // namespace

std::string words_of_dawn(std::string_view message) {
  std::string out;
  while (!message.empty()) {
    const std::size_t end = std::min(message.find('\n'), message.size());
    const std::string_view line = message.substr(0, end);
    message.remove_prefix(std::min(end + 1, message.size()));
    if (line.empty() || line.starts_with("    at ") ||
        line.starts_with(" - While handling unexpected error"))
      continue;
    if (!out.empty()) out += '\n';
    out += line;
  }
  return out;
}

Error error_of(WGPUErrorType type, std::string_view dawn_message) {
  const std::string message = words_of_dawn(dawn_message);
  if (type == WGPUErrorType_OutOfMemory) {
    return {ErrorKind::out_of_memory,
            fmt::format("The GPU's memory does not suffice: {}", message),
            {}};
  }
  return {ErrorKind::internal, fmt::format("WebGPU refused a call: {}", message), {}};
}

Result<void> check_range(const GpuBuffer& buffer, u64 offset, u64 bytes) {
  if (offset % kCopyAlignment != 0 || bytes % kCopyAlignment != 0) {
    return fail(ErrorKind::internal,
                "Offset {} or size {} in GPU buffer \"{}\" is not a multiple of {}.", offset, bytes,
                buffer.label(), kCopyAlignment);
  }
  if (offset > buffer.size_bytes() || bytes > buffer.size_bytes() - offset) {
    return fail(ErrorKind::internal,
                "{} bytes at {} go beyond the end of GPU buffer \"{}\" ({} bytes).", bytes, offset,
                buffer.label(), buffer.size_bytes());
  }
  return {};
}

DeviceState::~DeviceState() {
  // Destroyed by name, not only released: whatever outlives us (buffers, pipelines) must not keep
  // the GPU's memory.
  if (device) wgpuDeviceDestroy(device.get());
}

Result<void> DeviceState::wait(WGPUFuture future) {
  WGPUFutureWaitInfo pending{future, WGPU_FALSE};
  const WGPUWaitStatus status =
      wgpuInstanceWaitAny(instance.get(), 1, &pending, wait_limit_ms * kNanosecondsPerMillisecond);
  if (status == WGPUWaitStatus_Success) return {};
  const std::lock_guard lock(reports->mutex);
  if (!reports->lost) {
    if (status != WGPUWaitStatus_TimedOut)
      return fail(ErrorKind::internal, "Dawn could not wait for the GPU.");
    reports->lost = Error{
        ErrorKind::device_lost,
        fmt::format("The GPU \"{}\" did not finish its work within {} s; it is given up as lost.",
                    info.name, wait_limit_ms / 1000.0),
        {}};
  }
  return std::unexpected(*reports->lost);
}

Result<void> DeviceState::check() {
  wgpuInstanceProcessEvents(instance.get());
  const std::lock_guard lock(reports->mutex);
  if (reports->lost) return std::unexpected(*reports->lost);
  if (!reports->first_error) return {};
  Error error = std::move(*reports->first_error);
  reports->first_error.reset();
  return std::unexpected(std::move(error));
}

void DeviceState::push_error_scopes() {
  for (WGPUErrorFilter filter : kScopes) wgpuDevicePushErrorScope(device.get(), filter);
}

Result<void> DeviceState::pop_error_scopes() {
  struct Slot {
    WGPUErrorType type = WGPUErrorType_NoError;
    std::string message;
  };
  std::optional<Error> error;
  for (std::size_t scope = 0; scope < std::size(kScopes); ++scope) {
    auto slot = std::make_unique<Slot>();
    WGPUPopErrorScopeCallbackInfo callback{};
    callback.mode = WGPUCallbackMode_WaitAnyOnly;
    callback.userdata1 = slot.get();
    callback.callback = [](WGPUPopErrorScopeStatus status, WGPUErrorType type,
                           WGPUStringView message, void* out, void*) {
      if (status != WGPUPopErrorScopeStatus_Success) return;
      static_cast<Slot*>(out)->type = type;
      static_cast<Slot*>(out)->message = text_of(message);
    };
    if (auto waited = wait(wgpuDevicePopErrorScope(device.get(), callback)); !waited) {
      (void)slot.release();  // the callback may still write to it
      return waited;
    }
    if (slot->type != WGPUErrorType_NoError && !error) error = error_of(slot->type, slot->message);
  }
  if (auto checked = check(); !checked)
    return checked;  // a lost device explains whatever else failed
  if (error) return std::unexpected(std::move(*error));
  return {};
}

}  // namespace rookery::gpu
