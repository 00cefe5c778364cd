// SPDX-License-Identifier: Apache-2.0
// A shard: the machines that share one bind group (shaders/memory/bindings.wgsl), because a binding
// is bounded by the adapter. It owns the buffers of those machines and the dispatch that runs them;
// the engine owns what shards have in common (pipeline, base pages).
//
// Machine numbers here are the shard's own, from 0.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "engine/gpu/base_image.h"
#include "engine/gpu/word_access.h"
#include "gpu/dawn/device.h"

namespace rookery {

// What a dispatch of a shard left for the host.
struct ShardReport {
  std::chrono::steady_clock::time_point arrived;  // when the device was done
  u32 steps = 0;
  std::vector<Exit> exits;
};

// What all shards of an engine read.
struct SharedBuffers {
  gpu::GpuBuffer base;   // pages, and behind them, for each page of RAM, its page there
  u32 base_map = 0;      // the word where these begin
  gpu::GpuBuffer texts;  // ConsoleTexts::words()
};

class Shard {
 public:
  struct Shape {
    u32 vm_count;
    u32 ram_pages;
    u32 pools;           // at most isa::MAX_POOLS
    u32 pool_pages;      // of each, to begin with; those of the stack at its start included
    u32 max_pool_pages;  // likewise: what the adapter's binding can hold
    u32 state_words;
  };

  // Pages at the pool's start for the stack of those that were given back, of a pool that will hold
  // so many others.
  static u64 stack_pages(u64 pages) { return pages / isa::PAGE_WORDS + 1; }

  static Result<Shard> create(gpu::GpuDevice& device, const gpu::ComputePipeline& pipeline,
                              const SharedBuffers& shared, const Shape& shape);

  // The states of all machines, as the shaders keep them: word w of machine vm at w * vm_count +
  // vm.
  Result<void> write_states(gpu::GpuDevice& device, std::span<const u32> words);

  // The three parts of a dispatch of `budget` steps, and of `rounds` of hot and slow stage,
  // recorded into one batch that all shards share: all are prepared, then all dispatched, then all
  // reported. What was changed before comes before it.
  Result<void> prepare(gpu::GpuDevice& device, gpu::CommandBatch& batch, u32 budget, u32 rounds,
                       u32 base_map);
  void dispatch(gpu::CommandBatch& batch, const gpu::ComputePipeline& pipeline) {
    dispatch(batch, pipeline, group_);
  }
  void dispatch(gpu::CommandBatch& batch, const gpu::ComputePipeline& pipeline,
                const gpu::BindGroup& group);
  Result<void> report(gpu::CommandBatch& batch);
  // Waits for what report() recorded. Console bytes are appended to consoles[vm].
  Result<ShardReport> finish(gpu::GpuDevice& device, std::span<std::string> consoles);

  // Makes room for twice the private pages in the pool of a machine, or as many as the binding
  // holds. False: it held that already, or the device has no memory for them.
  Result<bool> grow_pool(gpu::GpuDevice& device, const gpu::ComputePipeline& pipeline,
                         const SharedBuffers& shared, u32 vm);

  // Changes words of a machine's state, or of its part of host_io. They are kept here until
  // flush(), which every read and every dispatch needs first; all machines' go at once.
  void write_state(u32 vm, std::span<const u32> words);
  void change_state(u32 vm, u32 word, u32 keep, u32 flip);
  void write_host_io(u32 vm, u32 word, u32 value);
  void write_host_io_64(u32 vm, u32 word, u64 value);  // two words, the low one first
  Result<void> flush(gpu::GpuDevice& device, WordAccess& access);
  // `count` words of the part that each of those machines has of host_io, from `first` on.
  Result<std::vector<u32>> read_host_io(gpu::GpuDevice& device, WordAccess& access,
                                        std::span<const u32> vms, u32 first, u32 count);

  Result<void> read_state(gpu::GpuDevice& device, WordAccess& access, u32 vm, std::span<u32> words);

  // For each page of RAM of a machine, its page in its pool, or 0.
  Result<std::vector<u32>> read_page_map(gpu::GpuDevice& device, WordAccess& access, u32 vm);
  // Likewise for some pages of many machines: where[i] is a machine and a page of its RAM.
  Result<std::vector<u32>> find_pages(gpu::GpuDevice& device, WordAccess& access,
                                      std::span<const std::pair<u32, u32>> where);
  // Gives machines of one pool private pages that are copies of base pages. Empty: the pool is too
  // full, and nothing was done. `where` as above, no place twice, none of them private yet;
  // `base_pages` the base pages to copy; the pool's pages come back.
  Result<std::optional<std::vector<u32>>> make_private(gpu::GpuDevice& device, WordAccess& access,
                                                       const SharedBuffers& shared,
                                                       std::span<const std::pair<u32, u32>> where,
                                                       std::span<const u32> base_pages);
  // Pages of a machine's pool; `out` has room for all of them, one after the other.
  Result<void> read_pool_pages(gpu::GpuDevice& device, u32 vm, std::span<const u32> pages,
                               std::span<u8> out);
  Result<void> write_pool(gpu::GpuDevice& device, u32 vm, u32 page, std::span<const u8> bytes);
  // Gives a machine a private page with these contents. Fails with out_of_memory when the pool is
  // full.
  Result<void> add_private_page(gpu::GpuDevice& device, u32 vm, u32 number,
                                std::span<const u8, isa::PAGE_BYTES> contents);

  // What the interpreter's bindings are now: growing a pool changes one.
  std::vector<gpu::BufferBinding> bindings(const SharedBuffers& shared) const;

  const Shape& shape() const { return shape_; }

  // For other pipelines that read the machines. Growing a pool makes another buffer of it.
  const gpu::GpuBuffer& pool(u32 number) const { return pools_[number]; }
  void add_pools(std::vector<gpu::BufferBinding>& bindings) const;
  const gpu::GpuBuffer& page_map() const { return page_map_; }
  const gpu::GpuBuffer& state() const { return state_; }
  const gpu::GpuBuffer& host_io() const { return host_io_; }
  const gpu::GpuBuffer& control() const { return control_; }

 private:
  Result<void> bind(gpu::GpuDevice& device, const gpu::ComputePipeline& pipeline,
                    const SharedBuffers& shared);
  // Takes `count` pages from a pool, or none if there are not so many.
  Result<std::optional<std::vector<u32>>> take_pages(gpu::GpuDevice& device, u32 pool, u32 count);
  u64 pages_in(u32 pool) const { return pools_[pool].size_bytes() / isa::PAGE_BYTES; }

  Shape shape_{};
  gpu::GpuBuffer params_;
  std::vector<gpu::GpuBuffer> pools_;
  gpu::GpuBuffer page_map_;
  gpu::GpuBuffer state_;
  gpu::GpuBuffer host_io_;
  gpu::GpuBuffer control_;
  gpu::BindGroup group_;
  std::vector<BufferChange> state_changes_;  // not yet in the buffers
  std::vector<BufferChange> host_io_changes_;
  gpu::Readback report_;  // after each dispatch
  gpu::Readback bulk_;    // for everything else
};

}  // namespace rookery
