// SPDX-License-Identifier: Apache-2.0
// Results in formats that other programs read, case by case in the order of their numbers, so that
// the size of a sweep does not matter. docs/sweeps.md lists the fields.
#pragma once

#include <functional>
#include <string_view>

#include "base/error.h"
#include "sweep/results_reader.h"

namespace rookery::sweep {

// Takes a piece of output. An error of it ends the export and is returned.
using ByteSink = std::function<Result<void>(std::string_view)>;

// One JSON object a line. A console that is not UTF-8 is there twice: as text with U+FFFD, and
// whole in base64.
Result<void> export_jsonl(ResultsReader& results, const ByteSink& sink);

// RFC 4180, with a header; the console is the last column.
Result<void> export_csv(ResultsReader& results, const ByteSink& sink);

// JUnit's XML as CI systems read it: a test case for each case, failed unless is_good() holds of
// its verdict, with the end of its console as the failure's text.
Result<void> export_junit(ResultsReader& results, const ByteSink& sink);

}  // namespace rookery::sweep
