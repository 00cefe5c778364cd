// SPDX-License-Identifier: Apache-2.0
#include "fuzz/reduce.h"

#include <algorithm>
#include <array>
#include <bit>

namespace rookery::fuzz {
namespace {

constexpr u64 kWordBytes = sizeof(u32);

constexpr u32 kNop = 0x13;  // addi x0, x0, 0

template <class T>
std::unexpected<Error> pass_on(Result<T>& failed) {
  return std::unexpected(std::move(failed.error()));
}

// What of a state may be any words, and what has to go together.
struct Parts {
  std::array<std::span<u32>, 3> free;
  // Entry i is tag_words words of `tags` and one of `pages`. Half an entry would be a translation
  // that no machine has.
  std::span<u32> tags;
  std::span<u32> pages;
  u64 tag_words;
};
Parts parts_of(MachineState& state) {
  return std::visit(
      [](auto& s) {
        const std::span<u32> words = s.words();
        const auto words_at = [&](auto& field) {
          u32* const first = reinterpret_cast<u32*>(&field);
          return std::span<u32>(first, sizeof(field) / kWordBytes);
        };
        const auto between = [&](std::span<u32> before, std::span<u32> behind) {
          return std::span<u32>(before.data() + before.size(), behind.data());
        };
        const auto icount = words_at(s.hart.icount);
        const auto pc = words_at(s.hart.pc);
        const auto tags = words_at(s.hart.tlb_tag);
        const auto pages = words_at(s.hart.tlb_page);
        const auto machine = words_at(s.machine);
        return Parts{{between(icount, pc), between(pc, tags), between(pages, machine)},
                     tags,
                     pages,
                     tags.size() / pages.size()};
      },
      state);
}

class Reducer {
 public:
  Reducer(const EnginePair& pair, const Checkpoint& loaded, Trial trial,
          const std::function<bool()>& stop)
      : pair_(pair), loaded_(loaded), stop_(stop), trial_(std::move(trial)) {}

  Result<Reduction> run() {
    Result<void> ok = shorten();
    if (ok) ok = start_later();
    if (ok) ok = reduce_state();
    if (ok) ok = reduce_ram();
    if (!ok) return pass_on(ok);
    return Reduction{std::move(trial_), tried_};
  }

 private:
  Result<bool> differs() {
    ++tried_;
    const Checkpoint start = checkpoint_of(trial_, loaded_);
    Result<void> ok = restore_checkpoint(pair_.expected, pair_.expected_vm, start, loaded_);
    if (ok) ok = restore_checkpoint(pair_.actual, pair_.actual_vm, start, loaded_);
    if (!ok) return pass_on(ok);
    Result<std::string> difference = advance_both(pair_, icount_of(trial_.state) + trial_.steps);
    if (!difference) return pass_on(difference);
    return !difference->empty();
  }

  // The fewest steps after which they differ, if they go on differing once they do.
  Result<void> shorten() {
    u64 equal = 0;
    u64 different = trial_.steps;
    while (different - equal > 1 && !stop_()) {
      trial_.steps = equal + (different - equal) / 2;
      Result<bool> result = differs();
      if (!result) return pass_on(result);
      (*result ? different : equal) = trial_.steps;
    }
    trial_.steps = different;
    return {};
  }

  // From where the oracle is a power of two of steps before the end.
  Result<void> start_later() {
    const Trial whole = trial_;
    const u64 first = icount_of(whole.state);
    for (u64 steps = 1; steps < whole.steps && !stop_(); steps *= 2) {
      Result<void> ok = restore_checkpoint(pair_.expected, pair_.expected_vm,
                                           checkpoint_of(whole, loaded_), loaded_);
      if (!ok) return ok;
      Result<Stop> stop = run_until(pair_.expected, pair_.expected_vm, first + whole.steps - steps);
      if (!stop) return pass_on(stop);
      Result<Checkpoint> start = take_checkpoint(pair_.expected, pair_.expected_vm);
      if (!start) return pass_on(start);
      trial_ = trial_of(*start, whole.ram, steps);
      Result<bool> result = differs();
      if (!result) return pass_on(result);
      if (*result) return shorten();
    }
    trial_ = whole;
    return {};
  }

  // Replaces words [first, first + count) of `words` by `value`, if they still differ then.
  Result<bool> replace(std::span<u32> words, u32 value) {
    std::vector<u32> before(words.begin(), words.end());
    std::ranges::fill(words, value);
    Result<bool> result = differs();
    if (!result || !*result) std::ranges::copy(before, words.begin());
    return result;
  }

