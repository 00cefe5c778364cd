// SPDX-License-Identifier: Apache-2.0
// The disassembler against objdump: words of every row with every kind of operand, and words that
// are nobody's, are written to a file, objdump reads it, and the two texts are compared.
//
// Where they may differ, each checked below:
//  - objdump knows extensions that the machine has not: there, ours must say .word.
//  - objdump names hints and refuses fences with reserved fields; the machine executes both as the
//    instruction that they are encoded in, and so they are spelled.
//  - objdump knows CSRs that the machine has not: ours shows the number.
//  - objdump reads RV32's shifts by 32 and more, which are reserved and illegal here.
#include "isa/disassemble.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_set>

#include "isa/instruction_words.h"

namespace rookery::isa {
namespace {

constexpr u32 kOrigin = 0x80000000u;  // where objdump is told that the words lie
constexpr u32 kFenceMatch = 0x0000000fu;
constexpr u32 kMajorAndFunct3 = 0x0000707fu;

TEST(Disassemble, OneOfEachFormat) {
  const auto rv32 = [](u32 word) { return disassemble(Xlen::rv32, 0x1000, word); };
  EXPECT_EQ(rv32(0xfffff537), "lui a0,0xfffff");
  EXPECT_EQ(rv32(0x0080056f), "jal a0,0x1008");
  EXPECT_EQ(rv32(0xffc58567), "jalr a0,-4(a1)");
  EXPECT_EQ(rv32(0xfeb50ce3), "beq a0,a1,0xff8");
  EXPECT_EQ(rv32(0xffd58503), "lb a0,-3(a1)");
  EXPECT_EQ(rv32(0xfea58ea3), "sb a0,-3(a1)");
  EXPECT_EQ(rv32(0xffd58513), "addi a0,a1,-3");
  EXPECT_EQ(rv32(0x01f59513), "slli a0,a1,0x1f");
  EXPECT_EQ(rv32(0x02c58533), "mul a0,a1,a2");
  EXPECT_EQ(rv32(0x1605a52f), "lr.w.aqrl a0,(a1)");
  EXPECT_EQ(rv32(0x02c5a52f), "amoadd.w.rl a0,a2,(a1)");
  EXPECT_EQ(rv32(0x18059573), "csrrw a0,satp,a1");
  EXPECT_EQ(rv32(0x180fd573), "csrrwi a0,satp,31");
  EXPECT_EQ(rv32(0x14d59573), "csrrw a0,stimecmp,a1");
  EXPECT_EQ(rv32(0x12b50073), "sfence.vma a0,a1");
  EXPECT_EQ(rv32(0x0330000f), "fence rw,rw");
  EXPECT_EQ(rv32(0x8330000f), "fence.tso");
  EXPECT_EQ(rv32(0x0000100f), "fence.i");
  EXPECT_EQ(rv32(0x30200073), "mret");
}

TEST(Disassemble, WhatIsNoInstructionIsAWord) {
  EXPECT_EQ(disassemble(Xlen::rv32, 0, 0x00000000), ".word 0x00000000");
  EXPECT_EQ(disassemble(Xlen::rv32, 0, 0xffffffff), ".word 0xffffffff");
  EXPECT_EQ(disassemble(Xlen::rv64, 0, 0x00004505), ".word 0x00004505");  // c.li a0,1
  EXPECT_EQ(disassemble(Xlen::rv32, 0, 0x0005b503), ".word 0x0005b503");  // ld
  EXPECT_EQ(disassemble(Xlen::rv64, 0, 0x0005b503), "ld a0,0(a1)");
  EXPECT_EQ(disassemble(Xlen::rv32, 0, 0x02059513), ".word 0x02059513");  // slli by 32
  EXPECT_EQ(disassemble(Xlen::rv64, 0, 0x02059513), "slli a0,a1,0x20");
}

TEST(Disassemble, TargetsWrapAroundAtXlen) {
  constexpr u32 kBackBy8 = 0xff9ff06f;  // jal zero, .-8
  EXPECT_EQ(disassemble(Xlen::rv32, 4, kBackBy8), "jal zero,0xfffffffc");
  EXPECT_EQ(disassemble(Xlen::rv64, 4, kBackBy8), "jal zero,0xfffffffffffffffc");
  EXPECT_EQ(disassemble(Xlen::rv64, 0xffffffff80000008u, kBackBy8), "jal zero,0xffffffff80000000");
}

// --- objdump ---

// objdump reads an instruction as long as its low bits say. All words here say 32 bits, so that it
// never gets out of step.
bool is_32_bits_long(u32 word) { return (word & 3) == 3 && (word & 0x1c) != 0x1c; }

bool can_run(const std::string& program) {
  return std::system(fmt::format("'{}' --version > /dev/null 2>&1", program).c_str()) == 0;
}

// An objdump for RISC-V: $ROOKERY_OBJDUMP or one of Debian's.
std::optional<std::string> find_objdump() {
  std::vector<std::string> programs{"riscv64-unknown-elf-objdump", "riscv64-linux-gnu-objdump"};
  if (const char* chosen = std::getenv("ROOKERY_OBJDUMP")) programs = {chosen};
  for (const std::string& program : programs) {
    if (can_run(program)) return program;
  }
  return std::nullopt;
}

// Blanks become one space; objdump's remarks ("# 0x80001000") and symbols go away.
std::string normalised(std::string_view text) {
  text = text.substr(0, text.find('#'));
  std::string result;
  for (char c : text) {
    if (c == '\t' || c == '\n') c = ' ';
    if (c == ' ' && (result.empty() || result.back() == ' ')) continue;
    result += c;
  }
  while (result.ends_with(' ')) result.pop_back();
  return result;
}

// "addi" of "addi a0,a1,3"; the text up to the first space.
std::string_view mnemonic_of(std::string_view text) { return text.substr(0, text.find(' ')); }
std::string_view operands_of(std::string_view text) {
  const auto space = text.find(' ');
  return space == text.npos ? std::string_view{} : text.substr(space + 1);
}

// Versions of objdump spell a word that they do not know in different ways.
bool is_unknown(std::string_view objdump_text) {
  const std::string_view mnemonic = mnemonic_of(objdump_text);
  return mnemonic == ".4byte" || mnemonic == ".word" || mnemonic == ".insn" ||
         mnemonic.starts_with("0x");
}

// objdump's text for each word, in order.
std::vector<std::string> run_objdump(const std::string& objdump, Xlen xlen,
                                     const std::vector<u32>& words) {
  const std::string file = fmt::format("{}/rookery_disassemble_{}_rv{}.bin", testing::TempDir(),
                                       ::getpid(), static_cast<u32>(xlen));
  std::ofstream(file, std::ios::binary)
      .write(reinterpret_cast<const char*>(words.data()),
             static_cast<std::streamsize>(words.size() * 4));
  const std::string command =
      fmt::format("'{}' -D -z -b binary -m riscv:rv{} -M no-aliases --adjust-vma=0x{:x} '{}'",
                  objdump, static_cast<u32>(xlen), kOrigin, file);
  std::vector<std::string> texts(words.size());
  std::FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) {
    ADD_FAILURE() << command << " could not be started.";
    return texts;
  }
  char line[512];
  while (std::fgets(line, sizeof line, pipe) != nullptr) {
    // "    80000000:\t0005b503          \tld\ta0,0(a1)"
    unsigned long long address = 0;
    unsigned word = 0;
    int text_at = 0;
    if (std::sscanf(line, " %llx: %8x %n", &address, &word, &text_at) != 2) continue;
    const u64 index = (address - kOrigin) / 4;
    if (index >= words.size() || address % 4 != 0 || word != words[index]) {
      ADD_FAILURE() << "objdump is out of step: " << line;
      break;
    }
    texts[index] = normalised(line + text_at);
  }
  EXPECT_EQ(pclose(pipe), 0) << command;
  std::filesystem::remove(file);
  return texts;
}

// --- The words ---

class Words {
 public:
  explicit Words(Xlen xlen) : xlen_(xlen) {}

