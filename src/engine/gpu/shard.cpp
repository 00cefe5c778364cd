// SPDX-License-Identifier: Apache-2.0
#include "engine/gpu/shard.h"

#include <algorithm>
#include <cstring>

namespace rookery {
namespace {

using gpu::BufferUse;
using gpu::bytes_of;

constexpr u64 kWord = 4;
constexpr u32 kParamsWords = 8;  // Params of shaders/memory/bindings.wgsl, padded to 16 bytes

// How long a lane that needs the slow stage of the interpreter may have to wait for its neighbours.
constexpr u32 kHotSteps = 64;

// With few machines one readback brings everything that a dispatch can have left; with many, the
// counts come first and what they count is fetched when there is some.
constexpr u32 kFewMachines = 64;

u32 word_at(std::span<const u8> bytes, u64 index) {
  u32 word;
  std::memcpy(&word, bytes.data() + index * kWord, kWord);
  return word;
}

}  // namespace

Result<Shard> Shard::create(gpu::GpuDevice& device, const gpu::ComputePipeline& pipeline,
                            const gpu::GpuBuffer& base, const gpu::GpuBuffer& base_map,
                            const Shape& shape) {
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
  if (ok)
    ok = make(shard.pool_, "pool", u64{shape.pool_pages} * isa::PAGE_BYTES, BufferUse::storage);
  if (ok) ok = make(shard.page_map_, "page_map", vms * shape.ram_pages * kWord, BufferUse::storage);
  if (ok) ok = make(shard.state_, "state", vms * shape.state_words * kWord, BufferUse::storage);
  if (ok) ok = make(shard.console_, "console", vms * isa::CONSOLE_RING_BYTES, BufferUse::storage);
  if (ok)
    ok = make(shard.control_, "control", (isa::CONTROL_EXITS + vms * (isa::EXIT_WORDS + 1)) * kWord,
              BufferUse::storage);
  if (ok) ok = shard.bind(device, pipeline, base, base_map);
  if (!ok) return std::unexpected(std::move(ok.error()));
  const u32 first_page = 1;
  ok = device.write(shard.control_, isa::CONTROL_POOL_NEXT * kWord,
                    bytes_of(std::span<const u32>(&first_page, 1)));
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
                         const gpu::GpuBuffer& base, const gpu::GpuBuffer& base_map) {
  Result<gpu::BindGroup> group = device.create_bind_group(pipeline, bindings(base, base_map));
  if (!group) return std::unexpected(std::move(group.error()));
  group_ = std::move(*group);
  return {};
}

std::vector<gpu::BufferBinding> Shard::bindings(const gpu::GpuBuffer& base,
                                                const gpu::GpuBuffer& base_map) const {
  return {{0, &params_},   {1, &base},   {2, &base_map}, {3, &pool_},
          {4, &page_map_}, {5, &state_}, {6, &console_}, {7, &control_}};
}

Result<void> Shard::write_states(gpu::GpuDevice& device, std::span<const u32> words) {
  return device.write(state_, 0, bytes_of(words));
}

Result<void> Shard::prepare(gpu::GpuDevice& device, gpu::CommandBatch& batch, u32 budget) {
  const u32 hot_steps = shape_.vm_count == 1 ? budget : kHotSteps;
  const u32 params[kParamsWords] = {shape_.vm_count, budget, shape_.ram_pages, shape_.pool_pages,
                                    hot_steps};
  if (Result<void> ok = device.write(params_, 0, bytes_of(std::span<const u32>(params))); !ok)
    return ok;
  const u64 vms = shape_.vm_count;
  batch.clear(control_, isa::CONTROL_EXIT_COUNT * kWord,
              (isa::CONTROL_EXITS - isa::CONTROL_EXIT_COUNT) * kWord);
  batch.clear(control_, (isa::CONTROL_EXITS + vms * isa::EXIT_WORDS) * kWord, vms * kWord);
  return {};
}

void Shard::dispatch(gpu::CommandBatch& batch, const gpu::ComputePipeline& pipeline) {
  batch.dispatch(pipeline, group_, (shape_.vm_count + isa::WORKGROUP - 1) / isa::WORKGROUP);
}

Result<void> Shard::report(gpu::CommandBatch& batch) {
  const bool few = shape_.vm_count <= kFewMachines;
  const gpu::ReadbackRegion regions[] = {
      {&control_, 0, few ? control_.size_bytes() : isa::CONTROL_EXITS * kWord},
      {&console_, 0, console_.size_bytes()},
  };
  return report_.record(batch, std::span(regions).first(few ? 2 : 1));
}

Result<ShardReport> Shard::finish(gpu::GpuDevice& device, std::span<std::string> consoles) {
  Result<std::span<const u8>> header = report_.wait();
  if (!header) return std::unexpected(std::move(header.error()));
  ShardReport report;
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
                            word_at(control, at + 2), word_at(control, at + 3)});
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
      const auto bytes = rings.subspan(u64{who[i]} * isa::CONSOLE_RING_BYTES, counts[i]);
      consoles[who[i]].append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
    return report;
  }
  std::vector<gpu::ReadbackRegion> regions;
  regions.reserve(who.size());
  for (size_t i = 0; i < who.size(); ++i) {
    regions.push_back({&console_, u64{who[i]} * isa::CONSOLE_RING_BYTES,
                       (counts[i] + kWord - 1) / kWord * kWord});
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
                              const gpu::GpuBuffer& base, const gpu::GpuBuffer& base_map) {
  const u32 pages =
      static_cast<u32>(std::min<u64>(u64{shape_.pool_pages} * 2, shape_.max_pool_pages));
  if (pages <= shape_.pool_pages) return false;
  Result<gpu::GpuBuffer> pool =
      device.create_buffer("pool", u64{pages} * isa::PAGE_BYTES, BufferUse::storage);
  if (!pool) {
    if (pool.error().kind == ErrorKind::out_of_memory) return false;
    return std::unexpected(std::move(pool.error()));
  }
  gpu::CommandBatch batch = device.begin();
  batch.copy(pool_, 0, *pool, 0, pool_.size_bytes());
  if (Result<void> ok = device.submit_and_wait(std::move(batch)); !ok)
    return std::unexpected(std::move(ok.error()));
  pool_ = std::move(*pool);
  shape_.pool_pages = pages;
  if (Result<void> ok = bind(device, pipeline, base, base_map); !ok)
    return std::unexpected(std::move(ok.error()));
  return true;
}

