// SPDX-License-Identifier: Apache-2.0
// What a message says about a name that is not known.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace rookery::sweep {

// The end of a sentence: `; did you mean "snapshot"?`, if one of `known` is near, else
// `; there are "a", "b" and "c".`, or "." if none is known. At most 16 are listed.
std::string but_known(std::string_view name, std::span<const std::string_view> known);

}  // namespace rookery::sweep
