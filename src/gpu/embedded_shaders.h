// SPDX-License-Identifier: Apache-2.0
// The text of every file under shaders/, compiled into the program by tools/embed_shaders.py.
//
// Paths are relative to shaders/ with forward slashes ("mmu/tlb.wgsl"), as `#import` names them.
// Texts and paths live as long as the program; nothing here allocates or fails otherwise.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace rookery::shaders {

// The text of one module, or nothing when no such file was there at build time.
std::optional<std::string_view> find(std::string_view path);

// Every path, in ascending byte order.
std::span<const std::string_view> paths();

}  // namespace rookery::shaders
