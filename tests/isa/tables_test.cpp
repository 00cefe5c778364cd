// SPDX-License-Identifier: Apache-2.0
// The tables check themselves: isa/*.def hold no contradictions, whatever rows are added. Whether
// each row is executed is coverage_test.cpp's, how it reads disassemble_test.cpp's.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cctype>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "isa/constants.h"
#include "isa/decode.h"
#include "isa/instruction_words.h"

namespace rookery::isa {
namespace {

constexpr u32 kRdMask = 31u << 7;
constexpr u32 kRs1Mask = 31u << 15;
constexpr u32 kRs2Mask = 31u << 20;

// --- Instructions ---

class InstructionTable : public testing::TestWithParam<Xlen> {
 protected:
  Xlen xlen() const { return GetParam(); }
  std::span<const Row> table() const { return rows(xlen()); }
};
INSTANTIATE_TEST_SUITE_P(Widths, InstructionTable, testing::Values(Xlen::rv32, Xlen::rv64),
                         [](const auto& param) {
                           return param.param == Xlen::rv32 ? "rv32" : "rv64";
                         });

TEST_P(InstructionTable, MatchLiesWithinMask) {
  for (const Row& row : table()) {
    EXPECT_EQ(row.match & ~row.mask, 0u) << row.name;
    EXPECT_EQ(row.mask & 0x7f, 0x7fu) << row.name << ": the major opcode is part of every encoding";
    EXPECT_EQ(row.match & 3, 3u) << row.name << ": 32-bit instructions end in 11";
  }
}

// No exceptions: no word is two instructions.
TEST_P(InstructionTable, NoTwoEncodingsOverlap) {
  for (size_t i = 0; i < table().size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      const Row& a = table()[i];
      const Row& b = table()[j];
      EXPECT_NE((a.match ^ b.match) & a.mask & b.mask, 0u) << a.name << " and " << b.name;
    }
  }
}

TEST_P(InstructionTable, NamesAreUniqueIdentifiers) {
  std::set<std::string_view> names;
  for (const Row& row : table()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name << " is there twice";
    EXPECT_TRUE(std::ranges::all_of(row.name, [](unsigned char c) {
      return std::islower(c) || std::isdigit(c) || c == '_';
    })) << row.name;
  }
}

TEST_P(InstructionTable, FindRowReachesEveryRow) {
  std::mt19937 random{1};
  for (const Row& row : table()) {
    for (u32 operands : {0u, ~0u, static_cast<u32>(random()), static_cast<u32>(random())}) {
      EXPECT_EQ(find_row(xlen(), row.match | (operands & ~row.mask)), &row) << row.name;
    }
  }
}

TEST_P(InstructionTable, FindRowIsASearchOfTheWholeTable) {
  std::mt19937 random{2};
  for (u32 i = 0; i < 20000; ++i) {
    const u32 word = static_cast<u32>(random()) | (i % 4 == 0 ? 0u : 3u);
    const Row* slow = nullptr;
    for (const Row& row : table()) {
      if ((word & row.mask) == row.match) slow = &row;
    }
    ASSERT_EQ(find_row(xlen(), word), slow) << fmt::format("{:08x}", word);
  }
}

TEST_P(InstructionTable, SixteenBitWordsAreNothing) {
  std::mt19937 random{3};
  for (u32 i = 0; i < 20000; ++i) {
    const u32 word = (static_cast<u32>(random()) & ~3u) | i % 3;
    ASSERT_EQ(find_row(xlen(), word), nullptr) << fmt::format("{:08x}", word);
  }
}

// An operand field is either an operand or fixed, and fixed ones are zero.
TEST_P(InstructionTable, MasksCoverOperandFieldsWhollyOrNotAtAll) {
  struct Operands {
    Format format;
    std::vector<u32> fields;
  };
  const Operands kOperands[] = {
      {Format::R, {kRdMask, kRs1Mask, kRs2Mask}},
      {Format::I, {kRdMask, kRs1Mask}},
      {Format::SHIFT, {kRdMask, kRs1Mask}},
      {Format::S, {kRs1Mask, kRs2Mask}},
      {Format::B, {kRs1Mask, kRs2Mask}},
      {Format::U, {kRdMask}},
      {Format::J, {kRdMask}},
      {Format::AMO, {kRdMask, kRs1Mask, kRs2Mask}},
      {Format::CSR, {kRdMask, kRs1Mask}},
      {Format::CSRI, {kRdMask, kRs1Mask}},
  };
  for (const Row& row : table()) {
    for (const Operands& operands : kOperands) {
      if (operands.format != row.format) continue;
      for (u32 field : operands.fields) {
        const u32 fixed = row.mask & field;
        EXPECT_TRUE(fixed == 0 || fixed == field) << row.name;
        EXPECT_EQ(row.match & field & fixed, 0u) << row.name;
      }
    }
    const u32 imm_mask = encode_immediate(row.format, xlen(), -1);
    // Instructions on words (slliw) have five-bit shifts on RV64, too.
    const u32 word_shift = row.format == Format::SHIFT ? 1u << 25 : 0;
    EXPECT_EQ(row.mask & imm_mask & ~word_shift, 0u) << row.name;
    if (row.format == Format::AMO) {
      EXPECT_EQ(row.mask & (3u << 25), 0u) << row.name << ": aq and rl are free";
    }
  }
}

TEST_P(InstructionTable, KindsHaveTheirFormats) {
  for (const Row& row : table()) {
    switch (row.kind) {
      case Kind::BRANCH:
        EXPECT_EQ(row.format, Format::B) << row.name;
        break;
      case Kind::JAL:
        EXPECT_EQ(row.format, Format::J) << row.name;
        break;
      case Kind::JALR:
      case Kind::LOAD:
        EXPECT_EQ(row.format, Format::I) << row.name;
        break;
      case Kind::STORE:
        EXPECT_EQ(row.format, Format::S) << row.name;
        break;
      case Kind::AMO:
        EXPECT_EQ(row.format, Format::AMO) << row.name;
        break;
      case Kind::ALU:
        EXPECT_TRUE(row.format == Format::R || row.format == Format::I ||
                    row.format == Format::SHIFT || row.format == Format::U)
            << row.name;
        break;
      case Kind::SLOW:
      case Kind::NOP:
        break;
    }
    EXPECT_EQ(row.semantics.empty(), row.kind == Kind::NOP) << row.name;
  }
}

// funct3's low bits are log2 of the bytes (the engines rely on it); no access is wider than XLEN.
TEST_P(InstructionTable, AccessesAreAtMostXlenWide) {
  for (const Row& row : table()) {
    if (row.kind != Kind::LOAD && row.kind != Kind::STORE && row.kind != Kind::AMO) continue;
    const u32 bits = 8u << ((row.match >> 12) & 3);
    EXPECT_LE(bits, static_cast<u32>(xlen())) << row.name;
    if (row.kind == Kind::AMO) {
      EXPECT_GE(bits, 32u) << row.name;
    }
  }
}

TEST(InstructionTables, Rv64HasEveryRowOfRv32) {
  for (const Row& row : rows(Xlen::rv32)) {
    const Row* wide = find_row(Xlen::rv64, row.match);
    ASSERT_NE(wide, nullptr) << row.name;
    EXPECT_EQ(wide->name, row.name);
    EXPECT_EQ(wide->format, row.format) << row.name;
    EXPECT_EQ(wide->kind, row.kind) << row.name;
    EXPECT_EQ(wide->semantics, row.semantics) << row.name;
    EXPECT_EQ(wide->mask & ~row.mask, 0u) << row.name << ": RV64 may only leave more bits free";
  }
}

// --- Immediates ---

TEST(Immediates, EveryFormatRoundTrips) {
  std::mt19937 random{4};
  for (Xlen xlen : {Xlen::rv32, Xlen::rv64}) {
    for (Format format : all_formats()) {
      const u32 imm_mask = encode_immediate(format, xlen, -1);
      // SHIFT is decoded as six bits; on RV32 the row sees to it that the sixth is 0.
      const u32 fixed = format == Format::SHIFT && xlen == Xlen::rv32 ? 1u << 25 : 0;
      for (i64 imm : interesting_immediates(format, xlen, 1000, random)) {
        const u32 word = encode_immediate(format, xlen, imm);
        EXPECT_EQ(immediate(format, word), imm) << static_cast<u32>(format);
        const u32 other_bits = static_cast<u32>(random()) & ~imm_mask & ~fixed;
        EXPECT_EQ(immediate(format, word | other_bits), imm) << static_cast<u32>(format);
      }
    }
  }
}

TEST(Immediates, KnownWords) {
  EXPECT_EQ(immediate(Format::I, 0xfff00000u), -1);
  EXPECT_EQ(immediate(Format::S, 0xfe000f80u), -1);
  EXPECT_EQ(immediate(Format::B, 0xfe000fe3u), -2);
  EXPECT_EQ(immediate(Format::J, 0xffdff06fu), -4);
  EXPECT_EQ(immediate(Format::U, 0x800000b7u), std::numeric_limits<i32>::min());
}

// --- Control and status registers ---

struct CsrRow {
  std::string name;
  u32 number;
  std::string read;
  std::string write;
  bool only32;
};

std::vector<CsrRow> csr_rows() {
  return {
#define CSR_FIELD(name, mask)
#define CSR(name, number, read, ...) {#name, number, #read, #__VA_ARGS__, false},
#define CSR32(name, number, read, ...) {#name, number, #read, #__VA_ARGS__, true},
#include "isa/csr.def"
  };
}

std::map<std::string, u32> csr_fields() {
  std::map<std::string, u32> fields;
#define CSR_FIELD(name, mask) \
  EXPECT_TRUE(fields.emplace(#name, mask).second) << #name << " is there twice";
#define CSR(name, number, read, ...)
#define CSR32(name, number, read, ...)
#include "isa/csr.def"
  return fields;
}

TEST(CsrTable, NumbersAndNamesAreUnique) {
  std::set<u32> numbers;
  std::set<std::string> names;
  for (const CsrRow& row : csr_rows()) {
    EXPECT_LT(row.number, 0x1000u) << row.name;
    EXPECT_TRUE(numbers.insert(row.number).second) << row.name << ": number is there twice";
    EXPECT_TRUE(names.insert(row.name).second) << row.name << " is there twice";
  }
}

// Privileged ISA, section 2.1: bits 11:10 of a number say whether it is read-only.
TEST(CsrTable, NumbersSayWhetherOneMayWrite) {
  for (const CsrRow& row : csr_rows()) {
    const bool read_only = (row.number >> 10) == 3;
    EXPECT_EQ(row.write == "csr_read_only()", read_only) << row.name;
  }
}

// Privileged ISA, section 2.1: bits 9:8 are the lowest privilege, and a name's first letter says it
// too.
TEST(CsrTable, NamesAndNumbersAgreeOnThePrivilege) {
  const std::set<std::string> kTrigger{"tselect", "tdata1", "tdata2", "tdata3"};
  for (const CsrRow& row : csr_rows()) {
    u32 privilege = 0;
    if (row.name[0] == 's') privilege = 1;
    if (row.name[0] == 'm' || kTrigger.contains(row.name)) privilege = 3;
    EXPECT_EQ((row.number >> 8) & 3, privilege) << row.name;
  }
}

TEST(CsrTable, UpperHalvesExistOnRv32AloneAndBesideTheirLowerOnes) {
  const std::vector<CsrRow> table = csr_rows();
  for (const CsrRow& row : table) {
    const auto low =
        std::ranges::find(table, row.name.substr(0, row.name.size() - 1), &CsrRow::name);
    const bool is_upper = row.name.ends_with('h') && low != table.end();
    EXPECT_EQ(row.only32, is_upper) << row.name;
    if (!is_upper) continue;
    EXPECT_FALSE(low->only32) << low->name;
    const u32 distance = row.number - low->number;
    EXPECT_TRUE(distance == 0x10 || distance == 0x80) << row.name;
  }
}

// The fields of `prefix` but for those named `..._WRITABLE`: disjoint. Returns their union.
u32 union_of_fields(const std::string& prefix) {
  u32 all = 0;
  for (const auto& [name, mask] : csr_fields()) {
    if (!name.starts_with(prefix) || name.ends_with("_WRITABLE")) continue;
    EXPECT_NE(mask, 0u) << name;
    EXPECT_EQ(all & mask, 0u) << name << " overlaps another field";
    all |= mask;
  }
  return all;
}

TEST(CsrFields, WritableMasksAreTheirFields) {
  EXPECT_EQ(MSTATUS_WRITABLE, union_of_fields("MSTATUS_"));
  EXPECT_EQ(COUNTEREN_WRITABLE, union_of_fields("COUNTEREN_"));
  EXPECT_EQ(SSTATUS_WRITABLE, MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP | MSTATUS_SUM | MSTATUS_MXR);
  EXPECT_EQ(SSTATUS_WRITABLE & ~MSTATUS_WRITABLE, 0u);
  EXPECT_EQ(SATP32_MODE & SATP32_PPN, 0u);
}

TEST(CsrFields, FieldsAreRunsOfBits) {
  const std::set<std::string> kSets{"MISA_IMASU",           "S_INTERRUPTS",   "M_INTERRUPTS",
                                    "DELEGABLE_EXCEPTIONS", "MSTATUS64_HIGH", "SSTATUS64_HIGH"};
  for (const auto& [name, mask] : csr_fields()) {
    if (kSets.contains(name) || name.ends_with("_WRITABLE")) continue;
    const u32 run = mask >> std::countr_zero(mask);
    EXPECT_EQ(run & (run + 1), 0u) << name;
  }
}

TEST(CsrFields, Rv64StatusHalvesAgree) {
  constexpr u32 kUxl = 3;  // bits 33:32
  constexpr u32 kSxl = 3u << 2;
  EXPECT_EQ(SSTATUS64_HIGH, MSTATUS64_HIGH & kUxl);
  EXPECT_EQ(MSTATUS64_HIGH & ~(kUxl | kSxl), 0u);
}

TEST(CsrFields, MisaNamesTheExtensionsThatHaveRows) {
  const auto letter = [](char c) { return 1u << (c - 'A'); };
  EXPECT_EQ(MISA_IMASU, letter('I') | letter('M') | letter('A') | letter('S') | letter('U'));
}

// --- Causes ---

struct CodeRow {
  std::string name;
  u32 code;
};

std::vector<CodeRow> exception_rows() {
  return {
#define CAUSE(name, code) {#name, code},
#define INTERRUPT(name, code)
#include "isa/causes.def"
  };
}
std::vector<CodeRow> interrupt_rows() {
  return {
#define CAUSE(name, code)
#define INTERRUPT(name, code) {#name, code},
#include "isa/causes.def"
  };
}

u32 bits_of(const std::vector<CodeRow>& table) {
  u32 bits = 0;
  for (const CodeRow& row : table) {
    EXPECT_LT(row.code, 16u) << row.name;
    EXPECT_EQ(bits & (1u << (row.code & 31)), 0u) << row.name << ": code is there twice";
    bits |= 1u << (row.code & 31);
  }
  return bits;
}

TEST(Causes, CodesAreUniqueAndMasksMadeOfThem) {
  const u32 exceptions = bits_of(exception_rows());
  EXPECT_EQ(DELEGABLE_EXCEPTIONS, exceptions & ~(1u << CAUSE_MACHINE_ECALL));
  const u32 interrupts = bits_of(interrupt_rows());
  EXPECT_EQ(S_INTERRUPTS | M_INTERRUPTS, interrupts);
  EXPECT_EQ(S_INTERRUPTS & M_INTERRUPTS, 0u);
  EXPECT_EQ(M_INTERRUPTS, S_INTERRUPTS << 2);  // machine level's numbers are supervisor's and 2
}

// --- Memory map, exits, constants ---

struct RegionRow {
  std::string name;
  u64 base;
  u64 size;
  u32 irq;
};
std::vector<RegionRow> regions() {
  return {
#define REGION(name, base, size, irq) {#name, base, size, irq},
#include "isa/memory_map.def"
  };
}

TEST(MemoryMap, RegionsAreDisjointPages) {
  std::vector<RegionRow> table = regions();
  std::ranges::sort(table, {}, &RegionRow::base);
  u64 end = 0;
  for (const RegionRow& row : table) {
    EXPECT_GE(row.base, end) << row.name << " overlaps the region below it";
    EXPECT_EQ(row.base % PAGE_BYTES, 0u) << row.name;
    EXPECT_EQ(row.size % 4, 0u) << row.name;
    end = row.base + row.size;
    EXPECT_LE(end, u64{1} << 32) << row.name;
  }
  EXPECT_EQ(table.back().name, "RAM") << "RAM has no size here: nothing may lie above its base";
}

TEST(MemoryMap, InterruptSourcesExistAndAreNobodyElses) {
  constexpr u32 kVirtioSlotBytes = 0x1000;  // each slot has a source of its own, in order
  std::set<u32> sources;
  for (const RegionRow& row : regions()) {
    if (row.irq == 0) continue;
    const u64 count = row.name == "VIRTIO" ? row.size / kVirtioSlotBytes : 1;
    for (u32 i = 0; i < count; ++i) {
      EXPECT_TRUE(sources.insert(row.irq + i).second) << row.name;
      EXPECT_LT(row.irq + i, PLIC_SOURCES) << row.name;
    }
  }
}

TEST(Exits, NumbersAreConsecutive) {
  u32 next = 0;
#define EXIT(name, number, arg0, arg1)   \
  EXPECT_EQ(u32{number}, next) << #name; \
  ++next;
#include "isa/exits.def"
}

TEST(Constants, AreConsistent) {
  EXPECT_EQ(PAGE_WORDS * 4, PAGE_BYTES);
  EXPECT_TRUE(std::has_single_bit(TLB_ENTRIES));
  EXPECT_TRUE(std::has_single_bit(PAGE_BYTES));
  EXPECT_LE(PLIC_SOURCES, 32u) << "pending, claimed and enable are words";
}

// --- Layout of the state ---

struct FieldRow {
  std::string section;
  std::string name;
  std::string type;
  size_t offset;
  size_t size;
  size_t count;
};
struct SectionRow {
  std::string name;
  size_t offset;
  size_t size;
};

template <class U>
std::vector<FieldRow> state_fields() {
  std::vector<FieldRow> fields;
  [[maybe_unused]] std::string section;
#define SECTION(instance, Type)                       \
  {                                                   \
    using Section = Type<U>;                          \
    const size_t base = offsetof(State<U>, instance); \
    section = #instance;
#define FIELD(type, name, count) \
  fields.push_back(              \
      {section, #name, #type, base + offsetof(Section, name), sizeof(Section::name), count});
#define SECTION_END(instance, Type) }
#include "isa/state.def"
  return fields;
}

template <class U>
std::vector<SectionRow> state_sections() {
  return {
#define SECTION(instance, Type) {#instance, offsetof(State<U>, instance), sizeof(Type<U>)},
#define FIELD(type, name, count)
#define SECTION_END(instance, Type)
#include "isa/state.def"
  };
}

template <class U>
class StateLayout : public testing::Test {};
using Widths = testing::Types<u32, u64>;
TYPED_TEST_SUITE(StateLayout, Widths);

TYPED_TEST(StateLayout, FieldsFollowEachOtherWithoutPadding) {
  size_t offset = 0;
  for (const FieldRow& field : state_fields<TypeParam>()) {
    size_t element = sizeof(u32);
    if (field.type == "dword") element = sizeof(u64);
    if (field.type == "xlen") element = sizeof(TypeParam);
    EXPECT_EQ(field.offset, offset) << field.section << "." << field.name;
    EXPECT_EQ(field.size, element * field.count) << field.section << "." << field.name;
    offset += field.size;
  }
  EXPECT_EQ(offset, sizeof(State<TypeParam>));
}

// In a GPU's storage buffer every word is one of words(); an engine never has to know of bytes.
TYPED_TEST(StateLayout, SectionsAreWholeDwords) {
  size_t offset = 0;
  for (const SectionRow& section : state_sections<TypeParam>()) {
    EXPECT_EQ(section.offset, offset) << section.name;
    EXPECT_EQ(section.size % sizeof(u64), 0u) << section.name;
    offset += section.size;
  }
  State<TypeParam> state;
  EXPECT_EQ(state.words().size_bytes(), sizeof state);
}

TYPED_TEST(StateLayout, TypesComeInOrderOfWidthAndNamesOnce) {
  const std::map<std::string, int> kOrder{{"dword", 0}, {"xlen", 1}, {"u32", 2}};
  std::set<std::string> names;
  std::string section;
  int last = 0;
  for (const FieldRow& field : state_fields<TypeParam>()) {
    if (field.section != section) last = 0;
    section = field.section;
    ASSERT_TRUE(kOrder.contains(field.type)) << field.section << "." << field.name;
    EXPECT_GE(kOrder.at(field.type), last) << field.section << "." << field.name;
    last = kOrder.at(field.type);
    EXPECT_GT(field.count, 0u) << field.name;
    EXPECT_TRUE(names.insert(field.section + "." + field.name).second) << field.name;
  }
}

TYPED_TEST(StateLayout, WordsAreTheFieldsLittleEndian) {
  State<TypeParam> state;
  for (u32 word : state.words()) ASSERT_EQ(word, 0u) << "zero is the state before reset";
  state.hart.x[5] = static_cast<TypeParam>(0x1122334455667788u);
  const size_t x5 = (offsetof(State<TypeParam>, hart) + offsetof(Hart<TypeParam>, x)) / 4 +
                    5 * sizeof(TypeParam) / 4;
  EXPECT_EQ(state.words()[x5], 0x55667788u);
  if (sizeof(TypeParam) == 8) {
    EXPECT_EQ(state.words()[x5 + 1], 0x11223344u);
  }
  EXPECT_EQ(xlen_of(MachineState(state)), sizeof(TypeParam) == 4 ? Xlen::rv32 : Xlen::rv64);
}

}  // namespace
}  // namespace rookery::isa
