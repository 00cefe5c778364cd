// SPDX-License-Identifier: Apache-2.0
#include "sweep/results_schema.h"

#include "sweep/results.h"

namespace rookery::sweep {

std::string axis_column(std::string_view axis) { return quoted_name("axis_" + std::string(axis)); }

std::vector<TableText> result_tables(std::span<const std::string> axes) {
  std::string columns;
  for (const std::string& axis : axes) columns += fmt::format("{}, ", axis_column(axis));
  return {
      {"meta", "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"},
      {"axes", "CREATE TABLE axes(position INTEGER PRIMARY KEY, name TEXT NOT NULL)"},
      {"sessions",
       "CREATE TABLE sessions(id INTEGER PRIMARY KEY, started_unix_s INTEGER NOT NULL, "
       "program TEXT NOT NULL, engine TEXT NOT NULL, machines INTEGER NOT NULL, "
       "seconds REAL NOT NULL, cases INTEGER NOT NULL, instructions INTEGER NOT NULL)"},
      {"golden",
       "CREATE TABLE golden(combination INTEGER PRIMARY KEY, verdict TEXT NOT NULL, "
       "end TEXT NOT NULL, instructions INTEGER NOT NULL, status INTEGER, state_hash TEXT, "
       "console BLOB NOT NULL)"},
      {"cases",
       fmt::format("CREATE TABLE cases(number INTEGER PRIMARY KEY, {}verdict TEXT NOT NULL, "
                   "end TEXT NOT NULL, rule INTEGER, groups TEXT, status INTEGER, "
                   "instructions INTEGER NOT NULL, state_hash TEXT, dirty_pages INTEGER, "
                   "fault_target TEXT, fault_kind TEXT, fault_at INTEGER, fault_bit INTEGER, "
                   "fault_place TEXT, fault_place_bit INTEGER, parted_at INTEGER, parted_pc TEXT, "
                   "parted_symbol TEXT, console_cut INTEGER NOT NULL, "
                   "console BLOB)",
                   columns)},
      {"memory",
       "CREATE TABLE memory(number INTEGER NOT NULL, name TEXT NOT NULL, pa INTEGER NOT NULL, "
       "bytes BLOB NOT NULL, PRIMARY KEY(number, name)) WITHOUT ROWID"},
  };
}

Result<bool> is_new_file(const Database& database) {
  const auto application = database.number("PRAGMA application_id");
  if (!application) return std::unexpected(application.error());
  const auto tables = database.number("SELECT count(*) FROM sqlite_schema");
  if (!tables) return std::unexpected(tables.error());
  if (*application == 0 && *tables == 0) return true;
  if (*application != kApplicationId)
    return fail(ErrorKind::image,
                "The {} is not a results file: it is a database of another program.",
                database.what());
  const auto version = database.number("PRAGMA user_version");
  if (!version) return std::unexpected(version.error());
  if (*version != kResultsVersion)
    return fail(ErrorKind::image, "The {} has format version {}; this program knows version {}.",
                database.what(), *version, kResultsVersion);
  return false;
}

Result<std::vector<std::string>> check_tables(const Database& database) {
  const auto triggers =
      database.number("SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'");
  if (!triggers) return std::unexpected(triggers.error());
  if (*triggers != 0) return database.damaged("it has triggers");

  auto read_axes = database.prepare("SELECT name FROM axes ORDER BY position");
  if (!read_axes) return std::unexpected(read_axes.error());
  std::vector<std::string> axes;
  for (;;) {
    const auto has_row = read_axes->step();
    if (!has_row) return std::unexpected(has_row.error());
    if (!*has_row) break;
    axes.push_back(read_axes->text(0));
  }
  auto read_sql =
      database.prepare("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?");
  if (!read_sql) return std::unexpected(read_sql.error());
  for (const TableText& table : result_tables(axes)) {
    read_sql->bind(1, std::string_view(table.name));
    const auto has_row = read_sql->step();
    if (!has_row) return std::unexpected(has_row.error());
    if (!*has_row || read_sql->text(0) != table.sql)
      return database.damaged(fmt::format("its table \"{}\" is not what it should be", table.name));
    if (auto done = read_sql->run(); !done) return std::unexpected(done.error());
  }
  return axes;
}

Result<std::string> meta_text(const Database& database, std::string_view key) {
  auto read = database.prepare("SELECT value FROM meta WHERE key = ?");
  if (!read) return std::unexpected(read.error());
  read->bind(1, key);
  const auto has_row = read->step();
  if (!has_row) return std::unexpected(has_row.error());
  if (!*has_row) return database.damaged(fmt::format("it does not say its \"{}\"", key));
  return read->text(0);
}

}  // namespace rookery::sweep
