// SPDX-License-Identifier: Apache-2.0
// shaders/isa/csr.wgsl and the CSR rows of the generated isa/tables.wgsl, on an adapter, against
// the CPU engine's: from random states, what every CSR reads and what a write to it leaves in the
// state.
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engine/cpu/machine_core.h"
#include "shaders/shader_runner.h"

namespace rookery::test {
namespace {

using namespace isa;

// A field of the sections hart and aclint that is one value. It travels as two words.
struct Scalar {
  std::string name;
  std::string type;
};

std::vector<Scalar> scalars() {
  std::vector<Scalar> all;
#define SECTION(instance, Type) \
  {                             \
    const std::string section = #instance;
#define FIELD(type, name, count)                                \
  if (count == 1 && (section == "hart" || section == "aclint")) \
    all.push_back({section + "." #name, #type});
#define SECTION_END(instance, Type) }
#include "isa/state.def"
  return all;
}

template <class T>
u64 value_of(const T& field) {
  if constexpr (std::is_integral_v<T>) return field;
  return 0;
}
template <class T>
void set_value(T& field, u64 value) {
  if constexpr (std::is_integral_v<T>) field = static_cast<T>(value);
}

template <class Core>
void set_scalars(Core& core, const u64* values) {
#define SECTION(instance, Type)   \
  {                               \
    auto& fields = core.instance; \
    const std::string section = #instance;
#define FIELD(type, name, count) \
  if (count == 1 && (section == "hart" || section == "aclint")) set_value(fields.name, *values++);
#define SECTION_END(instance, Type) }
#include "isa/state.def"
}

template <class Core>
std::vector<u64> get_scalars(const Core& core) {
  std::vector<u64> values;
#define SECTION(instance, Type)         \
  {                                     \
    const auto& fields = core.instance; \
    const std::string section = #instance;
#define FIELD(type, name, count)                                \
  if (count == 1 && (section == "hart" || section == "aclint")) \
    values.push_back(value_of(fields.name));
#define SECTION_END(instance, Type) }
#include "isa/state.def"
  return values;
}

const std::vector<u32>& csr_numbers() {
  static const std::vector<u32> numbers = {
#define CSR_FIELD(name, mask)
#define CSR(name, number, ...) number,
#define CSR32(name, number, ...) number,
#include "isa/csr.def"
  };
  return numbers;
}

template <class Core>
void check_csrs(Xlen xlen) {
  const std::vector<Scalar> fields = scalars();
  const u32 count = static_cast<u32>(fields.size());
  ShaderTest test;
  test.xlen = xlen;
  test.imports = machine_modules();
  test.ram_words = 1;
  test.words_in = 4 + 2 * count;
  test.words_out = 3 + 2 * count;
  test.text =
      "fn test_case(i: u32) {\n  let number = word_in(i, 0u);\n"
      "  let value = xlen_from_dword(dword_make(word_in(i, 1u), word_in(i, 2u)));\n  step = "
      "word_in(i, 3u);\n";
  for (u32 n = 0; n < count; ++n) {
    const std::string words =
        fmt::format("dword_make(word_in(i, {}u), word_in(i, {}u))", 4 + 2 * n, 5 + 2 * n);
    const char* from = fields[n].type == "dword"  ? "  {} = {};\n"
                       : fields[n].type == "xlen" ? "  {} = xlen_from_dword({});\n"
                                                  : "  {} = dword_lo({});\n";
    test.text += fmt::format(fmt::runtime(from), fields[n].name, words);
  }
  test.text +=
      "  csr_missing = false;\n  let r = dword_from_xlen(csr_read(number));\n  word_out(i, 0u, "
      "u32(csr_missing));\n"
      "  word_out(i, 1u, r.x);\n  word_out(i, 2u, r.y);\n  csr_write(number, value);\n  var d: "
      "dword;\n";
  for (u32 n = 0; n < count; ++n) {
    const char* to = fields[n].type == "dword"  ? "  d = {};\n"
                     : fields[n].type == "xlen" ? "  d = dword_from_xlen({});\n"
                                                : "  d = dword_make({}, 0u);\n";
    test.text += fmt::format(fmt::runtime(to), fields[n].name);
    test.text +=
        fmt::format("  word_out(i, {}u, d.x);\n  word_out(i, {}u, d.y);\n", 3 + 2 * n, 4 + 2 * n);
  }
  test.text += "}\n";

  std::mt19937_64 random{31};
  std::vector<u32> in;
  std::vector<u32> numbers;
  for (u32 round = 0; round < 40; ++round)
    numbers.insert(numbers.end(), csr_numbers().begin(), csr_numbers().end());
  for (u32 number = 0; number < 4096; ++number) numbers.push_back(number);
  for (const u32 number : numbers) {
    const u64 value = random() & random();
    in.insert(in.end(), {number, static_cast<u32>(value), static_cast<u32>(value >> 32),
                         static_cast<u32>(random()) & 0xffff});
    for (u32 n = 0; n < count; ++n) {
      const u64 field = fields[n].name == "hart.privilege" ? random() % 4 : random() & random();
      in.push_back(static_cast<u32>(field));
      in.push_back(static_cast<u32>(field >> 32));
    }
  }
  RUN_SHADER_TEST(result, test, in);
  u32 missing = 0;
  for (size_t i = 0; i < numbers.size(); ++i) {
    const u32* w = &in[i * test.words_in];
    const u32* out = &result.out[i * test.words_out];
    const auto core = std::make_unique<Core>();
    std::vector<u64> values;
    for (u32 n = 0; n < count; ++n) values.push_back(isa::dword_make(w[4 + 2 * n], w[5 + 2 * n]));
    set_scalars(*core, values.data());
    core->step = w[3];
    const u64 expected = core->csr_read(w[0]);
    ASSERT_EQ(out[0] != 0, core->csr_missing)
        << fmt::format("CSR 0x{:x}, RV{}", w[0], static_cast<u32>(xlen));
    ASSERT_EQ(isa::dword_make(out[1], out[2]), expected)
        << fmt::format("CSR 0x{:x}, RV{}, read", w[0], static_cast<u32>(xlen));
    missing += out[0];
    core->csr_write(w[0], static_cast<typename Core::xlen>(isa::dword_make(w[1], w[2])));
    const std::vector<u64> left = get_scalars(*core);
    for (u32 n = 0; n < count; ++n) {
      ASSERT_EQ(isa::dword_make(out[3 + 2 * n], out[4 + 2 * n]), left[n]) << fmt::format(
          "{} after a write to CSR 0x{:x}, RV{}", fields[n].name, w[0], static_cast<u32>(xlen));
    }
  }
  EXPECT_GT(missing, 3000u);
}

TEST(CsrShader, Rv32) { check_csrs<cpu::MachineCore32>(Xlen::rv32); }
TEST(CsrShader, Rv64) { check_csrs<cpu::MachineCore64>(Xlen::rv64); }

}  // namespace
}  // namespace rookery::test