  static bool all_are(std::span<const u32> words, u32 value) {
    return std::ranges::all_of(words, [=](u32 word) { return word == value; });
  }

  // As much of `words` as can be, in parts of `part` words, then of half as many, down to `least`.
  Result<void> clear(std::span<u32> words, u64 part, u64 least) {
    for (; part >= least && part != 0; part /= 2) {
      for (u64 first = 0; first < words.size() && !stop_(); first += part) {
        const std::span<u32> some = words.subspan(first, std::min(part, words.size() - first));
        if (all_are(some, 0) || (least == 1 && all_are(some, kNop))) continue;
        Result<bool> cleared = replace(some, 0);
        if (!cleared) return pass_on(cleared);
        if (*cleared || part != 1 || !in_code_) continue;
        Result<bool> skipped = replace(some, kNop);
        if (!skipped) return pass_on(skipped);
      }
    }
    return {};
  }

  Result<void> reduce_state() {
    const Parts parts = parts_of(trial_.state);
    if (Result<void> ok = clear_tlb(parts); !ok) return ok;
    for (const std::span<u32> part : parts.free) {
      if (Result<void> ok = clear(part, std::bit_ceil(part.size()), 1); !ok) return ok;
    }
    return {};
  }

  Result<void> clear_tlb(const Parts& parts) {
    for (u64 entries = std::bit_ceil(parts.pages.size()); entries != 0; entries /= 2) {
      for (u64 first = 0; first < parts.pages.size() && !stop_(); first += entries) {
        const u64 count = std::min(entries, parts.pages.size() - first);
        const auto tags = parts.tags.subspan(first * parts.tag_words, count * parts.tag_words);
        const auto pages = parts.pages.subspan(first, count);
        if (all_are(tags, 0)) continue;
        const std::vector<u32> before(pages.begin(), pages.end());
        std::ranges::fill(pages, 0);
        Result<bool> cleared = replace(tags, 0);
        if (!cleared) return pass_on(cleared);
        if (!*cleared) std::ranges::copy(before, pages.begin());
      }
    }
    return {};
  }

  Result<void> reduce_ram() {
    const std::span<u32> words(reinterpret_cast<u32*>(trial_.ram.data()), trial_.ram.size() / 4);
    if (Result<void> ok = clear(words, std::bit_ceil(words.size()), isa::PAGE_WORDS); !ok)
      return ok;
    in_code_ = trial_.steps > 1;
    for (u64 first = 0; first < words.size(); first += isa::PAGE_WORDS) {
      const std::span<u32> page = words.subspan(first, isa::PAGE_WORDS);
      if (all_are(page, 0)) continue;
      if (Result<void> ok = clear(page, isa::PAGE_WORDS / 2, 1); !ok) return ok;
    }
    return {};
  }

  EnginePair pair_;
  const Checkpoint& loaded_;
  const std::function<bool()>& stop_;
  Trial trial_;
  u32 tried_ = 0;
  bool in_code_ = false;  // words may be instructions that others come after
};

}  // namespace

Trial trial_of(const Checkpoint& start, std::vector<u8> ram, u64 steps) {
  Trial trial{start.state, std::move(ram), steps};
  for (u64 i = 0; i < start.numbers.size(); ++i) {
    std::ranges::copy(std::span(start.bytes).subspan(i * isa::PAGE_BYTES, isa::PAGE_BYTES),
                      trial.ram.begin() + u64{start.numbers[i]} * isa::PAGE_BYTES);
  }
  return trial;
}

Checkpoint checkpoint_of(const Trial& trial, const Checkpoint& loaded) {
  Checkpoint checkpoint{trial.state, {}, {}};
  const Checkpoint none{trial.state, {}, {}};
  for (u32 number = 0; number < trial.ram.size() / isa::PAGE_BYTES; ++number) {
    const std::span<const u8> page =
        std::span(trial.ram).subspan(u64{number} * isa::PAGE_BYTES, isa::PAGE_BYTES);
    if (std::ranges::equal(page, page_at(none, loaded, number))) continue;
    checkpoint.numbers.push_back(number);
    checkpoint.bytes.insert(checkpoint.bytes.end(), page.begin(), page.end());
  }
  return checkpoint;
}

Result<Reduction> reduce(const EnginePair& pair, const Checkpoint& loaded, Trial trial,
                         const std::function<bool()>& stop) {
  return Reducer(pair, loaded, std::move(trial), stop).run();
}

}  // namespace rookery::fuzz
