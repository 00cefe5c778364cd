// SPDX-License-Identifier: Apache-2.0
// Descriptions of sweeps (src/sweep/spec.h) made of any bytes. One that is accepted has to keep
// what it promises, for its first cases and its last; one that is refused, to say where. Files are
// not looked for.
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "sweep/spec.h"

namespace rookery::test {
namespace {

void require(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "Not so: %s.\n", what);
  std::abort();
}

void check_case(const sweep::SweepSpec& spec, u64 number) {
  require(spec.combination_of(number) < spec.combination_count(), "a case has a combination");
  require(spec.axis_values(number).size() == spec.axes.size(), "a case has a value of each axis");
  for (const sweep::NamedValue& named : spec.axis_values(number))
    (void)sweep::value_text(named.value);
  const auto input = spec.case_input(number);
  require(input || !input.error().message.empty(), "what is wrong with a case is said");
}

}  // namespace
}  // namespace rookery::test

extern "C" int LLVMFuzzerTestOneInput(const rookery::u8* data, std::size_t size) {
  using namespace rookery;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (text.find("file") != std::string_view::npos) return -1;  // whose path would be opened
  const bool is_json = text.starts_with('{');
  const auto spec = sweep::parse_spec(text, is_json ? "s.json" : "s.toml");
  if (!spec) {
    test::require(spec.error().kind == ErrorKind::usage,
                  "a bad description is an error of kind usage");
    test::require(spec.error().message.starts_with("s."), "a bad description's mistake is placed");
    return 0;
  }
  const u64 cases = spec->case_count();
  test::require(cases > 0 && cases <= sweep::kMaxCases, "there are cases, and not too many");
  for (u64 number = 0; number < std::min<u64>(cases, 4); ++number) test::check_case(*spec, number);
  test::check_case(*spec, cases - 1);
  test::require(spec->identity().size() == 32, "a description has an identity");
  return 0;
}
