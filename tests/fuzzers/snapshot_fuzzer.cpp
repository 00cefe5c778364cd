// SPDX-License-Identifier: Apache-2.0
// libFuzzer's target for snapshots from anywhere: parses the input; what is accepted has to come
// back from the encoder as it was, and to run on the CPU engine. Parents are the seeds.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "engine/cpu/cpu_engine.h"
#include "fuzzers/snapshot_mutator.h"
#include "fuzzers/snapshot_seeds.h"
#include "machine/machine.h"
#include "machine/snapshot.h"

namespace rookery::test {
namespace {

constexpr u64 kMaxRunBytes = 4 * kMiB;  // of RAM: larger machines are parsed only
constexpr u64 kSteps = 2'000;

void require(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "The loader's promise is broken: %s.\n", what);
  std::abort();
}

Result<FoundSnapshot> find_seed(const SnapshotParent& wanted, const std::string& child) {
  static const std::vector<SnapshotSeed> seeds = snapshot_seeds();
  for (const SnapshotSeed& seed : seeds) {
    if (snapshot_id(seed.bytes) == wanted.id) return FoundSnapshot{seed.bytes, seed.name};
  }
  return fail(ErrorKind::image, "The parent of {} is no seed.", child);
}

// Nobody types, nobody reads, and no time goes by.
class SilentHost final : public MachineHost {
 public:
  u64 now_us() override { return time_us_ += 10; }
  Result<void> print(std::string_view) override { return {}; }
  Result<TypedInput> read_typed() override { return TypedInput{{}, true}; }
  void sleep(u64 us) override { time_us_ += us; }
  bool stop_requested() override { return false; }
  void saw_exit(const Exit&, u64) override {}

 private:
  u64 time_us_ = 0;
};

void check_pages(const Snapshot& snapshot) {
  const u64 end = isa::RAM_BASE + snapshot.image.ram_bytes;
  u64 at = isa::RAM_BASE;
  for (const BootPiece& piece : snapshot.image.pieces) {
    require(piece.pa >= at && !piece.bytes.empty(), "the image's pieces are in order");
    at = piece.pa + piece.bytes.size();
    require(at <= end, "the image's pieces are in RAM");
  }
  if (!snapshot.now) return;
  const std::vector<u32>& numbers = snapshot.now->numbers;
  require(std::ranges::is_sorted(numbers, std::less_equal<>()) || numbers.size() < 2,
          "pages are in order");
  require(numbers.empty() || numbers.back() < snapshot.image.ram_bytes / isa::PAGE_BYTES,
          "pages are in RAM");
  require(snapshot.now->bytes.size() == numbers.size() * isa::PAGE_BYTES, "pages have bytes");
}

void check_comes_back(const Snapshot& snapshot) {
  const auto bytes = encode_snapshot(snapshot);
  require(bytes.has_value(), "what was parsed can be encoded");
  const auto again = parse_snapshot(*bytes, "copy");
  require(again.has_value(), "what was encoded can be parsed");
  const auto third = encode_snapshot(*again);
  require(third && *third == *bytes, "the encoder writes one machine in one way");
}

void run(Snapshot snapshot) {
  EngineConfig config;
  config.xlen = snapshot.image.xlen;
  config.ram_bytes = snapshot.image.ram_bytes;
  SilentHost host;
  RunOptions options;
  options.input = snapshot.instructions % 2 == 0 ? InputMode::piped : InputMode::terminal;
  options.max_instructions = snapshot.instructions + kSteps;
  options.timeout_us = 1'000'000;
  auto machine = Machine::resume(
      std::move(snapshot), [&] { return create_cpu_engine(config); }, options, host);
  if (machine) (void)(*machine)->run();
}

}  // namespace
}  // namespace rookery::test

using rookery::u8;

extern "C" std::size_t LLVMFuzzerMutate(u8* data, std::size_t size, std::size_t max_size);

extern "C" std::size_t LLVMFuzzerCustomMutator(u8* data, std::size_t size, std::size_t max_size,
                                               unsigned int seed) {
  constexpr unsigned int kPlainOneIn = 16;  // as it comes, checksums and all
  if (seed % kPlainOneIn != 0) {
    const std::vector<u8> changed = rookery::test::mutate_snapshot(
        {data, size}, max_size, seed, [](u8* bytes, std::size_t count, std::size_t capacity) {
          return LLVMFuzzerMutate(bytes, count, capacity);
        });
    if (!changed.empty()) {
      std::memcpy(data, changed.data(), changed.size());
      return changed.size();
    }
  }
  return LLVMFuzzerMutate(data, size, max_size);
}

extern "C" int LLVMFuzzerTestOneInput(const u8* data, std::size_t size) {
  using namespace rookery;
  using namespace rookery::test;
  auto snapshot = parse_snapshot({data, size}, "fuzzed snapshot", find_seed);
  if (!snapshot) {
    require(snapshot.error().kind == ErrorKind::image, "a bad file is an error of kind image");
    return 0;
  }
  check_pages(*snapshot);
  check_comes_back(*snapshot);
  if (snapshot->image.ram_bytes <= kMaxRunBytes) run(*std::move(snapshot));
  return 0;
}
