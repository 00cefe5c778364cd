// SPDX-License-Identifier: Apache-2.0
#include "sweep/database.h"

#include <cstring>

#include <sqlite3.h>

namespace rookery::sweep {

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
void Database::Close::operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }

Statement::Statement(sqlite3_stmt* statement, const Database* database)
    : statement_(statement), database_(database) {}

void Statement::bind(int parameter, u64 value) {
  sqlite3_bind_int64(statement_.get(), parameter, static_cast<sqlite3_int64>(value));
}
void Statement::bind(int parameter, double value) {
  sqlite3_bind_double(statement_.get(), parameter, value);
}
void Statement::bind(int parameter, std::string_view text) {
  // A null pointer would be NULL.
  sqlite3_bind_text64(statement_.get(), parameter, text.empty() ? "" : text.data(), text.size(),
                      SQLITE_STATIC, SQLITE_UTF8);
}
void Statement::bind(int parameter, const AxisValue& value) {
  if (const auto* integer = std::get_if<i64>(&value)) {
    bind(parameter, static_cast<u64>(*integer));
  } else if (const auto* real = std::get_if<double>(&value)) {
    bind(parameter, *real);
  } else if (const auto* boolean = std::get_if<bool>(&value)) {
    bind(parameter, std::string_view(*boolean ? "true" : "false"));
  } else {
    bind(parameter, std::string_view(std::get<std::string>(value)));
  }
}
void Statement::bind_blob(int parameter, std::string_view bytes) {
  sqlite3_bind_blob64(statement_.get(), parameter, bytes.empty() ? "" : bytes.data(), bytes.size(),
                      SQLITE_STATIC);
}
void Statement::bind_null(int parameter) { sqlite3_bind_null(statement_.get(), parameter); }

Result<bool> Statement::step() {
  const int status = sqlite3_step(statement_.get());
  if (status == SQLITE_ROW) return true;
  if (status == SQLITE_DONE) {
    sqlite3_reset(statement_.get());
    return false;
  }
  auto error = database_->failed();
  sqlite3_reset(statement_.get());
  return error;
}

Result<void> Statement::run() {
  for (;;) {
    const auto has_row = step();
    if (!has_row) return std::unexpected(has_row.error());
    if (!*has_row) return {};
  }
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}
u64 Statement::number(int column) const {
  return static_cast<u64>(sqlite3_column_int64(statement_.get(), column));
}
double Statement::real(int column) const { return sqlite3_column_double(statement_.get(), column); }
std::string Statement::text(int column) const {
  // As a blob, a text comes as it is, whatever its bytes are.
  const void* bytes = sqlite3_column_blob(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  if (bytes == nullptr) return {};
  return {static_cast<const char*>(bytes), static_cast<std::size_t>(size)};
}
AxisValue Statement::value(int column) const {
  switch (sqlite3_column_type(statement_.get(), column)) {
    case SQLITE_INTEGER:
      return static_cast<i64>(number(column));
    case SQLITE_FLOAT:
      return real(column);
    default:
      return text(column);
  }
}

Result<Database> Database::open(const std::string& path, Mode mode, std::string what) {
  Database database;
  database.what_ = std::move(what);
  sqlite3* connection = nullptr;
  const int flags =
      mode == Mode::read ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  // A path is a path, also one that begins with "file:" or is ":memory:".
  const std::string as_path = path.starts_with('/') ? path : "./" + path;
  const int status = sqlite3_open_v2(as_path.c_str(), &connection, flags, nullptr);
  database.connection_.reset(connection);
  if (connection == nullptr)
    return fail(ErrorKind::out_of_memory, "There is no memory to open the {}.", database.what_);
  if (status != SQLITE_OK) return database.failed();
  // The file may come from anybody: its schema runs nothing.
  sqlite3_db_config(connection, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  constexpr int kPatienceMs = 10'000;  // while a reader has it, or a writer
  sqlite3_busy_timeout(connection, kPatienceMs);
  return database;
}

Result<Statement> Database::prepare(const std::string& sql) const {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(connection_.get(), sql.data(), static_cast<int>(sql.size()), &statement,
                         nullptr) != SQLITE_OK)
    return failed();
  return Statement(statement, this);
}

Result<void> Database::run(const std::string& sql) const {
  if (sqlite3_exec(connection_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
    return failed();
  return {};
}

Result<u64> Database::number(const std::string& sql) const {
  auto statement = prepare(sql);
  if (!statement) return std::unexpected(statement.error());
  const auto has_row = statement->step();
  if (!has_row) return std::unexpected(has_row.error());
  return *has_row ? statement->number(0) : 0;
}

std::unexpected<Error> Database::damaged(std::string_view detail) const {
  return fail(ErrorKind::image, "The {} is damaged: {}.", what_, detail);
}

std::unexpected<Error> Database::failed() const {
  sqlite3* connection = connection_.get();
  const int status = sqlite3_errcode(connection);
  const int system_error = sqlite3_system_errno(connection);
  switch (status & 0xff) {
    case SQLITE_NOTADB:
      return fail(ErrorKind::image, "The {} is not a results file: it is no SQLite database.",
                  what_);
    case SQLITE_CORRUPT:
      return damaged(sqlite3_errmsg(connection));
    case SQLITE_ERROR:  // of a statement, which the file's own tables do not have
    case SQLITE_SCHEMA:
    case SQLITE_MISMATCH:
    case SQLITE_CONSTRAINT:
      return damaged(sqlite3_errmsg(connection));
    case SQLITE_NOMEM:
      return fail(ErrorKind::out_of_memory, "There is no memory to work on the {}.", what_);
    case SQLITE_FULL:
      return fail(ErrorKind::io, "Cannot write the {}: the disk is full.", what_);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return fail(ErrorKind::io, "Cannot use the {}: another process has it.", what_);
    case SQLITE_READONLY:
      return fail(ErrorKind::io, "Cannot write the {}: it may only be read.", what_);
    case SQLITE_IOERR:
      switch (sqlite3_extended_errcode(connection)) {
        case SQLITE_IOERR_WRITE:
        case SQLITE_IOERR_FSYNC:
        case SQLITE_IOERR_DIR_FSYNC:
        case SQLITE_IOERR_TRUNCATE:
        case SQLITE_IOERR_SHMSIZE:
          return fail(ErrorKind::io,
                      "Cannot write the {}: the system refuses it. The disk is full or fails, or "
                      "the file would become larger than it may.",
                      what_);
        case SQLITE_IOERR_READ:
        case SQLITE_IOERR_SHORT_READ:
          return fail(ErrorKind::io, "Cannot read the {}: the disk fails, or the file was cut.",
                      what_);
        default:
          break;
      }
      break;
    default:
      break;
  }
  return fail(ErrorKind::io, "Cannot use the {}: {}{}{}.", what_, sqlite3_errmsg(connection),
              system_error == 0 ? "" : ": ", system_error == 0 ? "" : std::strerror(system_error));
}

std::string quoted_name(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

}  // namespace rookery::sweep
