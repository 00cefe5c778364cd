// SPDX-License-Identifier: Apache-2.0
#include "fuzzers/snapshot_seeds.h"

#include <cstdio>
#include <cstdlib>

#include "machine/snapshot.h"

namespace rookery::test {
namespace {

constexpr u64 kRamBytes = 1 * kMiB;

// A loop that counts in RAM, right behind the entry point.
constexpr u32 kProgram[] = {
    0x80002537,  // lui a0, 0x80002
    0x00052583,  // lw a1, 0(a0)
    0x00158593,  // addi a1, a1, 1
    0x00b52023,  // sw a1, 0(a0)
    0xff5ff06f,  // j -12
};

template <class T>
T checked(Result<T> result) {
  if (result) return *std::move(result);
  std::fprintf(stderr, "%s\n", result.error().text().c_str());
  std::abort();
}

BootImage some_image(Xlen xlen) {
  BootImage image;
  image.xlen = xlen;
  image.ram_bytes = kRamBytes;
  image.layout.mode = BootMode::bare;
  image.layout.entry_pa = isa::RAM_BASE;
  std::vector<u8> code;
  for (const u32 word : kProgram) {
    for (u32 shift = 0; shift < 32; shift += 8) code.push_back(static_cast<u8>(word >> shift));
  }
  image.pieces.push_back({isa::RAM_BASE, std::move(code)});
  image.pieces.push_back({isa::RAM_BASE + 0x10ff0, std::vector<u8>(5000, 0x17)});
  return image;
}

// Of the image, with the byte `mark` in a page of its own.
Snapshot some_snapshot(Xlen xlen, u8 mark) {
  Snapshot snapshot;
  snapshot.image = some_image(xlen);
  snapshot.instructions = 12'345;
  snapshot.program = "rookery";
  snapshot.engine = "CPU";
  snapshot.command_line = "console=ttyS0";
  snapshot.pending = {"echo a line\n", true};
  Checkpoint& now = snapshot.now.emplace();
  now.state = initial_state(snapshot.image);
  std::visit([](auto& s) { s.machine.ram_bytes = kRamBytes; }, now.state);
  const auto add_page = [&](u32 number, const std::vector<u8>& bytes) {
    now.numbers.push_back(number);
    now.bytes.insert(now.bytes.end(), bytes.begin(), bytes.end());
    now.bytes.resize(now.numbers.size() * isa::PAGE_BYTES);
  };
  add_page(0, snapshot.image.pieces[0].bytes);
  add_page(2, {mark, 1, 2, 3});
  add_page(7, {mark});
  return snapshot;
}

}  // namespace

std::vector<SnapshotSeed> snapshot_seeds() {
  std::vector<SnapshotSeed> seeds;
  const FindParent find_parent = [&](const SnapshotParent& wanted,
                                     const std::string&) -> Result<FoundSnapshot> {
    for (const SnapshotSeed& seed : seeds) {
      if (snapshot_id(seed.bytes) == wanted.id) return FoundSnapshot{seed.bytes, seed.name};
    }
    return fail(ErrorKind::internal, "No seed is {}.", wanted.id.text());
  };
  const auto add = [&](std::string name, const Snapshot& snapshot, const Snapshot* parent) {
    std::vector<u8> bytes;
    if (parent != nullptr) {
      const SnapshotBase base{*parent, "../parent.rook"};
      bytes = checked(encode_snapshot(snapshot, &base));
    } else {
      bytes = checked(encode_snapshot(snapshot));
    }
    Snapshot parsed = checked(parse_snapshot(bytes, name, find_parent));
    seeds.push_back({std::move(name), std::move(bytes)});
    return parsed;
  };
  Snapshot packed;
  packed.image = some_image(Xlen::rv32);
  const Snapshot not_run = add("packed", packed, nullptr);
  add("packed_child", some_snapshot(Xlen::rv32, 1), &not_run);
  const Snapshot whole = add("rv32", some_snapshot(Xlen::rv32, 1), nullptr);
  const Snapshot child = add("rv32_child", some_snapshot(Xlen::rv32, 2), &whole);
  Snapshot shorter = some_snapshot(Xlen::rv32, 3);
  shorter.now->numbers.pop_back();
  shorter.now->bytes.resize(shorter.now->numbers.size() * isa::PAGE_BYTES);
  add("rv32_grandchild", shorter, &child);
  add("rv64", some_snapshot(Xlen::rv64, 1), nullptr);
  return seeds;
}

}  // namespace rookery::test
