// SPDX-License-Identifier: Apache-2.0
#include "engine/gpu/machine_lists.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "engine/gpu/pools_module.h"
#include "engine/gpu/rows.h"
#include "engine/gpu/shader.h"

namespace rookery {
namespace {

using gpu::BindingType;
using gpu::BufferUse;
using gpu::bytes_of;

constexpr u32 kDirtyRun = 64;  // DIRTY_RUN of shaders/fleet/dirty.wgsl

// ResetParams, DirtyParams and PrivateParams of the shaders, which have the same words.
struct ListParams {
  u32 items;  // machines, or pages to make private
  u32 vm_count;
  u32 ram_pages;
  u32 state_words;
  u32 base_map;
  u32 block_shift;
  std::array<u32, 2> unused;
  std::array<u32, isa::MAX_POOLS> pool_blocks;
};
static_assert(sizeof(ListParams) == 48);

Result<gpu::ComputePipeline> make_pipeline(gpu::GpuDevice& device, const char* name, u32 pools,
                                           std::vector<gpu::BindingSlot> bindings) {
  const gpu::ShaderSource source = shader_source(Xlen::rv32, pools);  // for its constants
  Result<gpu::AssembledShader> shader = gpu::assemble(fmt::format("fleet/{}.wgsl", name), source);
  if (!shader) return std::unexpected(std::move(shader.error()));
  gpu::PipelineDescription description;
  description.label = name;
  description.shader = &*shader;
  description.bindings = std::move(bindings);
  description.constants = {{"lanes", kLanes}};
  return device.create_pipeline(description);
}

ListParams params_of(const Shard& shard, u64 items, u32 base_map = 0) {
  const Shard::Shape& shape = shard.shape();
  return {.items = static_cast<u32>(items),
          .vm_count = shape.vm_count,
          .ram_pages = shape.ram_pages,
          .state_words = shape.state_words,
          .base_map = base_map,
          .block_shift = shape.block_shift,
          .unused = {},
          .pool_blocks = shard.pool_blocks()};
}

}  // namespace

Result<MachineLists> MachineLists::create(gpu::GpuDevice& device, std::span<const u32> loaded,
                                          u32 max_vms, u32 pools) {
  MachineLists lists;
  std::vector<gpu::BindingSlot> slots = {{0, BindingType::uniform, sizeof(ListParams)},
                                         {1, BindingType::read_only_storage},
                                         {2, BindingType::read_only_storage},
                                         {4, BindingType::storage},
                                         {5, BindingType::storage},
                                         {6, BindingType::storage},
                                         {7, BindingType::storage}};
  add_pool_slots(slots, pools, PoolAccess::read_write);
  Result<gpu::ComputePipeline> reset = make_pipeline(device, "reset", pools, std::move(slots));
  if (!reset) return std::unexpected(std::move(reset.error()));
  slots = {{0, BindingType::uniform, sizeof(ListParams)},
           {1, BindingType::read_only_storage},
           {2, BindingType::storage},
           {4, BindingType::storage},
           {6, BindingType::storage},
           {7, BindingType::storage}};
  add_pool_slots(slots, pools, PoolAccess::read_write);
  auto make_private = make_pipeline(device, "private", pools, std::move(slots));
  if (!make_private) return std::unexpected(std::move(make_private.error()));
  Result<gpu::ComputePipeline> dirty = make_pipeline(device, "dirty", 1,
                                                     {{0, BindingType::uniform},
                                                      {1, BindingType::read_only_storage},
                                                      {2, BindingType::read_only_storage},
                                                      {3, BindingType::storage}});
  if (!dirty) return std::unexpected(std::move(dirty.error()));
  lists.reset_ = std::move(*reset);
  lists.dirty_ = std::move(*dirty);
  lists.private_ = std::move(*make_private);
  const auto make = [&](gpu::GpuBuffer& out, std::string_view label, u64 bytes,
                        BufferUse use) -> Result<void> {
    Result<gpu::GpuBuffer> made = device.create_buffer(label, bytes, use);
    if (!made) return std::unexpected(std::move(made.error()));
    out = std::move(*made);
    return {};
  };
  Result<void> ok = make(lists.params_, "list params", sizeof(ListParams), BufferUse::uniform);
  if (ok) ok = make(lists.vms_, "listed machines", u64{max_vms} * 4, BufferUse::storage);
  if (ok) ok = make(lists.loaded_, "loaded state", loaded.size_bytes(), BufferUse::storage);
  if (ok) ok = make(lists.counts_, "page counts", u64{max_vms} * 4, BufferUse::storage);
  if (ok) ok = device.write(lists.loaded_, 0, bytes_of(loaded));
  if (!ok) return std::unexpected(std::move(ok.error()));
  Result<gpu::Readback> readback = device.create_readback("page counts", 64);
  if (!readback) return std::unexpected(std::move(readback.error()));
  lists.readback_ = std::move(*readback);
  return lists;
}

Result<void> MachineLists::reset(gpu::GpuDevice& device, const Shard& shard,
                                 std::span<const u32> vms) {
  const u64 at_once = std::max<u64>(1, kMaxItems / (u64{shard.shape().ram_pages} + 1));
  while (!vms.empty()) {
    const std::span<const u32> some = vms.first(std::min<u64>(vms.size(), at_once));
    if (Result<void> ok = reset_some(device, shard, some); !ok) return ok;
    vms = vms.subspan(some.size());
  }
  return {};
}

Result<void> MachineLists::reset_some(gpu::GpuDevice& device, const Shard& shard,
                                      std::span<const u32> vms) {
  const ListParams params = params_of(shard, vms.size());
  Result<void> ok = device.write(params_, 0, bytes_of(std::span(&params, 1)));
  if (ok) ok = device.write(vms_, 0, bytes_of(vms));
  if (!ok) return ok;
  std::vector<gpu::BufferBinding> bindings = {
      {0, &params_},          {1, &vms_},          {2, &loaded_},
      {4, &shard.page_map()}, {5, &shard.state()}, {6, &shard.host_io()},
      {7, &shard.control()},
  };
  shard.add_pools(bindings);
  Result<gpu::BindGroup> group = device.create_bind_group(reset_, bindings);
  if (!group) return std::unexpected(std::move(group.error()));
  gpu::CommandBatch batch = device.begin();
  const Rows rows = rows_for((u64{params.ram_pages} + 1) * vms.size());
  batch.dispatch(reset_, *group, rows.columns, rows.rows);
  return device.submit(std::move(batch));
}

Result<std::vector<u32>> MachineLists::dirty_page_counts(gpu::GpuDevice& device, const Shard& shard,
                                                         std::span<const u32> vms) {
  const ListParams params = params_of(shard, vms.size());
  Result<void> ok = device.write(params_, 0, bytes_of(std::span(&params, 1)));
  if (ok) ok = device.write(vms_, 0, bytes_of(vms));
  if (!ok) return std::unexpected(std::move(ok.error()));
  Result<gpu::BindGroup> group = device.create_bind_group(
      dirty_, {{0, &params_}, {1, &shard.page_map()}, {2, &vms_}, {3, &counts_}});
  if (!group) return std::unexpected(std::move(group.error()));
  gpu::CommandBatch batch = device.begin();
  batch.clear(counts_, 0, vms.size_bytes());
  const Rows rows = rows_for((u64{params.ram_pages} + kDirtyRun - 1) / kDirtyRun * vms.size());
  batch.dispatch(dirty_, *group, rows.columns, rows.rows);
  ok = readback_.record(batch, {{&counts_, 0, vms.size_bytes()}});
  if (ok) ok = device.submit(std::move(batch));
  if (!ok) return std::unexpected(std::move(ok.error()));
  Result<std::span<const u8>> bytes = readback_.wait();
  if (!bytes) return std::unexpected(std::move(bytes.error()));
  std::vector<u32> counts(vms.size());
  std::memcpy(counts.data(), bytes->data(), vms.size_bytes());
  return counts;
}

Result<std::vector<u32>> MachineLists::make_private(gpu::GpuDevice& device, const Shard& shard,
                                                    const SharedBuffers& shared,
                                                    std::span<const std::pair<u32, u32>> places) {
  const ListParams params = params_of(shard, places.size(), shared.base_map);
  std::vector<u32> wanted;
  wanted.reserve(2 * places.size());
  for (const auto& [vm, page] : places) wanted.insert(wanted.end(), {vm, page});
  const u64 bytes = wanted.size() * sizeof(u32);
  Result<void> ok = reserve(device, places_, "places", bytes);
  if (ok) ok = device.write(params_, 0, bytes_of(std::span(&params, 1)));
  if (!ok) return std::unexpected(std::move(ok.error()));
  std::vector<gpu::BufferBinding> bindings = {
      {0, &params_},          {1, &shared.base},     {2, &places_},
      {4, &shard.page_map()}, {6, &shard.host_io()}, {7, &shard.control()},
  };
  shard.add_pools(bindings);
  auto group = device.create_bind_group(private_, bindings);
  if (!group) return std::unexpected(std::move(group.error()));
  const Rows rows = rows_for(places.size());
  std::vector<u32> blocks(places.size());
  bool again = true;
  while (again) {
    ok = device.write(places_, 0, bytes_of(std::span<const u32>(wanted)));
    if (!ok) return std::unexpected(std::move(ok.error()));
    gpu::CommandBatch batch = device.begin();
    batch.dispatch(private_, *group, rows.columns, rows.rows);
    ok = readback_.record(batch, {{&places_, 0, bytes}});
    if (ok) ok = device.submit(std::move(batch));
    if (!ok) return std::unexpected(std::move(ok.error()));
    Result<std::span<const u8>> found = readback_.wait();
    if (!found) return std::unexpected(std::move(found.error()));
    for (u64 i = 0; i < blocks.size(); ++i)
      std::memcpy(&blocks[i], found->data() + (2 * i + 1) * sizeof(u32), sizeof(u32));
    // With a pool that is full, those who wait for a neighbour's block would wait for ever.
    const auto has = [&](u32 block) { return std::ranges::find(blocks, block) != blocks.end(); };
    again = has(isa::PAGE_COMING) && !has(0);
  }
  return blocks;
}

}  // namespace rookery