Result<void> Shard::read_state(gpu::GpuDevice& device, u32 vm, std::span<u32> words) {
  std::vector<gpu::ReadbackRegion> regions;
  if (shape_.vm_count == 1) {
    regions.push_back({&state_, 0, words.size_bytes()});
  } else {
    for (u64 w = 0; w < words.size(); ++w)
      regions.push_back({&state_, (w * shape_.vm_count + vm) * kWord, kWord});
  }
  gpu::CommandBatch batch = device.begin();
  if (Result<void> ok = bulk_.record(batch, regions); !ok) return ok;
  if (Result<void> ok = device.submit(std::move(batch)); !ok) return ok;
  Result<std::span<const u8>> bytes = bulk_.wait();
  if (!bytes) return std::unexpected(std::move(bytes.error()));
  std::memcpy(words.data(), bytes->data(), words.size_bytes());
  return {};
}

Result<void> Shard::write_state(gpu::GpuDevice& device, u32 vm, std::span<const u32> words) {
  if (shape_.vm_count == 1) return device.write(state_, 0, bytes_of(words));
  for (u32 w = 0; w < words.size(); ++w) {
    if (Result<void> ok = write_state_word(device, vm, w, words[w]); !ok) return ok;
  }
  return {};
}

Result<void> Shard::write_state_word(gpu::GpuDevice& device, u32 vm, u32 word, u32 value) {
  return device.write(state_, (u64{word} * shape_.vm_count + vm) * kWord,
                      bytes_of(std::span<const u32>(&value, 1)));
}

Result<std::vector<u32>> Shard::read_page_map(gpu::GpuDevice& device, u32 vm) {
  std::vector<u32> map(shape_.ram_pages);
  if (shape_.vm_count == 1) {
    Result<void> ok =
        device.read(page_map_, 0, {reinterpret_cast<u8*>(map.data()), map.size() * sizeof(u32)});
    if (!ok) return std::unexpected(std::move(ok.error()));
    return map;
  }
  std::vector<gpu::ReadbackRegion> regions;
  regions.reserve(map.size());
  for (u64 page = 0; page < map.size(); ++page) {
    regions.push_back({&page_map_, (page * shape_.vm_count + vm) * kWord, kWord});
  }
  gpu::CommandBatch batch = device.begin();
  if (Result<void> ok = bulk_.record(batch, regions); !ok)
    return std::unexpected(std::move(ok.error()));
  if (Result<void> ok = device.submit(std::move(batch)); !ok)
    return std::unexpected(std::move(ok.error()));
  Result<std::span<const u8>> bytes = bulk_.wait();
  if (!bytes) return std::unexpected(std::move(bytes.error()));
  std::memcpy(map.data(), bytes->data(), map.size() * kWord);
  return map;
}

Result<void> Shard::read_pool_page(gpu::GpuDevice& device, u32 page,
                                   std::span<u8, isa::PAGE_BYTES> out) {
  return device.read(pool_, u64{page} * isa::PAGE_BYTES, out);
}

Result<void> Shard::read_pool_pages(gpu::GpuDevice& device, std::span<const u32> pages,
                                    std::span<u8> out) {
  if (pages.empty()) return {};
  // Pages that follow each other in the pool are one region.
  std::vector<gpu::ReadbackRegion> regions;
  for (const u32 page : pages) {
    const u64 offset = u64{page} * isa::PAGE_BYTES;
    if (!regions.empty() && regions.back().offset + regions.back().bytes == offset) {
      regions.back().bytes += isa::PAGE_BYTES;
    } else {
      regions.push_back({&pool_, offset, isa::PAGE_BYTES});
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

Result<void> Shard::write_pool(gpu::GpuDevice& device, u32 page, u32 offset,
                               std::span<const u8> bytes) {
  return device.write(pool_, u64{page} * isa::PAGE_BYTES + offset, bytes);
}

Result<void> Shard::add_private_page(gpu::GpuDevice& device, u32 vm, u32 number,
                                     std::span<const u8, isa::PAGE_BYTES> contents) {
  u32 page = 0;
  const std::span<u8> page_bytes{reinterpret_cast<u8*>(&page), kWord};
  if (Result<void> ok = device.read(control_, isa::CONTROL_POOL_NEXT * kWord, page_bytes); !ok)
    return ok;
  if (page >= shape_.pool_pages) {
    return fail(ErrorKind::out_of_memory, "The pool of {} private pages is full.",
                shape_.pool_pages);
  }
  const u32 next = page + 1;
  if (Result<void> ok = device.write(control_, isa::CONTROL_POOL_NEXT * kWord,
                                     bytes_of(std::span<const u32>(&next, 1)));
      !ok)
    return ok;
  if (Result<void> ok = write_pool(device, page, 0, contents); !ok) return ok;
  return device.write(page_map_, (u64{number} * shape_.vm_count + vm) * kWord, page_bytes);
}

}  // namespace rookery
