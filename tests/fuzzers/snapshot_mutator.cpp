// SPDX-License-Identifier: Apache-2.0
#include "fuzzers/snapshot_mutator.h"

#include <algorithm>
#include <random>
#include <utility>

#include <zstd.h>

#include "machine/config.h"
#include "machine/snapshot_sections.h"

namespace rookery::test {
namespace {

using namespace snapshot_sections;

constexpr u64 kMaxPayloadBytes = 4 * kMiB;
constexpr u64 kMaxGrowthBytes = 4 * kKiB;

struct OpenSection {
  u32 kind;
  std::vector<u8> payload;
};

// As many as can be unpacked.
std::vector<OpenSection> open_sections(std::span<const u8> bytes) {
  std::vector<OpenSection> sections;
  for (u64 at = kHeadBytes; at <= bytes.size() && bytes.size() - at >= kSectionHeadBytes;) {
    const u64 stored = get<u64>(bytes, at + 8);
    const u64 unpacked = get<u64>(bytes, at + 16);
    if (stored > bytes.size() - at - kSectionHeadBytes || unpacked > kMaxPayloadBytes) break;
    OpenSection section{get<u32>(bytes, at), std::vector<u8>(unpacked)};
    const std::size_t made = ZSTD_decompress(section.payload.data(), unpacked,
                                             bytes.data() + at + kSectionHeadBytes, stored);
    if (ZSTD_isError(made) != 0u || made != unpacked) break;
    sections.push_back(std::move(section));
    at += kSectionHeadBytes + stored;
  }
  return sections;
}

}  // namespace

std::vector<u8> mutate_snapshot(std::span<const u8> bytes, std::size_t max_bytes, u32 seed,
                                const MutateBytes& mutate) {
  std::vector<OpenSection> sections = open_sections(bytes);
  if (sections.empty()) return {};
  std::minstd_rand random(seed);
  const auto any = [&] { return random() % sections.size(); };
  switch (random() % 16) {
    case 0:
      sections.erase(sections.begin() + static_cast<i64>(any()));
      break;
    case 1:
      sections.insert(sections.begin() + static_cast<i64>(any()), OpenSection(sections[any()]));
      break;
    case 2:
      std::swap(sections[any()], sections[any()]);
      break;
    case 3:
      sections[any()].kind = random() % 8;
      break;
    default: {
      std::vector<u8>& payload = sections[any()].payload;
      const std::size_t size = payload.size();
      payload.resize(size + kMaxGrowthBytes);
      payload.resize(mutate(payload.data(), size, payload.size()));
    }
  }
  std::vector<u8> out(bytes.begin(), bytes.begin() + kHeadBytes);
  if (random() % 64 == 0) out[kMagic.size()] = static_cast<u8>(random() % 4);  // the version
  for (const OpenSection& section : sections) {
    if (!put_section(out, static_cast<Section>(section.kind), section.payload)) return {};
  }
  return out.size() <= max_bytes ? out : std::vector<u8>();
}

}  // namespace rookery::test
