// SPDX-License-Identifier: Apache-2.0
//
// A GPU device and what is made on it: buffers, compute pipelines, bind groups, command batches,
// readbacks.
//
//   auto device = open_device({.selector = "auto"});
//   auto state = device->create_buffer("hart state", bytes, BufferUse::storage);
//   auto pipeline = device->create_pipeline({.label = "step_rv32", .shader = &shader,
//                                            .bindings = {{0, BindingType::storage}}});
//   auto group = device->create_bind_group(*pipeline, {{0, &*state}});
//   auto readback = device->create_readback("exits", bytes);
//
//   auto batch = device->begin();
//   batch.dispatch(*pipeline, *group, workgroups);
//   readback->record(batch, {{&*state, 0, bytes}});
//   device->submit(std::move(batch));
//   auto result = readback->wait();  // the one wait of a dispatch
//
// Errors. WebGPU reports through callbacks, at any time and on any thread: here callbacks only
// store, and the next call in the foreground returns what they stored. A lost device makes every
// later call fail with ErrorKind::device_lost and the driver's words; everything on it is gone, the
// host has its last checkpoint. A buffer that does not fit is ErrorKind::out_of_memory with its
// size and the limit. A shader that does not compile is ErrorKind::internal with
// "shaders/FILE:LINE: ...".
//
// Robustness (bounds checks in shaders) is on and cannot be turned off: guests are untrusted.
//
// Units: offsets and sizes are bytes, and multiples of 4. Lifetime: everything may outlive the
// GpuDevice that made it, and goes in any order. Threads: one thread at a time a device.
#pragma once

#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/types.h"
#include "gpu/adapter_limits.h"
#include "gpu/dawn/adapters.h"
#include "gpu/dawn/handles.h"
#include "gpu/shader_assembler.h"

namespace rookery::gpu {

class DeviceState;  // device_state.h: the device, its queue, and what its callbacks stored

enum class BufferUse : u32 {
  storage,  // bound as storage, read only or read_write; copied from and to
  uniform,  // bound as uniform; copied to
  copy,     // neither: a place to copy from and to
};

class GpuBuffer {
 public:
  GpuBuffer() = default;
  u64 size_bytes() const { return size_bytes_; }
  const std::string& label() const { return label_; }
  explicit operator bool() const { return handle_ != nullptr; }
  WGPUBufferImpl* get() const { return handle_.get(); }

 private:
  friend class GpuDevice;
  Handle<WGPUBufferImpl> handle_;
  std::string label_;
  u64 size_bytes_ = 0;
};

enum class BindingType { storage, read_only_storage, uniform };

struct BindingSlot {
  u32 binding = 0;  // @group(0) @binding(binding)
  BindingType type = BindingType::storage;
  u64 min_bytes = 0;  // 0: not checked here
};

struct ShaderConstant {
  std::string name = {};  // of a WGSL `override`
  double value = 0;
};

struct PipelineDescription {
  std::string label = {};                   // encodes the variant: "step_rv32_sv32"
  const AssembledShader* shader = nullptr;  // used during the call only
  std::string entry_point = "main";
  std::vector<BindingSlot> bindings = {};  // all of @group(0)
  std::vector<ShaderConstant> constants = {};
};

class ComputePipeline {
 public:
  ComputePipeline() = default;
  const std::string& label() const { return label_; }
  // From WGSL to a pipeline ready to run, wall time.
  double compile_seconds() const { return compile_seconds_; }
  // The pipeline cache spared the driver's compiler.
  bool from_cache() const { return from_cache_; }
  explicit operator bool() const { return pipeline_ != nullptr; }

 private:
  friend class GpuDevice;
  friend class CommandBatch;
  Handle<WGPUComputePipelineImpl> pipeline_;
  Handle<WGPUBindGroupLayoutImpl> layout_;
  std::vector<BindingSlot> bindings_;
  std::string label_;
  double compile_seconds_ = 0;
  bool from_cache_ = false;
};

struct BufferBinding {
  u32 binding = 0;
  const GpuBuffer* buffer = nullptr;
  u64 offset = 0;  // a multiple of the AdapterLimits' storage_ or uniform_offset_alignment
  u64 bytes = 0;   // 0: to the end of the buffer
};

// Keeps the buffers bound alive.
class BindGroup {
 public:
  BindGroup() = default;
  explicit operator bool() const { return handle_ != nullptr; }

 private:
  friend class GpuDevice;
  friend class CommandBatch;
  Handle<WGPUBindGroupImpl> handle_;
};

// Work recorded for one submit, in order: each step sees the effects of those before it. Mistakes
// in recording are reported by submit().
class CommandBatch {
 public:
  CommandBatch(CommandBatch&&) noexcept;
  CommandBatch& operator=(CommandBatch&&) noexcept;
  ~CommandBatch();

