// SPDX-License-Identifier: Apache-2.0
#include "engine/gpu/word_access.h"

#include <algorithm>
#include <cstring>

#include "engine/gpu/rows.h"

namespace rookery {
namespace {

using gpu::BindingType;
using gpu::BufferUse;
using gpu::bytes_of;

constexpr u64 kAtOnce = u64{1} << 20;  // words

Result<gpu::ComputePipeline> make_pipeline(gpu::GpuDevice& device, const char* name,
                                           std::vector<gpu::BindingSlot> bindings) {
  Result<gpu::AssembledShader> shader = gpu::assemble(fmt::format("fleet/{}.wgsl", name), {});
  if (!shader) return std::unexpected(std::move(shader.error()));
  gpu::PipelineDescription description;
  description.label = name;
  description.shader = &*shader;
  description.bindings = std::move(bindings);
  description.constants = {{"lanes", kLanes}};
  return device.create_pipeline(description);
}

// The same changes with one for each word.
std::vector<BufferChange> merged(std::span<const BufferChange> changes) {
  std::vector<BufferChange> sorted(changes.begin(), changes.end());
  std::ranges::stable_sort(sorted, {}, &BufferChange::word);
  u64 kept = 0;
  for (u64 i = 0; i < sorted.size(); ++i) {
    if (kept != 0 && sorted[kept - 1].word == sorted[i].word) {
      BufferChange& first = sorted[kept - 1];
      first.flip = (first.flip & sorted[i].keep) ^ sorted[i].flip;
      first.keep &= sorted[i].keep;
    } else {
      sorted[kept++] = sorted[i];
    }
  }
  sorted.resize(kept);
  return sorted;
}

}  // namespace

Result<void> reserve(gpu::GpuDevice& device, gpu::GpuBuffer& buffer, std::string_view label,
                     u64 bytes) {
  if (buffer.size_bytes() >= bytes) return {};
  Result<gpu::GpuBuffer> made = device.create_buffer(
      label, std::max<u64>(bytes, 2 * buffer.size_bytes()), BufferUse::storage);
  if (!made) return std::unexpected(std::move(made.error()));
  buffer = std::move(*made);
  return {};
}

Result<WordAccess> WordAccess::create(gpu::GpuDevice& device) {
  WordAccess access;
  Result<gpu::ComputePipeline> scatter = make_pipeline(
      device, "scatter",
      {{0, BindingType::storage}, {1, BindingType::read_only_storage}, {2, BindingType::uniform}});
  if (!scatter) return std::unexpected(std::move(scatter.error()));
  Result<gpu::ComputePipeline> gather = make_pipeline(device, "gather",
                                                      {{0, BindingType::read_only_storage},
                                                       {1, BindingType::read_only_storage},
                                                       {2, BindingType::storage},
                                                       {3, BindingType::uniform}});
  if (!gather) return std::unexpected(std::move(gather.error()));
  Result<gpu::GpuBuffer> count = device.create_buffer("count", 16, BufferUse::uniform);
  if (!count) return std::unexpected(std::move(count.error()));
  Result<gpu::Readback> readback = device.create_readback("gathered words", 64);
  if (!readback) return std::unexpected(std::move(readback.error()));
  access.scatter_ = std::move(*scatter);
  access.gather_ = std::move(*gather);
  access.count_ = std::move(*count);
  access.readback_ = std::move(*readback);
  return access;
}

Result<void> WordAccess::scatter(gpu::GpuDevice& device, const gpu::GpuBuffer& target,
                                 std::span<const BufferChange> changes) {
  const std::vector<BufferChange> once = merged(changes);
  for (std::span<const BufferChange> left(once); !left.empty();) {
    const auto some = left.first(std::min<u64>(left.size(), kAtOnce));
    if (Result<void> ok = scatter_some(device, target, some); !ok) return ok;
    left = left.subspan(some.size());
  }
  return {};
}

Result<void> WordAccess::scatter_some(gpu::GpuDevice& device, const gpu::GpuBuffer& target,
                                      std::span<const BufferChange> changes) {
  const std::span<const u8> bytes = bytes_of(changes);
  if (Result<void> ok = reserve(device, changes_, "changes", bytes.size()); !ok) return ok;
  const u32 count = static_cast<u32>(changes.size());
  Result<void> ok = device.write(count_, 0, bytes_of(std::span<const u32>(&count, 1)));
  if (ok) ok = device.write(changes_, 0, bytes);
  if (!ok) return ok;
  Result<gpu::BindGroup> group =
      device.create_bind_group(scatter_, {{0, &target}, {1, &changes_}, {2, &count_}});
  if (!group) return std::unexpected(std::move(group.error()));
  gpu::CommandBatch batch = device.begin();
  const Rows rows = rows_for(changes.size());
  batch.dispatch(scatter_, *group, rows.columns, rows.rows);
  return device.submit(std::move(batch));
}

Result<std::vector<u32>> WordAccess::gather(gpu::GpuDevice& device, const gpu::GpuBuffer& source,
                                            std::span<const u32> words) {
  std::vector<u32> found(words.size());
  for (u64 first = 0; first < words.size(); first += kAtOnce) {
    const u64 count = std::min<u64>(kAtOnce, words.size() - first);
    const std::span<u32> part = std::span(found).subspan(first, count);
    if (Result<void> ok = gather_some(device, source, words.subspan(first, count), part); !ok)
      return std::unexpected(std::move(ok.error()));
  }
  return found;
}

Result<void> WordAccess::gather_some(gpu::GpuDevice& device, const gpu::GpuBuffer& source,
                                     std::span<const u32> words, std::span<u32> found) {
  Result<void> ok = reserve(device, wanted_, "wanted words", words.size_bytes());
  if (ok) ok = reserve(device, found_, "found words", words.size_bytes());
  const u32 count = static_cast<u32>(words.size());
  if (ok) ok = device.write(count_, 0, bytes_of(std::span<const u32>(&count, 1)));
  if (ok) ok = device.write(wanted_, 0, bytes_of(words));
  if (!ok) return ok;
  Result<gpu::BindGroup> group =
      device.create_bind_group(gather_, {{0, &source}, {1, &wanted_}, {2, &found_}, {3, &count_}});
  if (!group) return std::unexpected(std::move(group.error()));
  gpu::CommandBatch batch = device.begin();
  const Rows rows = rows_for(words.size());
  batch.dispatch(gather_, *group, rows.columns, rows.rows);
  ok = readback_.record(batch, {{&found_, 0, words.size_bytes()}});
  if (ok) ok = device.submit(std::move(batch));
  if (!ok) return ok;
  Result<std::span<const u8>> bytes = readback_.wait();
  if (!bytes) return std::unexpected(std::move(bytes.error()));
  std::memcpy(found.data(), bytes->data(), found.size_bytes());
  return {};
}

}  // namespace rookery
