// SPDX-License-Identifier: Apache-2.0
// Bytes from guests and descriptions in formats that do not take any bytes. What is not UTF-8
// becomes U+FFFD, each maximal ill-formed part (Unicode 15, section 3.9, table 3-8 on).
#pragma once

#include <string>
#include <string_view>

namespace rookery::sweep {

bool is_utf8(std::string_view bytes);

// A JSON text, quotes included.
std::string json_text(std::string_view bytes);

// Text between tags and in attributes of XML 1.0 and of HTML. Control characters other than tab and
// line feed, which XML 1.0 forbids (section 2.2), are shown by their pictures (U+2400 on); so is
// the carriage return, which would become a line feed.
std::string markup_text(std::string_view bytes);

// A field of RFC 4180, in quotes where it has to be. NUL is shown by its picture.
std::string csv_field(std::string_view bytes);

std::string base64(std::string_view bytes);
std::string hex_text(std::string_view bytes);

}  // namespace rookery::sweep
