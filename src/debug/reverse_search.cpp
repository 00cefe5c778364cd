// SPDX-License-Identifier: Apache-2.0
#include "debug/reverse_search.h"

#include <utility>

namespace rookery::debug {
namespace {

// So far before its goal the machine is kept: who steps back once does so again.
constexpr u64 kKeptSteps = 2'000;

}  // namespace

ReverseSearch::ReverseSearch(DebugTarget& target, Goal goal)
    : target_(target), stretch_end_(target.count()) {
  if (goal == Goal::step && stretch_end_ != 0) goal_ = Place{stretch_end_ - 1, std::nullopt};
}

Result<std::optional<ReverseSearch::Found>> ReverseSearch::turn() {
  if (stretch_end_ == 0 && !goal_) return Found{.is_beginning = true};
  if (!in_stretch_) {
    const u64 before = goal_ ? goal_->count : stretch_end_ - 1;
    if (auto done = target_.go_back(before); !done) return std::unexpected(std::move(done.error()));
    stretch_begin_ = target_.count();
    in_stretch_ = true;
  }
  if (goal_) {
    const u64 left = goal_->count - target_.count();
    if (left == 0) return Found{.stop = goal_->stop};
    if (left == kKeptSteps) {
      if (auto done = target_.keep(); !done) return std::unexpected(std::move(done.error()));
    }
    auto progress = target_.run_past_stops(left > kKeptSteps ? left - kKeptSteps : left);
    if (!progress) return std::unexpected(std::move(progress.error()));
    return std::nullopt;
  }
  const u64 left = stretch_end_ - target_.count();
  if (left != 0) {
    auto progress = target_.run_to_stop(left);
    if (!progress) return std::unexpected(std::move(progress.error()));
    if (progress->stop && target_.count() < stretch_end_) {
      const bool is_done = target_.is_data_stop(*progress->stop);
      last_hit_ = Place{target_.count() + (is_done ? 1 : 0), progress->stop};
    }
    return std::nullopt;
  }
  // All of the stretch was looked at.
  in_stretch_ = false;
  stretch_end_ = stretch_begin_;
  if (last_hit_) {
    goal_ = std::exchange(last_hit_, std::nullopt);
  } else if (stretch_end_ == 0) {
    if (auto done = target_.go_back(0); !done) return std::unexpected(std::move(done.error()));
  }
  return std::nullopt;
}

}  // namespace rookery::debug
