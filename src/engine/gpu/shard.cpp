// SPDX-License-Identifier: Apache-2.0
#include "engine/gpu/shard.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "engine/gpu/pools_module.h"

namespace rookery {
namespace {

using gpu::BufferUse;
using gpu::bytes_of;

constexpr u64 kWord = 4;
constexpr u32 kParamsWords = 12;  // Params of shaders/memory/bindings.wgsl

// How long a lane that needs the slow stage of the interpreter may have to wait for its neighbours.
constexpr u32 kHotSteps = 64;

// With few machines one readback brings everything that a dispatch can have left; with many, the
// counts come first and what they count is fetched when there is some.
constexpr u32 kFewMachines = 64;

// Where a machine's console ring starts.
u64 ring_byte(u32 vm) { return (u64{vm} * isa::HOST_IO_WORDS + isa::HOST_CONSOLE) * kWord; }

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
  for (gpu::GpuBuffer& pool : shard.pools_) {
    if (ok) ok = make(pool, "pool", u64{shape.pool_pages} * isa::PAGE_BYTES, BufferUse::storage);
  }
  if (ok) ok = make(shard.page_map_, "page_map", vms * shape.ram_pages * kWord, BufferUse::storage);
  if (ok) ok = make(shard.state_, "state", vms * shape.state_words * kWord, BufferUse::storage);
  if (ok)
    ok = make(shard.host_io_, "host_io", vms * isa::HOST_IO_WORDS * kWord, BufferUse::storage);
  if (ok)
    ok = make(shard.control_, "control", (isa::CONTROL_EXITS + vms * (isa::EXIT_WORDS + 1)) * kWord,
              BufferUse::storage);
  if (ok) ok = shard.bind(device, pipeline, shared);
  if (!ok) return std::unexpected(std::move(ok.error()));
  const std::vector<u32> first_pages(shape.pools,
                                     static_cast<u32>(stack_pages(shape.max_pool_pages)));
  ok = device.write(shard.control_, isa::CONTROL_POOL_NEXT * kWord,
                    bytes_of(std::span<const u32>(first_pages)));
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

Result<void> Shard::prepare(gpu::GpuDevice& device, gpu::CommandBatch& batch, u32 budget,
                            u32 rounds, u32 base_map) {
  const u32 hot_steps = shape_.vm_count == 1 ? budget : kHotSteps;
  u32 params[kParamsWords] = {shape_.vm_count, budget,   shape_.ram_pages,
                              hot_steps,       base_map, rounds};
  constexpr u32 kPoolPages = 8;  // where the vector of these is
  for (u32 pool = 0; pool < shape_.pools; ++pool)
    params[kPoolPages + pool] = static_cast<u32>(pages_in(pool));
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
      {&control_, 0, few ? control_.size_bytes() : isa::CONTROL_EXITS * kWord},
      {&host_io_, 0, host_io_.size_bytes()},
  };
  return report_.record(batch, std::span(regions).first(few ? 2 : 1));
}

Result<ShardReport> Shard::finish(gpu::GpuDevice& device, std::span<std::string> consoles) {
  Result<std::span<const u8>> header = report_.wait();
  if (!header) return std::unexpected(std::move(header.error()));
  ShardReport report;
  report.arrived = std::chrono::steady_clock::now();
  report.steps = word_at(*header, isa::CONTROL_STEPS);
  const u32 exits = word_at(*header, isa::CONTROL_EXIT_COUNT);
  const bool printed = word_at(*header, isa::CONTROL_CONSOLE_BYTES) != 0;
  const u64 vms = shape_.vm_count;
  std::span<const u8> control = *header;
  const bool few = vms <= kFewMachines;
  if (!few && (exits != 0 || printed)) {
    gpu::CommandBatch batch = device.begin();
    if (Result<void> ok = bulk_.record(batch, {{&control_, 0, control_.size_bytes()}}); !ok) {
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
    const std::span<const u8> rings = header->subspan(control_.size_bytes());
    for (size_t i = 0; i < who.size(); ++i) {
      const auto bytes = rings.subspan(ring_byte(who[i]), counts[i]);
      consoles[who[i]].append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
    return report;
  }
  std::vector<gpu::ReadbackRegion> regions;
  regions.reserve(who.size());
  for (size_t i = 0; i < who.size(); ++i) {
    regions.push_back({&host_io_, ring_byte(who[i]), (counts[i] + kWord - 1) / kWord * kWord});
  }
  gpu::CommandBatch batch = device.begin();
  if (Result<void> ok = bulk_.record(batch, regions); !ok)
    return std::unexpected(std::move(ok.error()));
  if (Result<void> ok = device.submit(std::move(batch)); !ok)
    return std::unexpected(std::move(ok.error()));
  Result<std::span<const u8>> bytes = bulk_.wait();
  if (!bytes) return std::unexpected(std::move(bytes.error()));
  u64 at = 0;
  for (size_t i = 0; i < who.size(); ++i) {
    consoles[who[i]].append(reinterpret_cast<const char*>(bytes->data() + at), counts[i]);
    at += regions[i].bytes;
  }
  return report;
}

Result<bool> Shard::grow_pool(gpu::GpuDevice& device, const gpu::ComputePipeline& pipeline,
                              const SharedBuffers& shared, u32 vm) {
  gpu::GpuBuffer& pool = pools_[pool_of(vm, shape_.pools)];
  const u64 now = pool.size_bytes() / isa::PAGE_BYTES;
  const u64 pages = std::min<u64>(now * 2, shape_.max_pool_pages);
  if (pages <= now) return false;
  Result<gpu::GpuBuffer> larger =
      device.create_buffer("pool", pages * isa::PAGE_BYTES, BufferUse::storage);
  if (!larger) {
    if (larger.error().kind == ErrorKind::out_of_memory) return false;
    return std::unexpected(std::move(larger.error()));
  }
  gpu::CommandBatch batch = device.begin();
  batch.copy(pool, 0, *larger, 0, pool.size_bytes());
  if (Result<void> ok = device.submit_and_wait(std::move(batch)); !ok)
    return std::unexpected(std::move(ok.error()));
  pool = std::move(*larger);
  if (Result<void> ok = bind(device, pipeline, shared); !ok)
    return std::unexpected(std::move(ok.error()));
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

Result<std::vector<u32>> Shard::find_pages(gpu::GpuDevice& device, WordAccess& access,
                                           std::span<const std::pair<u32, u32>> where) {
  std::vector<u32> wanted;
  wanted.reserve(where.size());
  for (const auto& [vm, page] : where) wanted.push_back(page * shape_.vm_count + vm);
  return access.gather(device, page_map_, wanted);
}

Result<std::optional<std::vector<u32>>> Shard::take_pages(gpu::GpuDevice& device, u32 pool,
                                                          u32 count) {
  std::array<u32, isa::CONTROL_EXIT_COUNT> control{};
  static_assert(isa::CONTROL_POOL_NEXT == 0 && isa::CONTROL_POOL_FREE < isa::CONTROL_EXIT_COUNT);
  const std::span<u8> control_bytes{reinterpret_cast<u8*>(control.data()), sizeof control};
  if (Result<void> ok = device.read(control_, 0, control_bytes); !ok)
    return std::unexpected(std::move(ok.error()));
  u32& next = control[isa::CONTROL_POOL_NEXT + pool];
  u32& free = control[isa::CONTROL_POOL_FREE + pool];
  const u32 from_stack = std::min(count, free);
  if (count - from_stack > pages_in(pool) - std::min<u64>(next, pages_in(pool)))
    return std::nullopt;
  std::vector<u32> pages(from_stack);
  if (from_stack != 0) {
    free -= from_stack;
    const std::span<u8> out(reinterpret_cast<u8*>(pages.data()), pages.size() * sizeof(u32));
    if (Result<void> ok = device.read(pools_[pool], free * kWord, out); !ok)
      return std::unexpected(std::move(ok.error()));
  }
  while (pages.size() < count) pages.push_back(next++);
  if (Result<void> ok = device.write(control_, 0, bytes_of(std::span<const u32>(control))); !ok)
    return std::unexpected(std::move(ok.error()));
  return pages;
}

Result<std::optional<std::vector<u32>>> Shard::make_private(
    gpu::GpuDevice& device, WordAccess& access, const SharedBuffers& shared,
    std::span<const std::pair<u32, u32>> where, std::span<const u32> base_pages) {
  const u32 pool = pool_of(where.front().first, shape_.pools);
  auto pages = take_pages(device, pool, static_cast<u32>(where.size()));
  if (!pages || !*pages) return pages;
  gpu::CommandBatch batch = device.begin();
  std::vector<BufferChange> entries;
  entries.reserve(where.size());
  for (u64 i = 0; i < where.size(); ++i) {
    const u32 page = (**pages)[i];
    batch.copy(shared.base, u64{base_pages[i]} * isa::PAGE_BYTES, pools_[pool],
               u64{page} * isa::PAGE_BYTES, isa::PAGE_BYTES);
    entries.push_back({where[i].second * shape_.vm_count + where[i].first, 0, page});
  }
  if (Result<void> ok = device.submit(std::move(batch)); !ok)
    return std::unexpected(std::move(ok.error()));
  if (Result<void> ok = access.scatter(device, page_map_, entries); !ok)
    return std::unexpected(std::move(ok.error()));
  return pages;
}

Result<void> Shard::read_pool_pages(gpu::GpuDevice& device, u32 vm, std::span<const u32> pages,
                                    std::span<u8> out) {
  if (pages.empty()) return {};
  const gpu::GpuBuffer& pool = pools_[pool_of(vm, shape_.pools)];
  // Pages that follow each other in the pool are one region.
  std::vector<gpu::ReadbackRegion> regions;
  for (const u32 page : pages) {
    const u64 offset = u64{page} * isa::PAGE_BYTES;
    if (!regions.empty() && regions.back().offset + regions.back().bytes == offset) {
      regions.back().bytes += isa::PAGE_BYTES;
    } else {
      regions.push_back({&pool, offset, isa::PAGE_BYTES});
    }
  }
  gpu::CommandBatch batch = device.begin();
  if (Result<void> ok = bulk_.record(batch, regions); !ok) return ok;
  if (Result<void> ok = device.submit(std::move(batch)); !ok) return ok;
  Result<std::span<const u8>> bytes = bulk_.wait();
  if (!bytes) return std::unexpected(std::move(bytes.error()));
  std::memcpy(out.data(), bytes->data(), out.size());
  return {};
}

Result<void> Shard::write_pool(gpu::GpuDevice& device, u32 vm, u32 page,
                               std::span<const u8> bytes) {
  return device.write(pools_[pool_of(vm, shape_.pools)], u64{page} * isa::PAGE_BYTES, bytes);
}

Result<void> Shard::add_private_page(gpu::GpuDevice& device, u32 vm, u32 number,
                                     std::span<const u8, isa::PAGE_BYTES> contents) {
  const u32 pool = pool_of(vm, shape_.pools);
  auto pages = take_pages(device, pool, 1);
  if (!pages) return std::unexpected(std::move(pages.error()));
  if (!*pages) {
    return fail(ErrorKind::out_of_memory, "The pool of {} private pages is full.", pages_in(pool));
  }
  const std::span<const u32> page(**pages);
  if (Result<void> ok = write_pool(device, vm, page[0], contents); !ok) return ok;
  return device.write(page_map_, (u64{number} * shape_.vm_count + vm) * kWord, bytes_of(page));
}

}  // namespace rookery
