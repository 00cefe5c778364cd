// SPDX-License-Identifier: Apache-2.0
#include "engine/gpu/state_hasher.h"

#include <algorithm>
#include <cstring>

#include "engine/gpu/pools_module.h"
#include "engine/gpu/rows.h"
#include "engine/gpu/shader.h"

namespace rookery {
namespace {

using gpu::BindingType;
using gpu::BufferUse;
using gpu::bytes_of;

// HashParams of shaders/hash/state_hash.wgsl.
struct HashParams {
  u32 machines;
  u32 vm_count;
  u32 ram_pages;
  u32 state_words;
  std::array<u32, 2> seeds;
  u32 state_number;
  u32 block_shift;
  std::array<u32, 4> host_words;
};
static_assert(sizeof(HashParams) == 48);

}  // namespace

Result<StateHasher> StateHasher::create(gpu::GpuDevice& device, isa::Xlen xlen,
                                        const BaseImage& base, u32 max_vms, u32 pools) {
  StateHasher hasher;
  hasher.xlen_ = xlen;
  gpu::ShaderSource source = shader_source(xlen, pools);
  source.modules["memory/pools.wgsl"] = pools_module(pools, PoolAccess::read);
  Result<gpu::AssembledShader> shader = gpu::assemble("hash/state_hash.wgsl", source);
  if (!shader) return std::unexpected(std::move(shader.error()));
  gpu::PipelineDescription description;
  description.label = "state_hash";
  description.shader = &*shader;
  description.bindings = {{0, BindingType::uniform, sizeof(HashParams)},
                          {1, BindingType::read_only_storage},
                          {4, BindingType::read_only_storage},
                          {5, BindingType::read_only_storage},
                          {6, BindingType::storage},
                          {7, BindingType::read_only_storage}};
  add_pool_slots(description.bindings, pools, PoolAccess::read);
  description.constants = {{"lanes", kLanes}};
  Result<gpu::ComputePipeline> pipeline = device.create_pipeline(description);
  if (!pipeline) return std::unexpected(std::move(pipeline.error()));
  hasher.pipeline_ = std::move(*pipeline);

  std::vector<StateHash> terms(base.map().size());
  for (u32 number = 0; number < terms.size(); ++number) {
    if (base.map()[number] == 0) continue;
    terms[number] = hash_page(number, base.page(number));
    hasher.base_ += terms[number];
  }

  const auto make = [&](gpu::GpuBuffer& out, std::string_view label, u64 bytes,
                        BufferUse use) -> Result<void> {
    Result<gpu::GpuBuffer> made = device.create_buffer(label, bytes, use);
    if (!made) return std::unexpected(std::move(made.error()).during("making room for hashes"));
    out = std::move(*made);
    return {};
  };
  const std::span<const u8> term_bytes = bytes_of(std::span<const StateHash>(terms));
  Result<void> ok = make(hasher.params_, "hash params", sizeof(HashParams), BufferUse::uniform);
  if (ok) ok = make(hasher.vms_, "hashed machines", u64{max_vms} * 4, BufferUse::storage);
  if (ok) ok = make(hasher.base_terms_, "base terms", term_bytes.size(), BufferUse::storage);
  if (ok) ok = make(hasher.sums_, "hashes", max_vms * sizeof(StateHash), BufferUse::storage);
  if (ok) ok = device.write(hasher.base_terms_, 0, term_bytes);
  if (!ok) return std::unexpected(std::move(ok.error()));
  Result<gpu::Readback> readback = device.create_readback("hashes", sizeof(StateHash));
  if (!readback) return std::unexpected(std::move(readback.error()));
  hasher.readback_ = std::move(*readback);
  return hasher;
}

Result<std::vector<u64>> StateHasher::hash(gpu::GpuDevice& device, const Shard& shard,
                                           std::span<const u32> vms) {
  std::vector<u64> hashes;
  hashes.reserve(vms.size());
  const u64 at_once = std::max<u64>(1, kMaxItems / (u64{shard.shape().ram_pages} + 1));
  while (!vms.empty()) {
    const std::span<const u32> some = vms.first(std::min<u64>(vms.size(), at_once));
    if (Result<void> ok = hash_some(device, shard, some, hashes); !ok)
      return std::unexpected(std::move(ok.error()).during("hashing machines"));
    vms = vms.subspan(some.size());
  }
  return hashes;
}

Result<void> StateHasher::hash_some(gpu::GpuDevice& device, const Shard& shard,
                                    std::span<const u32> vms, std::vector<u64>& hashes) {
  const Shard::Shape& shape = shard.shape();
  const HashParams params = {.machines = static_cast<u32>(vms.size()),
                             .vm_count = shape.vm_count,
                             .ram_pages = shape.ram_pages,
                             .state_words = shape.state_words,
                             .seeds = kHashSeeds,
                             .state_number = kStateNumber,
                             .block_shift = shape.block_shift,
                             .host_words = host_words(xlen_)};
  if (Result<void> ok = device.write(params_, 0, bytes_of(std::span(&params, 1))); !ok) return ok;
  if (Result<void> ok = device.write(vms_, 0, bytes_of(vms)); !ok) return ok;
  std::vector<gpu::BufferBinding> bindings = {
      {0, &params_}, {1, &shard.page_map()}, {4, &vms_}, {5, &base_terms_},
      {6, &sums_},   {7, &shard.state()},
  };
  shard.add_pools(bindings);
  Result<gpu::BindGroup> group = device.create_bind_group(pipeline_, bindings);
  if (!group) return std::unexpected(std::move(group.error()));

  const Rows rows = rows_for((u64{shape.ram_pages} + 1) * vms.size());
  const u64 sum_bytes = vms.size() * sizeof(StateHash);
  gpu::CommandBatch batch = device.begin();
  batch.clear(sums_, 0, sum_bytes);
  batch.dispatch(pipeline_, *group, rows.columns, rows.rows);
  if (Result<void> ok = readback_.record(batch, {{&sums_, 0, sum_bytes}}); !ok) return ok;
  if (Result<void> ok = device.submit(std::move(batch)); !ok) return ok;
  Result<std::span<const u8>> bytes = readback_.wait();
  if (!bytes) return std::unexpected(std::move(bytes.error()));
  for (u64 i = 0; i < vms.size(); ++i) {
    StateHash sum;
    std::memcpy(&sum, bytes->data() + i * sizeof sum, sizeof sum);
    sum += base_;
    hashes.push_back(sum.value());
  }
  return {};
}

}  // namespace rookery
