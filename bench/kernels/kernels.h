// SPDX-License-Identifier: Apache-2.0
//
// The guest programs that `rookery bench` runs: RV32IMA, loaded at the start of RAM, entered at
// 0x80000000 in M-mode with a seed in a0, and never ending. They are part of the program
// (bench/kernels/prebuilt), so nobody needs a cross compiler to run or build it.
//
// How to add one: write NAME.c (see kernel.h), add it to build.sh and CMakeLists.txt, run build.sh,
// and add its tests to tests/bare/programs.cmake.
#pragma once

#include <span>
#include <string_view>

#include "base/types.h"

namespace rookery {

struct BenchKernel {
  std::string_view name;     // "integer", "branch", "memory"
  std::string_view flavour;  // "flat": M-mode; "sv32": S-mode, Sv32 with 4 KiB pages
  std::span<const u8> elf;   // lives as long as the program
};

// All kernels, by name and then flavour.
std::span<const BenchKernel> bench_kernels();

// Where a running kernel keeps the rounds done (u32) and after it the checksum of the last one
// (u32).
inline constexpr u32 kBenchKernelResult = 0x80004000;

}  // namespace rookery