  // Words of the row: the corners of each operand field, then random ones.
  void add_row(const Row& row) {
    constexpr u32 kRandomWords = 300;
    constexpr u32 kRandomImmediates = 100;
    add(row, 0);
    add(row, ~0u);
    for (u32 bit = 0; bit < 32; ++bit) {
      add(row, 1u << bit);
      add(row, ~(1u << bit));
    }
    for (u32 shift : {7u, 15u, 20u}) {  // rd, rs1, rs2
      for (u32 reg = 0; reg < 32; ++reg) add(row, reg << shift | (random_() & ~(31u << shift)));
    }
    for (u32 order = 0; order < 4; ++order) {  // aq, rl
      for (u32 i = 0; i < 8; ++i) add(row, order << 25 | (random_() & ~(3u << 25)));
    }
    const u32 imm_mask = encode_immediate(row.format, xlen_, -1);
    for (i64 imm : interesting_immediates(row.format, xlen_, kRandomImmediates, random_)) {
      add(row, encode_immediate(row.format, xlen_, imm) | (random_() & ~imm_mask));
    }
    for (u32 i = 0; i < kRandomWords; ++i) add(row, random_());
  }

  // Words of the major opcodes in use, most of them illegal, and words of any.
  void add_strangers(u32 count) {
    const std::span<const Row> table = rows(xlen_);
    for (u32 i = 0; i < count; ++i) {
      const Row& near = table[random_() % table.size()];
      add((random_() & ~0x7fu) | (near.match & 0x7fu));
      add(random_() | 3u);
      // One bit beside a row.
      add(((random_() & ~near.mask) | near.match) ^ (1u << (random_() % 32)));
    }
    add(0x0100000fu);  // pause
    add(0x8330000fu);  // fence.tso
    add(0x00056013u);  // prefetch.i (a0)
    add(0x00156013u);  // prefetch.r (a0)
    add(0x00200033u);  // ntl.p1
  }

