// SPDX-License-Identifier: Apache-2.0
// A sweep's results as one HTML file for people: nothing in it is loaded from elsewhere and nothing
// runs; light and dark, and for printing. Whatever comes from guests, descriptions and the results
// file is escaped.
#pragma once

#include "sweep/export.h"
#include "sweep/results_reader.h"

namespace rookery::sweep {

// Goes over the results a dozen times: some ten seconds for ten million cases.
Result<void> write_report(ResultsReader& results, const ByteSink& sink);

}  // namespace rookery::sweep
