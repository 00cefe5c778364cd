// SPDX-License-Identifier: Apache-2.0
// A profile as a picture: an icicle of all steps, functions and blocks, as SVG.
#pragma once

#include <string>

#include "debug/symbols.h"
#include "engine/profile.h"

namespace rookery {

// `symbols` may be null: then the functions are pages of code.
std::string flame_svg(const Profile& profile, const SymbolTable* symbols);

// The steps of each function, or page of code, most first.
struct FunctionSteps {
  std::string name;
  u64 steps = 0;
  std::vector<Profile::Block> blocks;  // most steps first
};
std::vector<FunctionSteps> functions_of(const Profile& profile, const SymbolTable* symbols);

}  // namespace rookery
