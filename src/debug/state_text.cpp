// SPDX-License-Identifier: Apache-2.0
#include "debug/state_text.h"

#include <algorithm>
#include <vector>

#include "engine/state_hash.h"
#include "isa/disassemble.h"

namespace rookery {
namespace {

// An element of a field: where it lies in State<U>::words().
struct Element {
  std::string name;
  u32 word;
  u32 words;
  bool is_cache;
};

template <class U>
class Elements {
 public:
  std::vector<Element> list() {
#define SECTION(instance, Type)            \
  {                                        \
    const auto& section = state_.instance; \
    const std::string_view section_name = #instance;
#define FIELD(type, name, count) add(section_name, #name, section.name);
#define SECTION_END(instance, Type) }
#include "isa/state.def"
    return std::move(list_);
  }

 private:
  template <class T>
  void add(std::string_view section, std::string_view name, const T& field) {
    add_element(fmt::format("{}.{}", section, name), field, false);
  }
  template <class T, size_t kCount>
  void add(std::string_view section, std::string_view name, const std::array<T, kCount>& field) {
    const bool is_registers = section == "hart" && name == "x";
    for (u32 i = 0; i < kCount; ++i) {
      std::string element = fmt::format("{}.{}[{}]", section, name, i);
      if (is_registers) element += fmt::format(" ({})", isa::register_name(i));
      add_element(std::move(element), field[i], name.starts_with("tlb_"));
    }
  }
  template <class T>
  void add_element(std::string name, const T& field, bool is_cache) {
    const auto at = reinterpret_cast<const u32*>(&field) - state_.words().data();
    list_.push_back({std::move(name), static_cast<u32>(at), sizeof(T) / 4, is_cache});
  }

  isa::State<U> state_;
  std::vector<Element> list_;
};

u64 value_of(const MachineState& state, const Element& element) {
  return std::visit(
      [&](const auto& s) {
        const std::span<const u32> words = s.words();
        const u64 upper = element.words == 2 ? words[element.word + 1] : 0;
        return (upper << 32) | words[element.word];
      },
      state);
}

}  // namespace

std::string state_table(std::span<const StateColumn> columns, bool differing_only) {
  const isa::Xlen xlen = isa::xlen_of(*columns.front().state);
  const std::array<u32, 4> ignored = host_words(xlen);
  std::string text;
  for (const Element& element :
       xlen == isa::Xlen::rv32 ? Elements<u32>().list() : Elements<u64>().list()) {
    std::vector<u64> values;
    for (const StateColumn& column : columns) values.push_back(value_of(*column.state, element));
    const bool is_the_hosts = std::ranges::find(ignored, element.word) != ignored.end();
    const bool differs = values.back() != values[values.size() - 2] && !is_the_hosts;
    const bool is_zero = std::ranges::all_of(values, [](u64 value) { return value == 0; });
    if (!differs && (is_zero || element.is_cache || differing_only)) continue;
    text += fmt::format("  {} {:24}", differs ? "!=" : "  ", element.name);
    for (const u64 value : values) {
      text += fmt::format("  {:18}", fmt::format("0x{:0{}x}", value, element.words * 8));
    }
    text.erase(text.find_last_not_of(' ') + 1);
    text += '\n';
  }
  if (text.empty()) return text;
  std::string head = fmt::format("     {:24}", "");
  for (const StateColumn& column : columns) head += fmt::format("  {:18}", column.title);
  while (head.ends_with(' ')) head.pop_back();
  return head + "\n" + text;
}

std::string compare_states(const MachineState& expected, const MachineState& actual) {
  const StateColumn columns[] = {{"expected", &expected}, {"actual", &actual}};
  if (state_table(columns, true).empty()) return {};
  return state_table(columns, false);
}

}  // namespace rookery