  void add_csr_numbers(const Row& row) {
    for (u32 number = 0; number < 4096; ++number) {
      add(row, number << 20 | (random_() & 0x000fffffu));
    }
  }

  const std::vector<u32>& all() const { return words_; }

 private:
  void add(const Row& row, u32 operands) { add((operands & ~row.mask) | row.match); }
  void add(u32 word) {
    if (is_32_bits_long(word)) words_.push_back(word);
  }

  Xlen xlen_;
  std::vector<u32> words_;
  std::mt19937 random_{20240229};
};

// --- The comparison ---

enum class Verdict {
  same,
  foreign,
  unknown_to_both,
  hint,
  reserved_fence,
  reserved_shift,
  foreign_csr,
  different
};

class Comparison {
 public:
  explicit Comparison(Xlen xlen) : xlen_(xlen) {
    for (const Row& row : rows(xlen)) {
      std::string name(row.name);
      std::ranges::replace(name, '_', '.');
      mnemonics_.insert(name);
      if (row.format == Format::AMO) {
        for (const char* order : {".aq", ".rl", ".aqrl"}) mnemonics_.insert(name + order);
      }
    }
    mnemonics_.insert("fence.tso");
#define CSR_FIELD(name, mask)
#define CSR(name, number, read, ...) csr_numbers_.insert(number);
#define CSR32(name, number, read, ...) csr_numbers_.insert(number);
#include "isa/csr.def"
  }

  Verdict compare(u32 word, const std::string& ours, const std::string& theirs) const {
    const bool foreign = !mnemonics_.contains(std::string(mnemonic_of(theirs)));
    const Row* row = find_row(xlen_, word);
    if (row == nullptr) {
      if (ours != fmt::format(".word 0x{:08x}", word)) return Verdict::different;
      if (is_unknown(theirs)) return Verdict::unknown_to_both;
      if (is_reserved_shift(word)) return Verdict::reserved_shift;
      return foreign ? Verdict::foreign : Verdict::different;
    }
    if (ours == theirs) return Verdict::same;
    if (row->kind == Kind::NOP) {
      // Reserved fields: rs1 and rd of both fences, fm of fence, the immediate of fence.i.
      const bool is_fence = row->match == kFenceMatch;
      const u32 reserved = is_fence ? 0xf00fff80u & ~kMajorAndFunct3 : ~kMajorAndFunct3;
      if ((word & reserved) != 0 && is_unknown(theirs)) return Verdict::reserved_fence;
    }
    if (!is_unknown(theirs) && foreign && is_hint(*row, word)) return Verdict::hint;
    if ((row->format == Format::CSR || row->format == Format::CSRI) &&
        is_foreign_csr(word, ours, theirs)) {
      return Verdict::foreign_csr;
    }
    return Verdict::different;
  }

 private:
  // Of RV32, by an amount whose sixth bit is set; without that bit it is a shift.
  bool is_reserved_shift(u32 word) const {
    constexpr u32 kSixthBit = 1u << 25;
    if (xlen_ != Xlen::rv32 || (word & kSixthBit) == 0) return false;
    const Row* row = find_row(xlen_, word & ~kSixthBit);
    return row != nullptr && row->format == Format::SHIFT;
  }

