// SPDX-License-Identifier: Apache-2.0
#include "sweep/machine_names.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include <fmt/format.h>

#include "isa/constants.h"
#include "isa/register_names.h"
#include "sweep/names.h"

namespace rookery::sweep {
namespace {

// What stands in `text` as a decimal number, all of it, without leading zeros.
bool parse_index(std::string_view text, u32& number) {
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && rest == text.data() + text.size() &&
         (text.size() == 1 || text.front() != '0');
}

struct NamedCsr {
  std::string_view name;
  u32 number;
};
constexpr NamedCsr kCsrs[] = {
#define CSR_FIELD(name, mask)
#define CSR(name, number, ...) {#name, number},
#define CSR32 CSR
#include "isa/csr.def"
};

using namespace isa;  // the counts of rows

struct NamedField {
  std::string_view name;
  u32 count;
};
constexpr NamedField kFields[] = {
#define SECTION(instance, Type)
#define FIELD(type, name, count) {#name, count},
#define SECTION_END(instance, Type) {"/" #instance, 0},
#include "isa/state.def"
};

struct PlacedField {
  std::string name;  // with its section
  u32 count;
};

std::vector<PlacedField> placed_fields() {
  std::vector<PlacedField> placed;
  std::size_t first = 0;
  for (const NamedField& field : kFields) {
    if (field.count != 0) {
      placed.push_back({std::string(field.name), field.count});
      continue;
    }
    for (; first < placed.size(); ++first)
      placed[first].name = fmt::format("{}.{}", field.name.substr(1), placed[first].name);
  }
  return placed;
}

}  // namespace

std::expected<u32, std::string> register_number(std::string_view name) {
  if (name == "pc") return kPcNumber;
  const auto found = std::ranges::find(kRegisterNames, name == "fp" ? "s0" : name);
  if (found != kRegisterNames.end()) return static_cast<u32>(found - kRegisterNames.begin());
  if (u32 number = 0; name.starts_with('x') && parse_index(name.substr(1), number) && number < 32)
    return number;
  std::vector<std::string_view> known(kRegisterNames.begin(), kRegisterNames.end());
  known.emplace_back("pc");
  return std::unexpected(
      fmt::format("There is no register \"{}\"{}", name, but_known(name, known)));
}

std::expected<u32, std::string> csr_number(std::string_view name) {
  std::vector<std::string_view> known;
  for (const NamedCsr& csr : kCsrs) {
    if (csr.name == name) return csr.number;
    known.push_back(csr.name);
  }
  return std::unexpected(fmt::format("There is no CSR \"{}\"{}", name, but_known(name, known)));
}

std::expected<FieldName, std::string> parse_field_name(std::string_view text) {
  const std::size_t bracket = text.find('[');
  const std::string_view name = text.substr(0, bracket);
  const std::vector<PlacedField> fields = placed_fields();
  const auto field = std::ranges::find(fields, name, &PlacedField::name);
  if (field == fields.end()) {
    std::vector<std::string_view> known(fields.size());
    std::ranges::transform(fields, known.begin(), &PlacedField::name);
    return std::unexpected(fmt::format("There is no field \"{}\"{}", name, but_known(name, known)));
  }
  FieldName made;
  const std::size_t dot = name.find('.');
  made.section = name.substr(0, dot);
  made.field = name.substr(dot + 1);
  const bool has_index = bracket != std::string_view::npos;
  if (field->count == 1) {
    if (has_index)
      return std::unexpected(
          fmt::format("The field \"{}\" is no array, so \"{}\" says too much.", name, text));
    return made;
  }
  const std::string_view index = has_index ? text.substr(bracket + 1) : std::string_view();
  if (!index.ends_with(']') || !parse_index(index.substr(0, index.size() - 1), made.index) ||
      made.index >= field->count) {
    return std::unexpected(
        fmt::format("The field \"{}\" is an array: write \"{}[0]\" to \"{}[{}]\", not \"{}\".",
                    name, name, name, field->count - 1, text));
  }
  return made;
}

}  // namespace rookery::sweep
