// SPDX-License-Identifier: Apache-2.0
// shaders/hash/xxh32.wgsl alone, on an adapter, against the xxhash library.
#include <random>
#include <vector>

#include <gtest/gtest.h>
#include <xxhash.h>

#include "shaders/shader_runner.h"

namespace rookery::test {
namespace {

constexpr u32 kMaxWords = 40;
constexpr u32 kCases = 4'000;

TEST(Xxh32Shader, IsTheLibrarysOverWholeWords) {
  ShaderTest test;
  test.imports = {"hash/xxh32.wgsl"};
  test.words_in = 2 + kMaxWords;  // seed, length, input
  test.words_out = 1;
  test.text = R"(
fn input(i: u32, n: u32) -> u32 { return word_in(i, 2u + n); }
fn test_case(i: u32) {
  let words = word_in(i, 1u);
  var lanes = xxh32_begin(word_in(i, 0u));
  for (var n = 0u; n < words / 4u; n++) {
    let at = n * 4u;
    lanes = xxh32_stripe(lanes, vec4<u32>(input(i, at), input(i, at + 1u), input(i, at + 2u), input(i, at + 3u)));
  }
  var hash = xxh32_merge(lanes, words * 4u);
  for (var n = (words / 4u) * 4u; n < words; n++) {
    hash = xxh32_word(hash, input(i, n));
  }
  word_out(i, 0u, xxh32_end(hash));
}
)";
  std::mt19937 random{31};
  std::vector<u32> in;
  for (u32 i = 0; i < kCases; ++i) {
    in.push_back(i % 5 == 0 ? ~u32{0} - i : random() >> (random() % 32));
    in.push_back(4 + i % (kMaxWords - 3));
    const bool sparse = i % 3 == 0;
    for (u32 n = 0; n < kMaxWords; ++n)
      in.push_back(sparse && random() % 8 != 0 ? 0 : static_cast<u32>(random()));
  }
  RUN_SHADER_TEST(result, test, in);
  for (u32 i = 0; i < kCases; ++i) {
    const u32* const words = &in[u64{i} * test.words_in];
    ASSERT_EQ(result.out[i], XXH32(words + 2, words[1] * 4, words[0])) << "case " << i;
  }
}

}  // namespace
}  // namespace rookery::test
