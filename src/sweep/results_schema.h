// SPDX-License-Identifier: Apache-2.0
// The tables of a results file, for those who write and those who read it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "sweep/database.h"

namespace rookery::sweep {

// "Rkry", in the header of the file (PRAGMA application_id).
inline constexpr u64 kApplicationId = 0x526b7279;

struct TableText {
  std::string name;
  std::string sql;  // that creates it
};
std::vector<TableText> result_tables(std::span<const std::string> axes);

// The column of an axis, quoted.
std::string axis_column(std::string_view axis);

// Columns of `cases` in the order of the table: the fixed ones before and after those of the axes.
inline constexpr int kColumnsBeforeAxes = 1;

// Whether the file has no tables yet. Errors: image if it is of another program or version.
Result<bool> is_new_file(const Database& database);

// The axes' names. Errors: image if the tables are not those of result_tables(), or things happen
// when they change.
Result<std::vector<std::string>> check_tables(const Database& database);

// A value of the table `meta`. Errors: image if there is none.
Result<std::string> meta_text(const Database& database, std::string_view key);

}  // namespace rookery::sweep
