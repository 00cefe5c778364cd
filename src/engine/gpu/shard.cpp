// SPDX-License-Identifier: Apache-2.0
#include "engine/gpu/shard.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/gpu/pools_module.h"

namespace rookery {
namespace {

using gpu::BufferUse;
using gpu::bytes_of;

constexpr u64 kWord = 4;
constexpr u32 kParamsWords = 16;  // Params of shaders/memory/bindings.wgsl
static_assert(isa::WORKGROUP < 1u << isa::BLOCK_USER_BITS, "all of a group may use a block");
static_assert(isa::PAGE_WORDS % (1u << isa::BLOCK_RUN_SHIFT) == 0, "a page is whole runs");

// How long a lane that needs the slow stage of the interpreter may have to wait for its neighbours;
// how often lanes wait for those that are slower; and the rounds of both stages in that time that a
// machine may need without being left behind, where that may be.
constexpr u32 kHotSteps = 64;
constexpr u32 kWindow = 1024;
constexpr u32 kRounds = kWindow / 16;
constexpr u32 kAny = 1u << 31;

// With few machines one readback brings everything that a dispatch can have left; with many, the
// counts come first and what they count is fetched when there is some.
constexpr u32 kFewMachines = 64;

// A pool's next size. Making room takes an H200 30 ms a GiB, so not often.
constexpr u64 kPoolGrowth = 4;

// Where a machine's console ring starts.
u32 ring_word(u32 vm) { return vm * isa::HOST_IO_WORDS + isa::HOST_CONSOLE; }

u32 word_at(std::span<const u8> bytes, u64 index) {
  u32 word;
  std::memcpy(&word, bytes.data() + index * kWord, kWord);
  return word;
}

}  // namespace

Result<Shard> Shard::create(gpu::GpuDevice& device, const gpu::ComputePipeline& pipeline,
                            const SharedBuffers& shared, const Shape& shape) {
  Shard shard;
  shard.shape_ = shape;
  const u64 vms = shape.vm_count;
  const auto make = [&](gpu::GpuBuffer& out, std::string_view label, u64 bytes,
                        BufferUse use) -> Result<void> {
    Result<gpu::GpuBuffer> made = device.create_buffer(label, bytes, use);
    if (!made)
      return std::unexpected(
          std::move(made.error()).during("making room for the machines of a shard"));
    out = std::move(*made);
    return {};
  };
  Result<void> ok = make(shard.params_, "params", kParamsWords * kWord, BufferUse::uniform);
  shard.pools_.resize(shape.pools);
  shard.larger_.resize(shape.pools);
  for (gpu::GpuBuffer& pool : shard.pools_) {
    if (ok) ok = make(pool, "pool", shape.pool_blocks * shape.block_bytes(), BufferUse::storage);
  }
  if (ok) ok = make(shard.page_map_, "page_map", vms * shape.ram_pages * kWord, BufferUse::storage);
  if (ok) ok = make(shard.state_, "state", vms * shape.state_words * kWord, BufferUse::storage);
  if (ok)
    ok = make(shard.host_io_, "host_io", vms * isa::HOST_IO_WORDS * kWord, BufferUse::storage);
  if (ok)
    ok = make(shard.control_, "control",
              shard.report_bytes() + shape.groups() * shape.ram_pages * kWord, BufferUse::storage);
  if (ok) ok = shard.bind(device, pipeline, shared);
  if (!ok) return std::unexpected(std::move(ok.error()));
  const std::vector<u32> first_blocks(shape.pools,
                                      static_cast<u32>(shape.stack_blocks(shape.max_pool_blocks)));
  ok = device.write(shard.control_, isa::CONTROL_POOL_NEXT * kWord,
                    bytes_of(std::span<const u32>(first_blocks)));
  if (!ok) return std::unexpected(std::move(ok.error()));
  Result<gpu::Readback> report = device.create_readback("dispatch report", 64);
  if (!report) return std::unexpected(std::move(report.error()));
  Result<gpu::Readback> bulk = device.create_readback("bulk", 64);
  if (!bulk) return std::unexpected(std::move(bulk.error()));
  shard.report_ = std::move(*report);
  shard.bulk_ = std::move(*bulk);
  return shard;
}

Result<void> Shard::bind(gpu::GpuDevice& device, const gpu::ComputePipeline& pipeline,
                         const SharedBuffers& shared) {
  Result<gpu::BindGroup> group = device.create_bind_group(pipeline, bindings(shared));
  if (!group) return std::unexpected(std::move(group.error()));
  group_ = std::move(*group);
  return {};
}

std::vector<gpu::BufferBinding> Shard::bindings(const SharedBuffers& shared) const {
  std::vector<gpu::BufferBinding> bindings = {
      {0, &params_},  {1, &shared.base}, {4, &page_map_},    {5, &state_},
      {6, &host_io_}, {7, &control_},    {9, &shared.texts},
  };
  add_pools(bindings);
  return bindings;
}

void Shard::add_pools(std::vector<gpu::BufferBinding>& bindings) const {
  for (u32 pool = 0; pool < shape_.pools; ++pool)
    bindings.push_back({kPoolBindings[pool], &pools_[pool]});
}

Result<void> Shard::write_states(gpu::GpuDevice& device, std::span<const u32> words) {
  return device.write(state_, 0, bytes_of(words));
}

Result<void> Shard::prepare(gpu::GpuDevice& device, gpu::CommandBatch& batch,
                            const gpu::ComputePipeline& pipeline, const SharedBuffers& shared,
                            u32 budget, bool evenly) {
  for (u32 pool = 0; pool < shape_.pools; ++pool) {
    if (!larger_[pool]) continue;
    Result<void> ok =
        replace_pool(device, pipeline, shared, pool, std::exchange(larger_[pool], {}));
    if (!ok) return ok;
  }
  const bool alone = shape_.vm_count == 1;
  u32 params[kParamsWords] = {shape_.vm_count,
                              budget,
                              shape_.ram_pages,
                              shared.base_map,
                              alone ? kAny : kHotSteps,
                              alone ? kAny : kWindow,
                              evenly ? ~u32{0} : kRounds,
                              evenly ? ~u32{0} : budget / kWindow + 1,
                              shape_.block_shift};
  constexpr u32 kPoolBlocks = 12;  // where the vector of these is
  std::ranges::copy(pool_blocks(), params + kPoolBlocks);
  if (Result<void> ok = device.write(params_, 0, bytes_of(std::span<const u32>(params))); !ok)
    return ok;
  const u64 vms = shape_.vm_count;
  batch.clear(control_, isa::CONTROL_EXIT_COUNT * kWord,
              (isa::CONTROL_EXITS - isa::CONTROL_EXIT_COUNT) * kWord);
  batch.clear(control_, (isa::CONTROL_EXITS + vms * isa::EXIT_WORDS) * kWord, vms * kWord);
  return {};
}

void Shard::dispatch(gpu::CommandBatch& batch, const gpu::ComputePipeline& pipeline,
                     const gpu::BindGroup& group) {
  batch.dispatch(pipeline, group, (shape_.vm_count + isa::WORKGROUP - 1) / isa::WORKGROUP);
}

Result<void> Shard::report(gpu::CommandBatch& batch) {
  const bool few = shape_.vm_count <= kFewMachines;
  const gpu::ReadbackRegion regions[] = {
      {&control_, 0, few ? report_bytes() : isa::CONTROL_EXITS * kWord},
      {&host_io_, 0, host_io_.size_bytes()},
  };
  return report_.record(batch, std::span(regions).first(few ? 2 : 1));
}

Result<bool> Shard::provide(gpu::GpuDevice& device) {
  bool made = false;
  for (u32 pool = 0; pool < shape_.pools; ++pool) {
    const bool half_full = used_blocks_[pool] > pool_blocks()[pool] / 2;
    if (!half_full || no_larger_[pool] || larger_[pool]) continue;
    Result<gpu::GpuBuffer> larger = larger_pool(device, pool);
    if (!larger) return std::unexpected(std::move(larger.error()));
    larger_[pool] = std::move(*larger);
    no_larger_[pool] = !larger_[pool];
    made = true;
  }
  return made;
}

Result<ShardReport> Shard::finish(gpu::GpuDevice& device, WordAccess& access,
                                  std::span<std::string> consoles) {
  Result<std::span<const u8>> header = report_.wait();
  if (!header) return std::unexpected(std::move(header.error()));
  ShardReport report;
  report.arrived = std::chrono::steady_clock::now();
  report.steps = word_at(*header, isa::CONTROL_STEPS);
  for (u32 pool = 0; pool < shape_.pools; ++pool) {
    used_blocks_[pool] = word_at(*header, isa::CONTROL_POOL_NEXT + pool) -
                         word_at(*header, isa::CONTROL_POOL_FREE + pool);
  }
  const u32 exits = word_at(*header, isa::CONTROL_EXIT_COUNT);
  const bool printed = word_at(*header, isa::CONTROL_CONSOLE_BYTES) != 0;
  const u64 vms = shape_.vm_count;
  std::span<const u8> control = *header;
  const bool few = vms <= kFewMachines;
  if (!few && (exits != 0 || printed)) {
    gpu::CommandBatch batch = device.begin();
    if (Result<void> ok = bulk_.record(batch, {{&control_, 0, report_bytes()}}); !ok) {
      return std::unexpected(std::move(ok.error()));
    }
    if (Result<void> ok = device.submit(std::move(batch)); !ok)
      return std::unexpected(std::move(ok.error()));
    Result<std::span<const u8>> all = bulk_.wait();
    if (!all) return std::unexpected(std::move(all.error()));
    control = *all;
  }
  for (u32 i = 0; i < std::min<u64>(exits, vms); ++i) {
    const u64 at = isa::CONTROL_EXITS + u64{i} * isa::EXIT_WORDS;
    report.exits.push_back({word_at(control, at), word_at(control, at + 1),
                            word_at(control, at + 2), word_at(control, at + 3),
                            word_at(control, at + 4) | (u64{word_at(control, at + 5)} << 32)});
  }
  if (!printed) return report;
  std::vector<u32> who;
  std::vector<u32> counts;
  for (u32 vm = 0; vm < vms; ++vm) {
    const u32 count = std::min(word_at(control, isa::CONTROL_EXITS + vms * isa::EXIT_WORDS + vm),
                               isa::CONSOLE_RING_BYTES);
    if (count == 0) continue;
    who.push_back(vm);
    counts.push_back(count);
  }
  if (few) {
    const std::span<const u8> rings = header->subspan(report_bytes());
    for (size_t i = 0; i < who.size(); ++i) {
      const auto bytes = rings.subspan(u64{ring_word(who[i])} * kWord, counts[i]);
      consoles[who[i]].append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
    return report;
  }
  std::vector<u32> wanted;
  for (size_t i = 0; i < who.size(); ++i) {
    for (u32 word = 0; word * kWord < counts[i]; ++word) wanted.push_back(ring_word(who[i]) + word);
  }
  Result<std::vector<u32>> words = access.gather(device, host_io_, wanted);
  if (!words) return std::unexpected(std::move(words.error()));
  const u32* next = words->data();
  for (size_t i = 0; i < who.size(); ++i) {
    consoles[who[i]].append(reinterpret_cast<const char*>(next), counts[i]);
    next += (counts[i] + kWord - 1) / kWord;
  }
  return report;
}

Result<gpu::GpuBuffer> Shard::larger_pool(gpu::GpuDevice& device, u32 pool) const {
  const u64 now = pool_blocks()[pool];
  for (u64 growth = kPoolGrowth; growth > 1; growth /= 2) {
    const u64 blocks = std::min<u64>(now * growth, shape_.max_pool_blocks);
    if (blocks <= now) break;
    auto larger = device.create_buffer("pool", blocks * shape_.block_bytes(), BufferUse::storage);
    if (larger || larger.error().kind != ErrorKind::out_of_memory) return larger;
  }
  return gpu::GpuBuffer();
}

Result<void> Shard::replace_pool(gpu::GpuDevice& device, const gpu::ComputePipeline& pipeline,
                                 const SharedBuffers& shared, u32 pool, gpu::GpuBuffer larger) {
  gpu::CommandBatch batch = device.begin();
  batch.copy(pools_[pool], 0, larger, 0, pools_[pool].size_bytes());
  if (Result<void> ok = device.submit(std::move(batch)); !ok) return ok;
  pools_[pool] = std::move(larger);
  return bind(device, pipeline, shared);
}

Result<bool> Shard::grow_pool(gpu::GpuDevice& device, const gpu::ComputePipeline& pipeline,
                              const SharedBuffers& shared, u32 vm) {
  const u32 pool = pool_of(vm, shape_.pools);
  gpu::GpuBuffer larger = std::exchange(larger_[pool], {});
  if (!larger) {
    Result<gpu::GpuBuffer> made = larger_pool(device, pool);
    if (!made) return std::unexpected(std::move(made.error()));
    larger = std::move(*made);
  }
  if (!larger) return false;
  Result<void> ok = replace_pool(device, pipeline, shared, pool, std::move(larger));
  if (!ok) return std::unexpected(std::move(ok.error()));
  return true;
}

void Shard::write_state(u32 vm, std::span<const u32> words) {
  for (u32 w = 0; w < words.size(); ++w) change_state(vm, w, 0, words[w]);
}

void Shard::change_state(u32 vm, u32 word, u32 keep, u32 flip) {
  state_changes_.push_back({word * shape_.vm_count + vm, keep, flip});
}

void Shard::write_host_io(u32 vm, u32 word, u32 value) {
  host_io_changes_.push_back({vm * isa::HOST_IO_WORDS + word, 0, value});
}

void Shard::write_host_io_64(u32 vm, u32 word, u64 value) {
  write_host_io(vm, word, static_cast<u32>(value));
  write_host_io(vm, word + 1, static_cast<u32>(value >> 32));
}

Result<void> Shard::flush(gpu::GpuDevice& device, WordAccess& access) {
  Result<void> ok = access.scatter(device, state_, state_changes_);
  if (ok) ok = access.scatter(device, host_io_, host_io_changes_);
  state_changes_.clear();
  host_io_changes_.clear();
  return ok;
}

Result<std::vector<u32>> Shard::read_host_io(gpu::GpuDevice& device, WordAccess& access,
                                             std::span<const u32> vms, u32 first, u32 count) {
  if (Result<void> ok = flush(device, access); !ok) return std::unexpected(std::move(ok.error()));
  std::vector<u32> wanted;
  wanted.reserve(vms.size() * count);
  for (const u32 vm : vms) {
    for (u32 i = 0; i < count; ++i) wanted.push_back(vm * isa::HOST_IO_WORDS + first + i);
  }
  return access.gather(device, host_io_, wanted);
}

Result<void> Shard::read_state(gpu::GpuDevice& device, WordAccess& access, u32 vm,
                               std::span<u32> words) {
  if (Result<void> ok = flush(device, access); !ok) return ok;
  if (shape_.vm_count == 1) {
    return device.read(state_, 0, {reinterpret_cast<u8*>(words.data()), words.size_bytes()});
  }
  std::vector<u32> wanted(words.size());
  for (u32 w = 0; w < wanted.size(); ++w) wanted[w] = w * shape_.vm_count + vm;
  Result<std::vector<u32>> found = access.gather(device, state_, wanted);
  if (!found) return std::unexpected(std::move(found.error()));
  std::ranges::copy(*found, words.begin());
  return {};
}

Result<std::vector<u32>> Shard::read_page_map(gpu::GpuDevice& device, WordAccess& access, u32 vm) {
  if (shape_.vm_count == 1) {
    std::vector<u32> map(shape_.ram_pages);
    Result<void> ok =
        device.read(page_map_, 0, {reinterpret_cast<u8*>(map.data()), map.size() * sizeof(u32)});
    if (!ok) return std::unexpected(std::move(ok.error()));
    return map;
  }
  std::vector<u32> wanted(shape_.ram_pages);
  for (u32 page = 0; page < wanted.size(); ++page) wanted[page] = page * shape_.vm_count + vm;
  return access.gather(device, page_map_, wanted);
}

// block_fold() and block_word() of shaders/memory/blocks.wgsl.
u32 Shard::word_in_pool(u32 vm, u32 block, u32 offset) const {
  const u32 machines = 1u << shape_.block_shift;
  const u32 run_words = 1u << isa::BLOCK_RUN_SHIFT;
  const u32 word = offset / 4;
  return (block * isa::PAGE_WORDS + word / run_words * run_words) * machines +
         vm % machines * run_words + word % run_words;
}

Result<void> Shard::read_private_pages(gpu::GpuDevice& device, WordAccess& access, u32 vm,
                                       std::span<const u32> blocks, std::span<u8> out) {
  std::vector<u32> wanted;
  wanted.reserve(blocks.size() * isa::PAGE_WORDS);
  for (const u32 block : blocks) {
    for (u32 at = 0; at < isa::PAGE_BYTES; at += 4) wanted.push_back(word_in_pool(vm, block, at));
  }
  auto found = access.gather(device, pools_[pool_of(vm, shape_.pools)], wanted);
  if (!found) return std::unexpected(std::move(found.error()));
  std::memcpy(out.data(), found->data(), out.size());
  return {};
}

std::array<u32, isa::MAX_POOLS> Shard::pool_blocks() const {
  std::array<u32, isa::MAX_POOLS> blocks{};
  for (u32 pool = 0; pool < shape_.pools; ++pool)
    blocks[pool] = static_cast<u32>(pools_[pool].size_bytes() / shape_.block_bytes());
  return blocks;
}

u64 Shard::report_bytes() const {
  return (isa::CONTROL_EXITS + u64{shape_.vm_count} * (isa::EXIT_WORDS + 1)) * kWord;
}

}  // namespace rookery
