// SPDX-License-Identifier: Apache-2.0
#include "gpu/dawn/device.h"

#include <dlfcn.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/file.h"
#include "gpu/dawn/adapter_search.h"
#include "gpu/dawn/dawn_text.h"
#include "gpu/dawn/device_state.h"
#include "gpu/dawn/padded_limits.h"

namespace rookery::gpu {

namespace {

// Of one piece of a large write or read, which Dawn doubles in staging memory.
constexpr u64 kTransferBytes = 64ull << 20;

WGPUBufferUsage usage_of(BufferUse use) {
  const WGPUBufferUsage copied = WGPUBufferUsage_CopySrc | WGPUBufferUsage_CopyDst;
  switch (use) {
    case BufferUse::storage:
      return copied | WGPUBufferUsage_Storage;
    case BufferUse::uniform:
      return copied | WGPUBufferUsage_Uniform;
    case BufferUse::copy:
      return copied;
  }
  return copied;
}

// Dawn changed how it is told of a cache: older libraries, the pinned one among them, take two
// plain functions and one pointer for both, newer ones (which webgpu.h describes) two callback
// infos. The constructor that the library exports tells which; a library that exports neither gets
// no cache. May go once header and library come from one package.
struct CacheFunctionsDescriptor {
  WGPUChainedStruct chain{};
  WGPUStringView isolation_key{};
  WGPUDawnLoadCacheDataFunction load = nullptr;
  WGPUDawnStoreCacheDataFunction store = nullptr;
  void* userdata = nullptr;
};
constexpr const char* kCacheFunctionsSymbol =
    "_ZN4dawn6native9BlobCacheC1ERKNS0_25DawnCacheDeviceDescriptorE";

bool library_takes_cache_functions() {
  return dlsym(RTLD_DEFAULT, kCacheFunctionsSymbol) != nullptr;
}

std::size_t load_from_cache(const void* key, std::size_t key_bytes, void* blob,
                            std::size_t blob_bytes, void* cache) {
  return static_cast<PipelineCache*>(cache)->load({static_cast<const u8*>(key), key_bytes},
                                                  {static_cast<u8*>(blob), blob_bytes});
}

void store_in_cache(const void* key, std::size_t key_bytes, const void* blob,
                    std::size_t blob_bytes, void* cache) {
  static_cast<PipelineCache*>(cache)->store({static_cast<const u8*>(key), key_bytes},
                                            {static_cast<const u8*>(blob), blob_bytes});
}

// The device-lost callback comes exactly once and owns this; the other callbacks borrow it.
struct CallbackTarget {
  std::shared_ptr<DeviceReports> reports;
  std::shared_ptr<PipelineCache> cache;
  std::string adapter_name;
};

void on_device_lost(const WGPUDevice*, WGPUDeviceLostReason reason, WGPUStringView message,
                    void* userdata, void*) {
  const std::unique_ptr<CallbackTarget> target(static_cast<CallbackTarget*>(userdata));
  if (reason == WGPUDeviceLostReason_Destroyed) return;  // by us
  const std::lock_guard lock(target->reports->mutex);
  if (target->reports->lost) return;
  const std::string words = words_of_dawn(text_of(message));
  target->reports->lost =
      Error{ErrorKind::device_lost,
            fmt::format("The GPU \"{}\" was lost: {}", target->adapter_name,
                        words.empty() ? std::string("its driver gives no reason.") : words),
            {}};
}

void on_error(const WGPUDevice*, WGPUErrorType type, WGPUStringView message, void* userdata,
              void*) {
  DeviceReports& reports = *static_cast<DeviceReports*>(userdata);
  const std::lock_guard lock(reports.mutex);
  if (!reports.first_error) reports.first_error = error_of(type, text_of(message));
}

struct DeviceAnswer {
  WGPUDevice device = nullptr;
  std::string message;
};

void on_device(WGPURequestDeviceStatus, WGPUDevice device, WGPUStringView message, void* userdata,
               void*) {
  auto& answer = *static_cast<DeviceAnswer*>(userdata);
  answer.device = device;
  answer.message = text_of(message);
}

}  // namespace

Result<GpuDevice> open_device(const DeviceOptions& options) {
  auto found = select_adapter(options.selector);
  if (!found) return std::unexpected(std::move(found.error()));

  auto state = std::make_shared<DeviceState>();
  state->instance = found->instance;
  state->info = found->info;
  state->wait_limit_ms = options.wait_limit_ms;
  if (options.use_cache && library_takes_cache_functions()) {
    state->cache = std::make_shared<PipelineCache>(
        options.cache_folder.empty() ? PipelineCache::default_folder() : options.cache_folder);
    if (!state->cache->enabled()) state->cache.reset();
  }

  CacheFunctionsDescriptor cache;
  cache.chain.sType = WGPUSType_DawnCacheDeviceDescriptor;
  cache.isolation_key = dawn_text("rookery");
  cache.load = load_from_cache;
  cache.store = store_in_cache;
  cache.userdata = state->cache.get();

  PaddedLimits padded;
  wgpuAdapterGetLimits(found->adapter.get(), &padded.limits);

  auto target = std::make_unique<CallbackTarget>(state->reports, state->cache, state->info.name);
  WGPUDeviceDescriptor description{};
  // The older memory model has Dawn declare all writable buffers coherent, so that each load from
  // one goes past the first cache. Machines share nothing but atomics, and do not need that.
  const char* const enabled_toggles[] = {"use_vulkan_memory_model"};
  WGPUDawnTogglesDescriptor toggles{};
  toggles.chain.sType = WGPUSType_DawnTogglesDescriptor;
  toggles.enabledToggles = enabled_toggles;
  toggles.enabledToggleCount = std::size(enabled_toggles);
  if (state->cache) toggles.chain.next = &cache.chain;
  description.nextInChain = &toggles.chain;
  description.label = dawn_text("rookery");
  description.requiredLimits = &padded.limits;
  description.deviceLostCallbackInfo.mode = WGPUCallbackMode_AllowSpontaneous;
  description.deviceLostCallbackInfo.callback = on_device_lost;
  description.deviceLostCallbackInfo.userdata1 = target.release();
  description.uncapturedErrorCallbackInfo.callback = on_error;
  description.uncapturedErrorCallbackInfo.userdata1 = state->reports.get();

  auto answer = std::make_unique<DeviceAnswer>();
  WGPURequestDeviceCallbackInfo callback{};
  callback.mode = WGPUCallbackMode_WaitAnyOnly;
  callback.callback = on_device;
  callback.userdata1 = answer.get();
  if (auto waited =
          state->wait(wgpuAdapterRequestDevice(found->adapter.get(), &description, callback));
      !waited) {
    (void)answer.release();  // the callback may still write to it
    return std::unexpected(std::move(waited.error()));
  }
  if (answer->device == nullptr) {
    return fail(ErrorKind::device_lost, "The GPU \"{}\" could not be opened: {}", state->info.name,
                answer->message);
  }
  state->device.reset(answer->device);
  state->queue.reset(wgpuDeviceGetQueue(answer->device));
  return GpuDevice(std::move(state));
}

GpuDevice::GpuDevice(std::shared_ptr<DeviceState> state) : state_(std::move(state)) {}
GpuDevice::GpuDevice(GpuDevice&&) noexcept = default;
GpuDevice& GpuDevice::operator=(GpuDevice&&) noexcept = default;
GpuDevice::~GpuDevice() = default;

const GpuAdapterInfo& GpuDevice::adapter() const { return state_->info; }
const AdapterLimits& GpuDevice::limits() const { return state_->info.limits; }
Result<void> GpuDevice::check() { return state_->check(); }

void GpuDevice::force_loss(std::string_view message) {
  wgpuDeviceForceLoss(state_->device.get(), WGPUDeviceLostReason_Unknown, dawn_text(message));
}

Result<GpuBuffer> GpuDevice::create_buffer(std::string_view label, u64 bytes, BufferUse use) {
  if (auto checked = check(); !checked) return std::unexpected(std::move(checked.error()));
  bytes = std::max(kCopyAlignment, (bytes + kCopyAlignment - 1) / kCopyAlignment * kCopyAlignment);
  if (bytes > limits().max_buffer_bytes) {
    return fail(ErrorKind::out_of_memory,
                "GPU buffer \"{}\" ({}) is larger than the adapter \"{}\" allows ({}).", label,
                size_text(bytes), adapter().name, size_text(limits().max_buffer_bytes));
  }
  WGPUBufferDescriptor description{};
  description.label = dawn_text(label);
  description.usage = usage_of(use);
  description.size = bytes;
  GpuBuffer buffer;
  state_->push_error_scopes();
  buffer.handle_.reset(wgpuDeviceCreateBuffer(state_->device.get(), &description));
  if (auto created = state_->pop_error_scopes(); !created) {
    Error error = std::move(created.error());
    if (error.kind == ErrorKind::out_of_memory) {
      error.message = fmt::format(
          "GPU buffer \"{}\" ({}) does not fit into the memory of \"{}\" (one buffer may have {}).",
          label, size_text(bytes), adapter().name, size_text(limits().max_buffer_bytes));
    }
    return std::unexpected(
        std::move(error).during(fmt::format("creating GPU buffer \"{}\"", label)));
  }
  if (!buffer.handle_) {
    return fail(ErrorKind::out_of_memory, "GPU buffer \"{}\" ({}) could not be created.", label,
                size_text(bytes));
  }
  buffer.label_ = label;
  buffer.size_bytes_ = bytes;
  return buffer;
}

Result<void> GpuDevice::write(const GpuBuffer& target, u64 offset, std::span<const u8> bytes) {
  if (auto checked = check_range(target, offset, bytes.size()); !checked) return checked;
  while (!bytes.empty()) {
    const std::span<const u8> piece = bytes.first(std::min<u64>(bytes.size(), kTransferBytes));
    wgpuQueueWriteBuffer(state_->queue.get(), target.get(), offset, piece.data(), piece.size());
    offset += piece.size();
    bytes = bytes.subspan(piece.size());
    if (!bytes.empty()) {
      if (auto done = wait_idle(); !done) return done;  // frees the staging memory of this piece
    }
  }
  return check();
}

Result<void> GpuDevice::read(const GpuBuffer& source, u64 offset, std::span<u8> bytes) {
  if (auto checked = check_range(source, offset, bytes.size()); !checked) return checked;
  auto readback = create_readback("read", std::min<u64>(bytes.size(), kTransferBytes));
  if (!readback) return std::unexpected(std::move(readback.error()));
  while (!bytes.empty()) {
    const u64 piece = std::min<u64>(bytes.size(), kTransferBytes);
    CommandBatch batch = begin();
    if (auto recorded = readback->record(batch, {{&source, offset, piece}}); !recorded)
      return recorded;
    if (auto submitted = submit(std::move(batch)); !submitted) return submitted;
    auto mapped = readback->wait();
    if (!mapped) return std::unexpected(std::move(mapped.error()));
    std::ranges::copy(*mapped, bytes.begin());
    offset += piece;
    bytes = bytes.subspan(piece);
  }
  return {};
}

}  // namespace rookery::gpu
