// SPDX-License-Identifier: Apache-2.0
// Whoever fuzzes in a test: on all cores, silently.
#pragma once

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "fuzz/fuzz.h"

namespace rookery::test {

class QuietFuzzHost final : public fuzz::FuzzHost {
 public:
  u64 now_us() override {
    using namespace std::chrono;
    return static_cast<u64>(
        duration_cast<microseconds>(steady_clock::now().time_since_epoch()).count());
  }
  bool stop_requested() override { return false; }
  void progress(const fuzz::FuzzReport&) override {}
  void note(const std::string&) override {}
  void for_each(u32 count, const std::function<void(u32)>& task) override {
    std::atomic<u32> next = 0;
    const auto work = [&] {
      for (u32 i = next++; i < count; i = next++) task(i);
    };
    std::vector<std::thread> threads;
    for (u32 i = 1; i < std::thread::hardware_concurrency(); ++i) threads.emplace_back(work);
    work();
    for (std::thread& thread : threads) thread.join();
  }
};

}  // namespace rookery::test
