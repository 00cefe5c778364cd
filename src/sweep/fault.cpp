// SPDX-License-Identifier: Apache-2.0
#include "sweep/fault.h"

#include <array>
#include <cassert>

#include "sweep/quantity.h"
#include "sweep/random.h"

namespace rookery::sweep {
namespace {

constexpr std::array<std::string_view, 5> kTargetNames = {"pc", "register", "csr", "memory", "tlb"};
constexpr std::array<std::string_view, 5> kKindNames = {"flip", "set", "clear", "stuck0", "stuck1"};

template <class Name, std::size_t kCount>
std::optional<Name> find_name(const std::array<std::string_view, kCount>& names,
                              std::string_view name) {
  for (std::size_t i = 0; i < kCount; ++i) {
    if (names[i] == name) return static_cast<Name>(i);
  }
  return std::nullopt;
}

}  // namespace

std::string_view target_name(FaultTarget target) {
  return kTargetNames[static_cast<std::size_t>(target)];
}
std::string_view kind_name(FaultKind kind) { return kKindNames[static_cast<std::size_t>(kind)]; }
std::optional<FaultTarget> target_from(std::string_view name) {
  return find_name<FaultTarget>(kTargetNames, name);
}
std::optional<FaultKind> kind_from(std::string_view name) {
  return find_name<FaultKind>(kKindNames, name);
}

std::string AddressExpression::text() const {
  if (symbol.empty()) return fmt::format("{:#x}", offset);
  return offset == 0 ? symbol : fmt::format("{}+{:#x}", symbol, offset);
}

std::optional<AddressExpression> AddressExpression::parse(std::string_view text) {
  AddressExpression made;
  if (text.empty()) return std::nullopt;
  std::string_view offset = text;
  if (text.front() < '0' || text.front() > '9') {
    const std::size_t plus = text.find('+');
    made.symbol = text.substr(0, plus);
    if (made.symbol.empty() || made.symbol.find_first_of(" \t\r\n-") != std::string::npos)
      return std::nullopt;
    if (plus == std::string_view::npos) return made;
    offset = text.substr(plus + 1);
  }
  const auto number = offset.starts_with('-') ? std::nullopt : word_from(offset);
  if (!number) return std::nullopt;
  made.offset = *number;
  return made;
}

Result<Fault> sample_fault(const FaultSpec& spec, u64 seed, const FaultPopulation& population,
                           u64 number) {
  assert(population.bits.size() == spec.targets.size());
  std::vector<std::size_t> hittable;
  for (std::size_t i = 0; i < population.bits.size(); ++i) {
    if (population.bits[i] != 0) hittable.push_back(i);
  }
  if (hittable.empty())
    return fail(
        ErrorKind::usage,
        "There is no bit that a fault could hit: all {} targets of [fault] are empty in this "
        "machine.",
        spec.targets.size());
  if (population.from >= population.to)
    return fail(ErrorKind::usage,
                "There is no instruction to inject a fault at: from {} to {} there are none.",
                population.from, population.to);
  const std::size_t target = hittable[uniform(seed, "fault target", number, hittable.size())];
  Fault fault;
  fault.target = spec.targets[target];
  fault.bit = uniform(seed, "fault bit", number, population.bits[target]);
  fault.kind = spec.kinds[uniform(seed, "fault kind", number, spec.kinds.size())];
  fault.at = population.from + uniform(seed, "fault at", number, population.to - population.from);
  return fault;
}

}  // namespace rookery::sweep
