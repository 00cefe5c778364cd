// SPDX-License-Identifier: Apache-2.0
#include "debug/flame.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

namespace rookery {
namespace {

constexpr double kWidth = 1200;
constexpr double kRowHeight = 20;
constexpr double kCharacterWidth = 7;
constexpr double kNarrowest = 0.2;  // what is narrower is left out
constexpr u64 kPageMask = ~u64{0xfff};

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      default:
        out += c >= ' ' && c < 0x7f ? c : '?';
    }
  }
  return out;
}

class Picture {
 public:
  explicit Picture(u64 all) : all_(all) {}

  // A box of the share of `steps`, `row` rows down.
  void box(u32 row, u64 from, u64 steps, const std::string& name, std::string_view color) {
    const double width = share(steps) * kWidth;
    if (width < kNarrowest) return;
    const std::string label = escaped(name);
    out_ += fmt::format(
        "<g><title>{} - {} steps, {:.2f} %</title><rect x=\"{:.2f}\" y=\"{}\" width=\"{:.2f}\" "
        "height=\"{}\" fill=\"{}\" stroke=\"white\" stroke-width=\"0.5\"/>",
        label, steps, share(steps) * 100, share(from) * kWidth, row * kRowHeight, width, kRowHeight,
        color);
    const auto room = static_cast<std::size_t>(width / kCharacterWidth);
    if (room >= 4) {
      out_ += fmt::format("<text x=\"{:.2f}\" y=\"{}\">{}</text>", share(from) * kWidth + 3,
                          row * kRowHeight + 14, escaped(name.substr(0, room)));
    }
    out_ += "</g>\n";
  }

  std::string svg(u32 rows) const {
    return fmt::format(
               "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" "
               "font-family=\"monospace\" font-size=\"11\">\n",
               kWidth, rows * kRowHeight) +
           out_ + "</svg>\n";
  }

 private:
  double share(u64 steps) const {
    return all_ == 0 ? 0 : static_cast<double>(steps) / static_cast<double>(all_);
  }

  u64 all_;
  std::string out_;
};

}  // namespace

std::vector<FunctionSteps> functions_of(const Profile& profile, const SymbolTable* symbols) {
  std::map<std::string, FunctionSteps> by_name;
  for (const Profile::Block& block : profile.blocks) {
    const Symbol* const symbol = symbols != nullptr ? symbols->code_at(block.va) : nullptr;
    const std::string name =
        symbol != nullptr ? symbol->name : fmt::format("0x{:x}", block.va & kPageMask);
    FunctionSteps& function = by_name[name];
    function.name = name;
    function.steps += block.steps;
    function.blocks.push_back(block);
  }
  std::vector<FunctionSteps> functions;
  for (auto& [name, function] : by_name) functions.push_back(std::move(function));
  std::stable_sort(
      functions.begin(), functions.end(),
      [](const FunctionSteps& one, const FunctionSteps& other) { return one.steps > other.steps; });
  return functions;
}

std::string flame_svg(const Profile& profile, const SymbolTable* symbols) {
  u64 all = profile.lost_steps;
  for (const Profile::Block& block : profile.blocks) all += block.steps;
  Picture picture(all);
  picture.box(0, 0, all, "all", "#c9d6e8");
  u64 from = 0;
  for (const FunctionSteps& function : functions_of(profile, symbols)) {
    picture.box(1, from, function.steps, function.name, "#f0b27a");
    u64 block_from = from;
    for (const Profile::Block& block : function.blocks) {
      const std::string where = symbols != nullptr ? symbols->describe(block.va) : std::string();
      picture.box(2, block_from, block.steps,
                  where.empty() ? fmt::format("0x{:x}", block.va) : where, "#f7dc6f");
      block_from += block.steps;
    }
    from += function.steps;
  }
  picture.box(1, from, profile.lost_steps, "blocks not told apart", "#d5d8dc");
  return picture.svg(3);
}

}  // namespace rookery
