// SPDX-License-Identifier: Apache-2.0
// zstd by magic: images are stored compressed, and unpacking them here is faster than in the guest.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "base/types.h"

namespace rookery {

// `bytes` as they are, or unpacked if they begin as a zstd frame; never more than `max_bytes`.
// `what` names the data in messages. Errors are of kind `image`.
Result<std::vector<u8>> decompress_if_zstd(std::vector<u8> bytes, const std::string& what,
                                           u64 max_bytes);

}  // namespace rookery
