// SPDX-License-Identifier: Apache-2.0
// The pipeline cache under Dawn's own threads: blobs come and go from several at once.
#if ROOKERY_GPU
#include <filesystem>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "gpu/dawn/pipeline_cache.h"

namespace rookery::gpu {
namespace {

constexpr u32 kThreads = 4;
constexpr u32 kRounds = 50;

TEST(PipelineCacheThreadsTest, ABlobIsWholeOrAMiss) {
  const std::string folder = testing::TempDir() + "rookery_pipeline_cache_threads";
  std::filesystem::remove_all(folder);
  PipelineCache cache(folder);
  ASSERT_TRUE(cache.enabled());
  std::vector<u32> wrong(kThreads);
  {
    std::vector<std::jthread> threads;
    for (u32 thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&cache, &wrong, thread] {
        for (u32 round = 0; round < kRounds; ++round) {
          const std::vector<u8> key(8, static_cast<u8>(round % 5));
          const std::vector<u8> blob(1000 + round % 5, static_cast<u8>(round % 5));
          cache.store(key, blob);
          std::vector<u8> back(blob.size());
          const std::size_t bytes = cache.load(key, back);
          if (bytes != 0 && (bytes != blob.size() || back != blob)) ++wrong[thread];
        }
      });
    }
  }
  EXPECT_EQ(wrong, std::vector<u32>(kThreads, 0));
  EXPECT_EQ(cache.stores(), u64{kThreads} * kRounds);
  EXPECT_GT(cache.hits(), 0u);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace rookery::gpu
#endif  // ROOKERY_GPU
