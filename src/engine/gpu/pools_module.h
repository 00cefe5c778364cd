// SPDX-License-Identifier: Apache-2.0
// The private pages of a shard are in up to isa::MAX_POOLS pools, because a binding is bounded by
// the adapter and a dispatch should not be: "memory/pools.wgsl" is generated for their number.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "gpu/dawn/device.h"
#include "isa/constants.h"

namespace rookery {

inline constexpr std::array<u32, isa::MAX_POOLS> kPoolBindings = {3, 10, 11, 12};

// The pool of a machine of a shard with so many: that of all machines of a block.
inline u32 pool_of(u32 vm, u32 pools) { return vm / isa::WORKGROUP % pools; }

enum class PoolAccess { read_write, read };

// What the module declares: pool_number and pool_choose(vm), pool_load(index), and
// pool_store(index, value) where that may be. With a single pool nothing is left of the choice.
std::string pools_module(u32 pools, PoolAccess access);

// The pools' slots in a pipeline.
void add_pool_slots(std::vector<gpu::BindingSlot>& slots, u32 pools, PoolAccess access);

}  // namespace rookery