  // Unprivileged ISA, section 2.9: hints write x0, or are fences that order nothing.
  static bool is_hint(const Row& row, u32 word) {
    if (row.match == kFenceMatch) return ((word >> 24) & 15) == 0 || ((word >> 20) & 15) == 0;
    return row.kind == Kind::ALU && ((word >> 7) & 31) == 0;
  }

  // All the same but for the CSR, which has a name there and a number here.
  bool is_foreign_csr(u32 word, std::string_view ours, std::string_view theirs) const {
    const u32 number = word >> 20;
    const std::string shown = fmt::format("0x{:x}", number);
    const auto split = [](std::string_view text) {
      const std::string_view operands = operands_of(text);
      const auto first = operands.find(',');
      const auto second = operands.rfind(',');
      return std::array<std::string_view, 4>{mnemonic_of(text), operands.substr(0, first),
                                             operands.substr(first + 1, second - first - 1),
                                             operands.substr(second + 1)};
    };
    const auto a = split(ours);
    const auto b = split(theirs);
    return !csr_numbers_.contains(number) && a[2] == shown && a[0] == b[0] && a[1] == b[1] &&
           a[3] == b[3];
  }

  Xlen xlen_;
  std::unordered_set<std::string> mnemonics_;
  std::set<u32> csr_numbers_;
};

class DisassembleSweep : public testing::TestWithParam<Xlen> {};

TEST_P(DisassembleSweep, AgreesWithObjdump) {
  const std::optional<std::string> objdump = find_objdump();
  if (!objdump) {
    GTEST_SKIP() << "No objdump for RISC-V was found (Debian: binutils-riscv64-unknown-elf; or set "
                    "ROOKERY_OBJDUMP), so the disassembler was compared with nothing.";
  }
  constexpr u32 kStrangers = 20000;
  constexpr u32 kMaxShown = 20;
  const Xlen xlen = GetParam();

  Words words(xlen);
  for (const Row& row : rows(xlen)) {
    words.add_row(row);
    if (row.format == Format::CSR || row.format == Format::CSRI) words.add_csr_numbers(row);
  }
  words.add_strangers(kStrangers);

  const std::vector<std::string> theirs = run_objdump(*objdump, xlen, words.all());
  const Comparison comparison(xlen);
  std::map<Verdict, u32> count;
  std::set<std::string_view> rows_seen;
  for (size_t i = 0; i < theirs.size(); ++i) {
    const u32 word = words.all()[i];
    const std::string ours = disassemble(xlen, kOrigin + i * 4, word);
    const Verdict verdict = comparison.compare(word, ours, theirs[i]);
    ++count[verdict];
    if (verdict == Verdict::same) rows_seen.insert(find_row(xlen, word)->name);
    if (verdict == Verdict::different && count[verdict] <= kMaxShown) {
      ADD_FAILURE() << fmt::format("{:08x}: ours \"{}\", objdump's \"{}\"", word, ours, theirs[i]);
    }
  }
  EXPECT_EQ(count[Verdict::different], 0u);
  // That the sweep was one: every row agreed at least once, and every exception occurred.
  for (const Row& row : rows(xlen)) EXPECT_TRUE(rows_seen.contains(row.name)) << row.name;
  EXPECT_GT(count[Verdict::same], theirs.size() / 3);
  EXPECT_GT(count[Verdict::foreign], 0u);
  EXPECT_GT(count[Verdict::unknown_to_both], 0u);
  EXPECT_GT(count[Verdict::reserved_fence], 0u);
  RecordProperty("words", static_cast<int>(theirs.size()));
  RecordProperty("same", static_cast<int>(count[Verdict::same]));
  RecordProperty("foreign", static_cast<int>(count[Verdict::foreign]));
  RecordProperty("unknown_to_both", static_cast<int>(count[Verdict::unknown_to_both]));
  RecordProperty("hint", static_cast<int>(count[Verdict::hint]));
  RecordProperty("reserved_fence", static_cast<int>(count[Verdict::reserved_fence]));
  RecordProperty("reserved_shift", static_cast<int>(count[Verdict::reserved_shift]));
  RecordProperty("foreign_csr", static_cast<int>(count[Verdict::foreign_csr]));
}

INSTANTIATE_TEST_SUITE_P(Widths, DisassembleSweep, testing::Values(Xlen::rv32, Xlen::rv64),
                         [](const auto& param) {
                           return param.param == Xlen::rv32 ? "rv32" : "rv64";
                         });

}  // namespace
}  // namespace rookery::isa
