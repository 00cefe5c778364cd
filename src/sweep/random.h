// SPDX-License-Identifier: Apache-2.0
// Random numbers that are functions: of a seed, a name and an index, and of nothing else. So each
// value of an axis and each fault can be had alone, in any order, on every platform the same. (The
// standard library's distributions differ between implementations, and sequences need an order.)
#pragma once

#include <string_view>

#include "base/types.h"

namespace rookery::sweep {

// Uniform in [0, bound); bound 0 stands for 2^64. Draws are XXH3 (64 bits, seeded by `seed`) of
// `name`, `index` and the attempt, both as 8 little-endian bytes; a draw r gives the upper half of
// r * bound, unless the lower half is among the 2^64 mod bound lowest, which would make some
// results likelier: then the next attempt is drawn (Lemire 2019, "Fast Random Integer Generation
// in an Interval").
u64 uniform(u64 seed, std::string_view name, u64 index, u64 bound);

}  // namespace rookery::sweep
