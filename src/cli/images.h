// SPDX-License-Identifier: Apache-2.0
// The images that come with Rookery, by name, and others by the path of their description.
#pragma once

#include <string>

#include "base/error.h"
#include "machine/image_description.h"

namespace rookery::cli {

// What boots without a word said.
inline constexpr const char* kDefaultImage = "default";

// `name` is a folder below images/ of data_folder(), or, with a slash or ".json" in it, the path of
// an image.json. An unknown name is a usage error that lists those there are.
Result<ImageDescription> find_image(const std::string& name);

}  // namespace rookery::cli
