// SPDX-License-Identifier: Apache-2.0
// A shard: the machines that share one bind group (shaders/memory/bindings.wgsl), because a binding
// is bounded by the adapter. It owns the buffers of those machines and the dispatch that runs them;
// the engine owns what shards have in common (pipeline, base pages).
//
// Machine numbers here are the shard's own, from 0.
#pragma once

#include <array>
#include <chrono>
#include <span>
#include <string>
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
    u32 block_shift;      // log2 of the machines that share a block (memory/blocks.wgsl)
    u32 pools;            // at most isa::MAX_POOLS
    u32 pool_blocks;      // of each, to begin with; those of the stack at its start included
    u32 max_pool_blocks;  // likewise: what the adapter's binding can hold
    u32 state_words;

    u64 groups() const { return ((u64{vm_count} - 1) >> block_shift) + 1; }
    u64 block_bytes() const { return u64{isa::PAGE_BYTES} << block_shift; }
    // Blocks at a pool's start for the stack of those that were given back, of a pool that will
    // hold so many others.
    u64 stack_blocks(u64 blocks) const { return blocks * sizeof(u32) / block_bytes() + 1; }
  };

  static Result<Shard> create(gpu::GpuDevice& device, const gpu::ComputePipeline& pipeline,
                              const SharedBuffers& shared, const Shape& shape);

  // The states of all machines, as the shaders keep them: word w of machine vm at w * vm_count +
  // vm.
  Result<void> write_states(gpu::GpuDevice& device, std::span<const u32> words);

  // The three parts of a dispatch of `budget` steps, recorded into one batch that all shards share:
  // all are prepared, then all dispatched, then all reported. What was changed before comes before
  // it. `evenly`: however slow a machine is to execute, it is waited for.
  Result<void> prepare(gpu::GpuDevice& device, gpu::CommandBatch& batch,
                       const gpu::ComputePipeline& pipeline, const SharedBuffers& shared,
                       u32 budget, bool evenly);
  void dispatch(gpu::CommandBatch& batch, const gpu::ComputePipeline& pipeline) {
    dispatch(batch, pipeline, group_);
  }
  void dispatch(gpu::CommandBatch& batch, const gpu::ComputePipeline& pipeline,
                const gpu::BindGroup& group);
  Result<void> report(gpu::CommandBatch& batch);
  // After the batch was submitted, while the device is busy with it: makes the larger pools that
  // the next prepare() puts into the place of those that are half full. Without memory for one,
  // nothing: its machines will ask for it. Whether it made some, which takes a while.
  Result<bool> provide(gpu::GpuDevice& device);
  // Waits for what report() recorded. Console bytes are appended to consoles[vm].
  Result<ShardReport> finish(gpu::GpuDevice& device, WordAccess& access,
                             std::span<std::string> consoles);

  // Makes room for more blocks in the pool of a machine: kPoolGrowth times as many, or as many as
  // the binding holds. False: it held that already, or the device has no memory for them.
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

  // For each page of RAM of a machine, the block of its pool that it is in, or 0.
  Result<std::vector<u32>> read_page_map(gpu::GpuDevice& device, WordAccess& access, u32 vm);
  // The place in its pool of a word of a private page of a machine, by its byte in the page.
  u32 word_in_pool(u32 vm, u32 block, u32 offset) const;
  // Private pages of a machine; `out` has room for all of them, one after the other.
  Result<void> read_private_pages(gpu::GpuDevice& device, WordAccess& access, u32 vm,
                                  std::span<const u32> blocks, std::span<u8> out);

  // What the interpreter's bindings are now: growing a pool changes one.
  std::vector<gpu::BufferBinding> bindings(const SharedBuffers& shared) const;

  const Shape& shape() const { return shape_; }

  // For other pipelines that read the machines. Growing a pool makes another buffer of it.
  const gpu::GpuBuffer& pool(u32 number) const { return pools_[number]; }
  std::array<u32, isa::MAX_POOLS> pool_blocks() const;
  void add_pools(std::vector<gpu::BufferBinding>& bindings) const;
  const gpu::GpuBuffer& page_map() const { return page_map_; }
  const gpu::GpuBuffer& state() const { return state_; }
  const gpu::GpuBuffer& host_io() const { return host_io_; }
  const gpu::GpuBuffer& control() const { return control_; }

 private:
  Result<void> bind(gpu::GpuDevice& device, const gpu::ComputePipeline& pipeline,
                    const SharedBuffers& shared);
  // A pool larger than that one; without a buffer if there is no memory for it, or no need.
  Result<gpu::GpuBuffer> larger_pool(gpu::GpuDevice& device, u32 pool) const;
  // Puts a larger one into its place.
  Result<void> replace_pool(gpu::GpuDevice& device, const gpu::ComputePipeline& pipeline,
                            const SharedBuffers& shared, u32 pool, gpu::GpuBuffer larger);
  // Of control_, what is read after a dispatch: all before the blocks of the groups.
  u64 report_bytes() const;

  Shape shape_{};
  gpu::GpuBuffer params_;
  std::vector<gpu::GpuBuffer> pools_;
  std::vector<gpu::GpuBuffer> larger_;             // for each, what provide() has made
  std::array<bool, isa::MAX_POOLS> no_larger_{};   // provide() has tried in vain
  std::array<u32, isa::MAX_POOLS> used_blocks_{};  // of each, after the last dispatch
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
