// SPDX-License-Identifier: Apache-2.0
// Random programs for tests/bare/user_programs.S:
//   write_user_programs XLEN SEED COUNT INSTRUCTIONS > FILE
// The code is fuzz::CodeGenerator's for user level, as `rookery fuzz` uses it.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "fuzz/random_code.h"

namespace {

using namespace rookery;

constexpr u32 kDataBytes = 8192;
constexpr u32 kEcall = 0x00000073;
constexpr u32 kNop = 0x00000013;
constexpr u32 kRegisters = 32;

void put(std::vector<u8>& bytes, u64 value, u32 count) {
  for (u32 i = 0; i < count; ++i) bytes.push_back(static_cast<u8>(value >> (8 * i)));
}

u64 any_value(fuzz::Random& random) {
  constexpr u64 kEdges[] = {0,           1, ~u64{0}, 0x7fffffff, 0x80000000, 0xffffffff80000000,
                            u64{1} << 63};
  return random.percent(30) ? kEdges[random.below(std::size(kEdges))] : random.next();
}

// A word that is no instruction, a bit away from one.
u32 illegal_word(isa::Xlen xlen, const fuzz::CodeGenerator& code, fuzz::Random& random) {
  while (true) {
    const u32 word = code.word(random) ^ (1u << random.below(32));
    if (isa::find_row(xlen, word) == nullptr) return word;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fputs("write_user_programs XLEN SEED COUNT INSTRUCTIONS\n", stderr);
    return 64;
  }
  const isa::Xlen xlen = std::atoi(argv[1]) == 64 ? isa::Xlen::rv64 : isa::Xlen::rv32;
  fuzz::Random random(std::strtoull(argv[2], nullptr, 0));
  const u32 count = static_cast<u32>(std::atoi(argv[3]));
  const u32 instructions = static_cast<u32>(std::atoi(argv[4]));
  const u32 register_bytes = static_cast<u32>(xlen) / 8;
  const u32 bytes_each = kRegisters * register_bytes + (instructions + fuzz::kMaxSkip + 2) / 2 * 8;

  const fuzz::CodeGenerator code(xlen, {.privileged = false,
                                        .invalid = false,
                                        .misaligned = false,
                                        .reservations = false,
                                        .confined = true});
  std::vector<u8> out;
  put(out, count, 4);
  put(out, bytes_each, 4);
  for (u32 program = 0; program < count; ++program) {
    const std::size_t begin = out.size();
    for (u32 number = 0; number < kRegisters; ++number) {
      const bool is_pointer =
          number >= fuzz::kPointers && number < fuzz::kPointers + fuzz::kPointerCount;
      const u32 reach = fuzz::kReachBytes;
      put(out,
          is_pointer ? reach + random.below((kDataBytes - 2 * reach) / 8) * 8 : any_value(random),
          register_bytes);
    }
    for (u32 i = 0; i < instructions; ++i)
      put(out, random.percent(2) ? illegal_word(xlen, code, random) : code.word(random), 4);
    while (out.size() - begin < bytes_each - 4) put(out, kNop, 4);
    put(out, kEcall, 4);
  }
  return std::fwrite(out.data(), 1, out.size(), stdout) == out.size() ? 0 : 74;
}
