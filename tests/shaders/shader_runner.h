// SPDX-License-Identifier: Apache-2.0
// Calls functions of shader modules: a test writes a WGSL function
//   fn test_case(i: u32) { ... }
// that reads words with `word_in(i, n)` (word n of case i) and writes some with `word_out(i, n,
// word)`, names the modules that it calls, and gets what all cases wrote. Modules that belong to an
// engine are replaced by flat ones: see kFlatRam.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.h"
#include "isa/state.h"

namespace rookery::test {

struct ShaderTest {
  isa::Xlen xlen = isa::Xlen::rv32;
  std::vector<std::string> imports;  // besides xlen/xlen.wgsl
  std::string text;                  // with test_case()
  u32 words_in = 0;                  // of each case
  u32 words_out = 0;
  u32 ram_words = 0;  // of each case, when memory is used
};

struct ShaderTestResult {
  std::vector<u32> out;
  std::vector<u32> ram;  // as the cases left it
};

// Runs a case for each words_in words of `in`. `ram`: ram_words for each, or empty for zeros.
// ErrorKind::usage: there is no adapter.
Result<ShaderTestResult> run_shader_test(const ShaderTest& test, std::span<const u32> in,
                                         std::span<const u32> ram = {});

// All shared modules, and what they need of an engine.
std::vector<std::string> machine_modules();

// Operands that find mistakes: around powers of two, patterns, and random ones of every length.
std::vector<u64> interesting_operands(u32 bits, u32 random_count);

#define RUN_SHADER_TEST(name, ...)                                             \
  const Result<ShaderTestResult> name##_result = run_shader_test(__VA_ARGS__); \
  if (!name##_result && name##_result.error().kind == ErrorKind::usage) {      \
    GTEST_SKIP() << name##_result.error().text();                              \
  }                                                                            \
  ASSERT_TRUE(name##_result) << name##_result.error().text();                  \
  const ShaderTestResult& name = *name##_result

}  // namespace rookery::test
