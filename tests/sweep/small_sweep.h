// SPDX-License-Identifier: Apache-2.0
// A sweep for tests: two axes, and results that follow from a case's number.
#pragma once

#include <gtest/gtest.h>

#include "sweep/results.h"
#include "sweep/results_reader.h"

namespace rookery::sweep {

inline SweepSpec small_sweep(u64 values = 100, std::string_view more = "") {
  auto spec = parse_spec(
      fmt::format("[sweep]\nsnapshot = \"booted.rook\"\n[axes]\nn = {{ range = [1, {}] }}\nword = "
                  "[\"a\", \"b\"]\n[[end]]\ninstructions = \"1M\"\n{}",
                  values, more),
      "small.toml");
  EXPECT_TRUE(spec) << spec.error().text();
  return *std::move(spec);
}

inline CaseResult small_result(u64 number) {
  CaseResult result;
  result.number = number;
  result.verdict = number % 10 == 3 ? "fail" : number % 10 == 7 ? "limit" : "pass";
  result.end = number % 10 == 7 ? "instructions" : "text";
  result.rule = number % 10 == 7 ? 1 : 0;
  result.instructions = 1000 + number * 7;
  result.state_hash = 0xabcd0000 + number % 4;
  result.dirty_pages = number % 50;
  result.console = fmt::format("case {}\nDONE={}\n", number, number % 10);
  return result;
}

inline Session test_session() {
  Session session;
  session.program = "rookery 0.1.0";
  session.engine = "cpu";
  session.machines = 64;
  return session;
}

}  // namespace rookery::sweep
