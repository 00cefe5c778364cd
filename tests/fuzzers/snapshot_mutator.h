// SPDX-License-Identifier: Apache-2.0
// Changes to a snapshot that its checksums do not show: sections are unpacked, changed and put back
// with right sizes and checksums, so that what is behind those is reached.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "base/types.h"

namespace rookery::test {

// Changes `size` bytes of a buffer of `capacity`; gives the new size.
using MutateBytes = std::function<std::size_t(u8* bytes, std::size_t size, std::size_t capacity)>;

// A changed snapshot of at most `max_bytes`; empty: `bytes` has no section that can be unpacked.
std::vector<u8> mutate_snapshot(std::span<const u8> bytes, std::size_t max_bytes, u32 seed,
                                const MutateBytes& mutate);

}  // namespace rookery::test
