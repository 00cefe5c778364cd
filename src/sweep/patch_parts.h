// SPDX-License-Identifier: Apache-2.0
// The parts of a patch from texts whose places are filled in: once for each case, and when a
// description is read for those without places. Errors are sentences.
#pragma once

#include <expected>
#include <string>

#include "sweep/spec.h"

namespace rookery::sweep {

template <class T>
using OrSentence = std::expected<T, std::string>;

OrSentence<u64> parse_at(const std::string& text);
OrSentence<PatchTarget> parse_target(PatchTarget::Kind kind, const std::string& text);
// The value or bit number of any action but `bytes`; `width_bytes` as in Patch.
OrSentence<u64> parse_operand(PatchAction action, u32 width_bytes, const std::string& text);
OrSentence<std::vector<u8>> parse_hex_bytes(const std::string& text);

}  // namespace rookery::sweep
