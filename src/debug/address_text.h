// SPDX-License-Identifier: Apache-2.0
// Where a virtual address leads, step by step, for people: the TLB's entry and the page tables as
// they are. Checks no permission and changes nothing; the machine's own translation is
// shaders/mmu/translate.wgsl.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "engine/engine.h"

namespace rookery {

enum class AddressUse : u32 { fetch, load, store };

// The aligned word at a physical address; empty outside RAM.
using ReadWord = std::function<std::optional<u32>(u32 pa)>;

struct AddressWalk {
  std::optional<u32> pa;  // by the TLB if it knows the page, else by the page tables
  std::string text;       // a line for each step, indented
};
AddressWalk walk_address(const MachineState& state, const ReadWord& read, u64 va, AddressUse use);

}  // namespace rookery