  void dispatch(const ComputePipeline& pipeline, const BindGroup& group, u32 workgroups_x,
                u32 workgroups_y = 1, u32 workgroups_z = 1);
  void copy(const GpuBuffer& source, u64 source_offset, const GpuBuffer& target, u64 target_offset,
            u64 bytes);
  void clear(const GpuBuffer& target, u64 offset, u64 bytes);  // with zeroes
  // Small writes that must come between other steps of this batch (at most 64 KiB; larger ones:
  // GpuDevice::write).
  void write(const GpuBuffer& target, u64 offset, std::span<const u8> bytes);

 private:
  friend class GpuDevice;
  friend class Readback;
  explicit CommandBatch(WGPUCommandEncoderImpl* encoder);
  void end_pass();
  Handle<WGPUCommandEncoderImpl> encoder_;
  Handle<WGPUComputePassEncoderImpl> pass_;  // open while dispatches follow each other
};

struct ReadbackRegion {
  const GpuBuffer* source = nullptr;
  u64 offset = 0;
  u64 bytes = 0;
};

// A staging buffer that is mapped after a submit: several regions, one wait. Keep one for each kind
// of readback; it grows when it must. The order of use is record, submit, wait; a second record()
// before wait() drops the first.
class Readback {
 public:
  Readback() = default;
  Readback(Readback&&) noexcept;
  Readback& operator=(Readback&&) noexcept;
  ~Readback();

  // Appends copies of the regions, packed one after the other, to the batch.
  Result<void> record(CommandBatch& batch, std::span<const ReadbackRegion> regions);
  Result<void> record(CommandBatch& batch, std::initializer_list<ReadbackRegion> regions) {
    return record(batch, std::span<const ReadbackRegion>(regions.begin(), regions.size()));
  }
  // Waits until the batch is done; the regions' bytes, valid until the next record() or the end of
  // this object.
  Result<std::span<const u8>> wait();

 private:
  friend class GpuDevice;
  Result<void> reserve(u64 bytes);
  void unmap();
  std::shared_ptr<DeviceState> state_;
  std::string label_;
  Handle<WGPUBufferImpl> staging_;
  u64 capacity_bytes_ = 0;
  u64 recorded_bytes_ = 0;
  bool mapped_ = false;
};

struct DeviceOptions {
  // "auto": the best usable hardware adapter; "software": SwiftShader; else a part of an adapter's
  // name, whatever the case.
  std::string selector = "auto";
  // Where compiled pipelines are kept between runs; empty: $XDG_CACHE_HOME/rookery
  // (~/.cache/rookery).
  std::string cache_folder = {};
  bool use_cache = true;
  // A device that does not finish a submit in this time is given up as lost.
  u32 wait_limit_ms = 120'000;
};

class GpuDevice {
 public:
  GpuDevice(GpuDevice&&) noexcept;
  GpuDevice& operator=(GpuDevice&&) noexcept;
  ~GpuDevice();

  const GpuAdapterInfo& adapter() const;
  const AdapterLimits& limits() const;

  Result<GpuBuffer> create_buffer(std::string_view label, u64 bytes, BufferUse use);  // zeroed
  Result<ComputePipeline> create_pipeline(const PipelineDescription& description);
  Result<BindGroup> create_bind_group(const ComputePipeline& pipeline,
                                      std::span<const BufferBinding> bindings);
  Result<BindGroup> create_bind_group(const ComputePipeline& pipeline,
                                      std::initializer_list<BufferBinding> bindings) {
    return create_bind_group(pipeline,
                             std::span<const BufferBinding>(bindings.begin(), bindings.size()));
  }
  Result<Readback> create_readback(std::string_view label, u64 bytes);

  // Queued before the next submit; the bytes are copied during the call.
  Result<void> write(const GpuBuffer& target, u64 offset, std::span<const u8> bytes);
  // Copies out and waits. For rare reads (snapshots, tests); a run loop uses a Readback.
  Result<void> read(const GpuBuffer& source, u64 offset, std::span<u8> bytes);

  CommandBatch begin();
  Result<void> submit(CommandBatch&& batch);  // does not wait
  Result<void> submit_and_wait(CommandBatch&& batch);
  Result<void> wait_idle();  // until everything submitted is done

  // What the callbacks have stored since the last call: the first error, or that the device is lost
  // (which stays).
  Result<void> check();

  // For tests: the device becomes lost, as if the driver had given it up with this message.
  void force_loss(std::string_view message);

 private:
  friend Result<GpuDevice> open_device(const DeviceOptions&);
  explicit GpuDevice(std::shared_ptr<DeviceState> state);
  std::shared_ptr<DeviceState> state_;
};

// Opens an adapter with all the limits it has. No adapter fits: ErrorKind::usage, with the names
// that exist and why those that were passed over were. "auto" on a host without a GPU fails fast
// and never picks a software adapter.
Result<GpuDevice> open_device(const DeviceOptions& options = {});

// The bytes of any trivially copyable values, for write().
template <class T>
std::span<const u8> bytes_of(std::span<const T> values) {
  return {reinterpret_cast<const u8*>(values.data()), values.size_bytes()};
}

}  // namespace rookery::gpu
