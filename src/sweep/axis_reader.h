// SPDX-License-Identifier: Apache-2.0
// [axes] of a description.
#pragma once

#include <string>
#include <vector>

#include "sweep/axis.h"
#include "sweep/fields.h"

namespace rookery::sweep {

inline constexpr std::size_t kMaxAxes = 64;

// `folder` is where globs begin: empty, or ends with a slash. What is wrong is told to `problems`.
std::vector<Axis> read_axes(const Node& table, const std::string& folder, Problems& problems);

}  // namespace rookery::sweep
