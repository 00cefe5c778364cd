// SPDX-License-Identifier: Apache-2.0
// Command batches, how they are submitted, and how results come back.
#include <webgpu/webgpu.h>

#include <utility>

#include "base/file.h"
#include "gpu/dawn/dawn_text.h"
#include "gpu/dawn/device.h"
#include "gpu/dawn/device_state.h"

namespace rookery::gpu {

CommandBatch::CommandBatch(WGPUCommandEncoderImpl* encoder) : encoder_(encoder) {}
CommandBatch::CommandBatch(CommandBatch&&) noexcept = default;
CommandBatch& CommandBatch::operator=(CommandBatch&&) noexcept = default;
CommandBatch::~CommandBatch() { end_pass(); }

void CommandBatch::end_pass() {
  if (!pass_) return;
  wgpuComputePassEncoderEnd(pass_.get());
  pass_.reset();
}

void CommandBatch::dispatch(const ComputePipeline& pipeline, const BindGroup& group,
                            u32 workgroups_x, u32 workgroups_y, u32 workgroups_z) {
  if (!pass_) pass_.reset(wgpuCommandEncoderBeginComputePass(encoder_.get(), nullptr));
  wgpuComputePassEncoderSetPipeline(pass_.get(), pipeline.pipeline_.get());
  wgpuComputePassEncoderSetBindGroup(pass_.get(), 0, group.handle_.get(), 0, nullptr);
  wgpuComputePassEncoderDispatchWorkgroups(pass_.get(), workgroups_x, workgroups_y, workgroups_z);
}

void CommandBatch::copy(const GpuBuffer& source, u64 source_offset, const GpuBuffer& target,
                        u64 target_offset, u64 bytes) {
  end_pass();
  wgpuCommandEncoderCopyBufferToBuffer(encoder_.get(), source.get(), source_offset, target.get(),
                                       target_offset, bytes);
}

void CommandBatch::clear(const GpuBuffer& target, u64 offset, u64 bytes) {
  end_pass();
  wgpuCommandEncoderClearBuffer(encoder_.get(), target.get(), offset, bytes);
}

void CommandBatch::write(const GpuBuffer& target, u64 offset, std::span<const u8> bytes) {
  end_pass();
  wgpuCommandEncoderWriteBuffer(encoder_.get(), target.get(), offset, bytes.data(), bytes.size());
}

CommandBatch GpuDevice::begin() {
  return CommandBatch(wgpuDeviceCreateCommandEncoder(state_->device.get(), nullptr));
}

Result<void> GpuDevice::submit(CommandBatch&& batch) {
  CommandBatch taken = std::move(batch);
  taken.end_pass();
  const Handle<WGPUCommandBufferImpl> commands(
      wgpuCommandEncoderFinish(taken.encoder_.get(), nullptr));
  WGPUCommandBuffer list[] = {commands.get()};
  wgpuQueueSubmit(state_->queue.get(), std::size(list), list);
  return check();
}

Result<void> GpuDevice::submit_and_wait(CommandBatch&& batch) {
  if (auto submitted = submit(std::move(batch)); !submitted) return submitted;
  return wait_idle();
}

Result<void> GpuDevice::wait_idle() {
  WGPUQueueWorkDoneCallbackInfo callback{};
  callback.mode = WGPUCallbackMode_WaitAnyOnly;
  callback.callback = [](WGPUQueueWorkDoneStatus, WGPUStringView, void*, void*) {};
  if (auto waited = state_->wait(wgpuQueueOnSubmittedWorkDone(state_->queue.get(), callback));
      !waited)
    return waited;
  return check();
}

Result<Readback> GpuDevice::create_readback(std::string_view label, u64 bytes) {
  Readback readback;
  readback.state_ = state_;
  readback.label_ = label;
  if (auto grown = readback.reserve(bytes); !grown)
    return std::unexpected(std::move(grown.error()));
  return readback;
}

Readback::Readback(Readback&&) noexcept = default;
Readback& Readback::operator=(Readback&&) noexcept = default;
Readback::~Readback() = default;

Result<void> Readback::reserve(u64 bytes) {
  if (bytes <= capacity_bytes_) return {};
  WGPUBufferDescriptor description{};
  description.label = dawn_text(label_);
  description.usage = WGPUBufferUsage_MapRead | WGPUBufferUsage_CopyDst;
  description.size = (bytes + kCopyAlignment - 1) / kCopyAlignment * kCopyAlignment;
  state_->push_error_scopes();
  Handle<WGPUBufferImpl> staging(wgpuDeviceCreateBuffer(state_->device.get(), &description));
  if (auto created = state_->pop_error_scopes(); !created) {
    return std::unexpected(
        std::move(created.error())
            .during(fmt::format("creating readback \"{}\" of {}", label_, size_text(bytes))));
  }
  staging_ = std::move(staging);
  capacity_bytes_ = description.size;
  return {};
}

void Readback::unmap() {
  if (mapped_) wgpuBufferUnmap(staging_.get());
  mapped_ = false;
}

Result<void> Readback::record(CommandBatch& batch, std::span<const ReadbackRegion> regions) {
  u64 total = 0;
  for (const ReadbackRegion& region : regions) {
    if (auto checked = check_range(*region.source, region.offset, region.bytes); !checked)
      return checked;
    total += region.bytes;
  }
  unmap();
  if (auto grown = reserve(total); !grown) return grown;
  batch.end_pass();
  u64 at = 0;
  for (const ReadbackRegion& region : regions) {
    wgpuCommandEncoderCopyBufferToBuffer(batch.encoder_.get(), region.source->get(), region.offset,
                                         staging_.get(), at, region.bytes);
    at += region.bytes;
  }
  recorded_bytes_ = total;
  return {};
}

Result<std::span<const u8>> Readback::wait() {
  if (recorded_bytes_ == 0) return std::span<const u8>{};
  struct Slot {
    WGPUMapAsyncStatus status = WGPUMapAsyncStatus_Error;
    std::string message;
  };
  if (!mapped_) {
    auto slot = std::make_unique<Slot>();
    WGPUBufferMapCallbackInfo callback{};
    callback.mode = WGPUCallbackMode_WaitAnyOnly;
    callback.userdata1 = slot.get();
    callback.callback = [](WGPUMapAsyncStatus status, WGPUStringView message, void* out, void*) {
      static_cast<Slot*>(out)->status = status;
      static_cast<Slot*>(out)->message = text_of(message);
    };
    if (auto waited = state_->wait(
            wgpuBufferMapAsync(staging_.get(), WGPUMapMode_Read, 0, recorded_bytes_, callback));
        !waited) {
      (void)slot.release();  // the callback may still write to it
      return std::unexpected(std::move(waited.error()));
    }
    if (auto checked = state_->check(); !checked)
      return std::unexpected(std::move(checked.error()));
    if (slot->status != WGPUMapAsyncStatus_Success) {
      return fail(ErrorKind::internal, "Readback \"{}\" could not be mapped: {}", label_,
                  slot->message);
    }
    mapped_ = true;
  }
  const void* bytes = wgpuBufferGetConstMappedRange(staging_.get(), 0, recorded_bytes_);
  if (bytes == nullptr)
    return fail(ErrorKind::internal, "Readback \"{}\" has no mapped range.", label_);
  return std::span<const u8>(static_cast<const u8*>(bytes), recorded_bytes_);
}

}  // namespace rookery::gpu
