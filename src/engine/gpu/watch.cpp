// SPDX-License-Identifier: Apache-2.0
#include "engine/gpu/watch.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "engine/watch.h"

namespace rookery {
namespace {

constexpr u64 kWord = sizeof(u32);
constexpr u32 kRingWords = isa::TRACE_RING_RECORDS * isa::TRACE_RECORD_WORDS;
static_assert(isa::HOOK_RING == isa::HOOK_STOP_LIST + isa::STOP_POINTS * isa::STOP_WORDS);

void put_dword(std::span<u32> words, u32 at, u64 value) {
  words[at] = static_cast<u32>(value);
  words[at + 1] = static_cast<u32>(value >> 32);
}

// All of a slot but its ring.
std::vector<u32> slot_words(u32 vm, const Watch& watch, Xlen xlen) {
  std::vector<u32> words(isa::HOOK_RING);
  words[isa::HOOK_VM] = vm;
  words[isa::HOOK_PROFILE] = watch.profile.empty() ? 0 : 1;
  words[isa::HOOK_STOP_COUNT] = static_cast<u32>(watch.stops.size());
  const StopFilter filter = filter_of(watch.stops);
  words[isa::HOOK_STOP_FILTER] = filter.execute;
  words[isa::HOOK_STOP_DATA] = filter.data ? 1 : 0;
  if (watch.stopped) {
    words[isa::HOOK_STOP_OVER] = 1;
    put_dword(words, isa::HOOK_STOP_OVER_ICOUNT, watch.stopped->icount);
    put_dword(words, isa::HOOK_STOP_OVER_PC, watch.stopped->pc);
  }
  if (watch.trace) {
    const AddressRange addresses = addresses_of(*watch.trace, xlen);
    put_dword(words, isa::HOOK_TRACE_PC_LOW, addresses.from);
    put_dword(words, isa::HOOK_TRACE_PC_HIGH, addresses.to);
    words[isa::HOOK_TRACE_KINDS] = kinds_of(*watch.trace);
    words[isa::HOOK_TRACE_PRIVILEGES] = watch.trace->privileges;
  }
  u32 at = isa::HOOK_STOP_LIST;
  for (const StopPoint& stop : watch.stops) {
    words[at] = static_cast<u32>(stop.kind);
    words[at + 1] = stop.bytes;
    put_dword(words, at + 2, stop.va);
    at += isa::STOP_WORDS;
  }
  return words;
}

u64 dword_at(std::span<const u32> words, u32 at) { return (u64{words[at + 1]} << 32) | words[at]; }

}  // namespace

u64 ShardWatch::slot_byte(u64 slot, u32 word) const {
  return (isa::HOOK_SLOTS + slot * stride_words_ + word) * kWord;
}

Result<void> ShardWatch::configure(gpu::GpuDevice& device, Xlen xlen, Watches watches) {
  watches_ = std::move(watches);
  if (watches_.empty()) {
    buffer_ = {};
    group_ = {};
    return {};
  }
  const bool traces = std::any_of(watches_.begin(), watches_.end(), [](const auto& entry) {
    return entry.second->trace.has_value();
  });
  const bool profiles = std::any_of(watches_.begin(), watches_.end(), [](const auto& entry) {
    return !entry.second->profile.empty();
  });
  profile_at_ = isa::HOOK_RING + (traces ? kRingWords : 0);
  stride_words_ = profile_at_ + (profiles ? isa::PROFILE_WORDS : 0);
  const u64 bytes = slot_byte(watches_.size(), 0);
  const u64 limit =
      std::min(device.limits().max_storage_binding_bytes, device.limits().max_buffer_bytes);
  if (bytes > limit) {
    return fail(ErrorKind::out_of_memory,
                "Watching {} machines needs {} MiB, the adapter binds at most {} MiB at once.",
                watches_.size(), bytes >> 20, limit >> 20);
  }
  if (buffer_.size_bytes() != bytes) {
    Result<gpu::GpuBuffer> buffer = device.create_buffer("hooks", bytes, gpu::BufferUse::storage);
    if (!buffer) {
      return std::unexpected(
          std::move(buffer.error()).during("making room for the machines that are watched"));
    }
    buffer_ = std::move(*buffer);
  }
  if (!report_) {
    Result<gpu::Readback> report = device.create_readback("watch report", 64);
    if (!report) return std::unexpected(std::move(report.error()));
    report_ = std::move(*report);
  }
  u32 header[isa::HOOK_SLOTS] = {};
  header[isa::HOOK_COUNT] = static_cast<u32>(watches_.size());
  header[isa::HOOK_STRIDE] = stride_words_;
  header[isa::HOOK_PROFILE_AT] = profile_at_;
  Result<void> ok = device.write(buffer_, 0, gpu::bytes_of(std::span<const u32>(header)));
  u64 slot = 0;
  for (const auto& [vm, watch] : watches_) {
    if (!ok) return ok;
    const std::vector<u32> words = slot_words(vm, *watch, xlen);
    ok = device.write(buffer_, slot_byte(slot, 0), gpu::bytes_of(std::span<const u32>(words)));
    if (ok && !watch->profile.empty()) {
      ok = device.write(buffer_, slot_byte(slot, profile_at_),
                        gpu::bytes_of(std::span<const u32>(watch->profile)));
      watch->profile_is_new = false;
    }
    ++slot;
  }
  return ok;
}

Result<void> ShardWatch::save_profiles(gpu::GpuDevice& device) {
  u64 slot = 0;
  for (const auto& [vm, watch] : watches_) {
    if (!watch->profile.empty() && !watch->profile_is_new) {
      const std::span<u8> out{reinterpret_cast<u8*>(watch->profile.data()),
                              watch->profile.size() * sizeof(u32)};
      if (Result<void> ok = device.read(buffer_, slot_byte(slot, profile_at_), out); !ok) return ok;
    }
    ++slot;
  }
  return {};
}

Result<void> ShardWatch::dispatch(gpu::GpuDevice& device, gpu::CommandBatch& batch,
                                  const gpu::ComputePipeline& pipeline,
                                  std::vector<gpu::BufferBinding> bindings) {
  bindings.push_back({8, &buffer_});
  Result<gpu::BindGroup> group = device.create_bind_group(pipeline, bindings);
  if (!group) return std::unexpected(std::move(group.error()));
  group_ = std::move(*group);
  const u32 slots = static_cast<u32>(watches_.size());
  batch.dispatch(pipeline, group_, (slots + isa::WORKGROUP - 1) / isa::WORKGROUP);
  return {};
}

Result<void> ShardWatch::report(gpu::CommandBatch& batch) {
  std::vector<gpu::ReadbackRegion> regions;
  for (u64 slot = 0; slot < watches_.size(); ++slot) {
    regions.push_back({&buffer_, slot_byte(slot, 0), isa::HOOK_STOP_LIST * kWord});
  }
  return report_->record(batch, regions);
}

Result<void> ShardWatch::finish(gpu::GpuDevice& device,
                                std::span<std::vector<TraceRecord>> traces) {
  Result<std::span<const u8>> bytes = report_->wait();
  if (!bytes) return std::unexpected(std::move(bytes.error()));
  u64 slot = 0;
  for (const auto& [vm, watch] : watches_) {
    std::array<u32, isa::HOOK_STOP_LIST> words;
    std::memcpy(words.data(), bytes->data() + slot * sizeof words, sizeof words);
    watch->stopped.reset();
    if (words[isa::HOOK_STOP_OVER] != 0) {
      watch->stopped = {dword_at(words, isa::HOOK_STOP_OVER_ICOUNT),
                        dword_at(words, isa::HOOK_STOP_OVER_PC)};
    }
    const u32 count = std::min(words[isa::HOOK_TRACE_COUNT], isa::TRACE_RING_RECORDS);
    if (count != 0 && watch->trace) {
      std::vector<TraceRecord>& trace = traces[vm];
      const size_t before = trace.size();
      trace.resize(before + count);
      const std::span<TraceRecord> fresh = std::span(trace).subspan(before);
      const std::span<u8> out{reinterpret_cast<u8*>(fresh.data()), fresh.size_bytes()};
      if (Result<void> ok = device.read(buffer_, slot_byte(slot, isa::HOOK_RING), out); !ok)
        return ok;
    }
    ++slot;
  }
  return {};
}

}  // namespace rookery
