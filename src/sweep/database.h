// SPDX-License-Identifier: Apache-2.0
// SQLite behind values that close themselves and errors that are sentences. One thread at a time.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/types.h"
#include "sweep/axis.h"

struct sqlite3;
struct sqlite3_stmt;

namespace rookery::sweep {

// A prepared statement. Parameters are numbered from 1, columns from 0. Bound texts and blobs must
// live until the next step() has returned.
class Statement {
 public:
  void bind(int parameter, u64 value);
  void bind(int parameter, double value);
  void bind(int parameter, std::string_view text);
  void bind(int parameter, const AxisValue& value);  // true and false as texts
  void bind_blob(int parameter, std::string_view bytes);
  void bind_null(int parameter);
  template <class T>
  void bind(int parameter, const std::optional<T>& value) {
    if (value) {
      bind(parameter, *value);
    } else {
      bind_null(parameter);
    }
  }

  // Whether there is another row. After the last one, or an error, it can be bound and run again.
  Result<bool> step();
  // Runs it to the end.
  Result<void> run();

  bool is_null(int column) const;
  u64 number(int column) const;
  double real(int column) const;
  std::string text(int column) const;  // of blobs too; with all bytes
  AxisValue value(int column) const;

 private:
  friend class Database;
  Statement(sqlite3_stmt* statement, const class Database* database);

  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  const Database* database_ = nullptr;
};

// Movable while no Statement of it is alive.
class Database {
 public:
  enum class Mode { read, write_or_create };

  // `what` names the file in messages: `results file "a.db"`.
  static Result<Database> open(const std::string& path, Mode mode, std::string what);

  Result<Statement> prepare(const std::string& sql) const;
  // One or more statements without results.
  Result<void> run(const std::string& sql) const;
  // The first column of the first row, 0 if there is none.
  Result<u64> number(const std::string& sql) const;

  const std::string& what() const { return what_; }

  // A file that is not what it should be: "The WHAT is damaged: DETAIL."
  std::unexpected<Error> damaged(std::string_view detail) const;
  // What SQLite's last call had to say, as a sentence: io for what the system refuses, image for
  // what is no database or a broken one, out_of_memory.
  std::unexpected<Error> failed() const;

 private:
  struct Close {
    void operator()(sqlite3* connection) const;
  };
  std::unique_ptr<sqlite3, Close> connection_;
  std::string what_;
};

// A name as SQL writes it: "axis_n", in double quotes.
std::string quoted_name(std::string_view name);

}  // namespace rookery::sweep
