// SPDX-License-Identifier: Apache-2.0
#include "debug/history.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace rookery::debug {
namespace {

// What running again from a checkpoint may take: short enough for a step back to feel like a step.
constexpr double kRerunSeconds = 0.03;
constexpr u64 kMinSpacing = 1'000;

}  // namespace

Result<History> History::begin(Machine& machine, u64 max_bytes) {
  History history(machine, max_bytes);
  if (auto done = history.take(); !done) return std::unexpected(std::move(done.error()));
  return history;
}

Result<void> History::note() {
  const u64 now = machine_.instructions();
  const auto behind = std::prev(checkpoints_.upper_bound(now));
  const u64 spacing =
      std::max(kMinSpacing, static_cast<u64>(machine_.mips() * 1e6 * kRerunSeconds));
  return now - behind->first < spacing ? Result<void>() : take();
}

Result<void> History::keep() {
  return checkpoints_.contains(machine_.instructions()) ? Result<void>() : take();
}

Result<void> History::go_back(u64 count) {
  return machine_.restore(std::prev(checkpoints_.upper_bound(count))->second);
}

Result<void> History::take() {
  auto checkpoint = machine_.checkpoint();
  if (!checkpoint) return std::unexpected(std::move(checkpoint.error()));
  bytes_ += checkpoint->bytes();
  const u64 count = checkpoint->instructions;
  checkpoints_.emplace(count, *std::move(checkpoint));
  while (bytes_ > max_bytes_ && checkpoints_.size() > 2) thin_out();
  return {};
}

// Drops the one that is missed least: whose neighbours are close together for how far they are
// from the last one. The first and the last stay.
void History::thin_out() {
  const u64 last = std::prev(checkpoints_.end())->first;
  auto least = checkpoints_.end();
  double least_missed = 0;
  for (auto at = std::next(checkpoints_.begin()); std::next(at) != checkpoints_.end(); ++at) {
    const u64 gap = std::next(at)->first - std::prev(at)->first;
    const double missed = static_cast<double>(gap) / static_cast<double>(last - at->first);
    if (least != checkpoints_.end() && missed >= least_missed) continue;
    least = at;
    least_missed = missed;
  }
  bytes_ -= least->second.bytes();
  checkpoints_.erase(least);
}

}  // namespace rookery::debug
