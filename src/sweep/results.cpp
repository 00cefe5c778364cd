// SPDX-License-Identifier: Apache-2.0
#include "sweep/results.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <ctime>
#include <filesystem>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include "sweep/results_reader.h"
#include "sweep/results_schema.h"

namespace rookery::sweep {
namespace {

std::string hash_text(u64 hash) { return fmt::format("{:016x}", hash); }

std::string groups_text(const std::vector<std::string>& groups) {
  return nlohmann::json(groups).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::size_t size_of(const CaseResult& result) {
  std::size_t bytes = result.console ? result.console->size() : 0;
  for (const KeptBytes& kept : result.memory) bytes += kept.bytes.size();
  return bytes;
}

}  // namespace

bool is_good(std::string_view verdict) { return verdict == "pass" || verdict == "masked"; }

// A file beside the results that one process has locked; it goes with the lock. Of the results file
// itself no descriptor but SQLite's may be closed: that would undo SQLite's own locks.
class ResultsWriter::Lock {
 public:
  static Result<std::unique_ptr<Lock>> take(const std::string& results_path) {
    auto lock = std::make_unique<Lock>();
    // However the file is called, its lock is one.
    std::error_code error;
    const std::string canonical = std::filesystem::weakly_canonical(results_path, error);
    lock->path_ = (error ? results_path : canonical) + ".lock";
    const auto failed = [&] {
      return fail(ErrorKind::io, "Cannot lock the results file \"{}\" by \"{}\": {}.", results_path,
                  lock->path_, std::strerror(errno));
    };
    for (;;) {
      lock->descriptor_ =
          ::open(lock->path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
      if (lock->descriptor_ < 0) return failed();
      if (::flock(lock->descriptor_, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return failed();
        return fail(ErrorKind::usage,
                    "The results file \"{}\" is being written by another sweep{}.", results_path,
                    lock->holder());
      }
      // The process that had it may have removed the file in between.
      struct stat held = {};
      struct stat there = {};
      if (::fstat(lock->descriptor_, &held) == 0 && ::stat(lock->path_.c_str(), &there) == 0 &&
          held.st_ino == there.st_ino && held.st_dev == there.st_dev)
        break;
      ::close(lock->descriptor_);
    }
    lock->is_held_ = true;
    const std::string text = fmt::format("{}\n", ::getpid());
    // For people only: who has the lock is known without it.
    if (::ftruncate(lock->descriptor_, 0) != 0 ||
        ::pwrite(lock->descriptor_, text.data(), text.size(), 0) < 0)
      errno = 0;
    return lock;
  }

  Lock() = default;
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
  ~Lock() {
    if (is_held_) ::unlink(path_.c_str());
    if (descriptor_ >= 0) ::close(descriptor_);
  }

 private:
  std::string holder() const {
    char text[16] = {};
    const ssize_t got = ::pread(descriptor_, text, sizeof text - 1, 0);
    u32 process = 0;
    if (got <= 0 || std::from_chars(text, text + got, process).ec != std::errc{}) return "";
    return fmt::format(" (process {})", process);
  }

  std::string path_;
  int descriptor_ = -1;
  bool is_held_ = false;
};

ResultsWriter::ResultsWriter(const SweepSpec& spec, const WriterOptions& options)
    : spec_(spec), options_(options), started_(Clock::now()) {}

ResultsWriter::ResultsWriter(ResultsWriter&&) noexcept = default;

ResultsWriter::~ResultsWriter() {
  if (database_) static_cast<void>(flush());
}

Result<ResultsWriter> ResultsWriter::open(const std::string& path, const SweepSpec& spec,
                                          const std::string& snapshot_id, const Session& session,
                                          const WriterOptions& options) {
  ResultsWriter writer(spec, options);
  if (auto prepared = writer.prepare(path, snapshot_id, session); !prepared)
    return std::unexpected(std::move(prepared.error()));
  return writer;
}

Result<void> ResultsWriter::prepare(const std::string& path, const std::string& snapshot_id,
                                    const Session& session) {
  auto lock = Lock::take(path);
  if (!lock) return std::unexpected(std::move(lock.error()));
  lock_ = *std::move(lock);
  auto database = Database::open(path, Database::Mode::write_or_create,
                                 fmt::format("results file \"{}\"", path));
  if (!database) return std::unexpected(std::move(database.error()));
  database_ = std::make_unique<Database>(*std::move(database));
  const auto is_new = is_new_file(*database_);
  if (!is_new) return std::unexpected(is_new.error());
  if (auto set = database_->run("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"); !set)
    return set;
  if (auto ready = *is_new ? create(snapshot_id) : check_same(snapshot_id); !ready) return ready;
  if (auto read = read_done(); !read) return read;

  const auto prepare_into = [this](std::optional<Statement>& into,
                                   const std::string& sql) -> Result<void> {
    auto statement = database_->prepare(sql);
    if (!statement) return std::unexpected(statement.error());
    into = *std::move(statement);
    return {};
  };
  constexpr std::size_t kFixedColumns = 20;
  std::string parameters = "?";
  for (std::size_t i = 1; i < kFixedColumns + spec_.axes.size(); ++i) parameters += ",?";
  if (auto made =
          prepare_into(insert_case_, fmt::format("INSERT INTO cases VALUES({})", parameters));
      !made)
    return made;
  if (auto made = prepare_into(insert_memory_, "INSERT INTO memory VALUES(?,?,?,?)"); !made)
    return made;
  if (auto made =
          prepare_into(update_session_,
                       "UPDATE sessions SET seconds = ?, cases = ?, instructions = ? WHERE id = ?");
      !made)
    return made;
  return begin_session(session);
}

Result<void> ResultsWriter::create(const std::string& snapshot_id) {
  std::vector<std::string> axes(spec_.axes.size());
  std::ranges::transform(spec_.axes, axes.begin(), &Axis::name);
  std::string sql =
      fmt::format("BEGIN IMMEDIATE; PRAGMA application_id = {}; PRAGMA user_version = {};",
                  kApplicationId, kResultsVersion);
  for (const TableText& table : result_tables(axes)) sql += table.sql + ";";
  const auto fill = [&]() -> Result<void> {
    if (auto created = database_->run(sql); !created) return created;
    auto insert = database_->prepare("INSERT INTO meta VALUES(?,?)");
    if (!insert) return std::unexpected(insert.error());
    const std::pair<std::string_view, std::string> meta[] = {
        {"identity", spec_.identity()},
        {"name", spec_.name},
        {"snapshot", spec_.snapshot},
        {"snapshot_id", snapshot_id},
        {"case_count", fmt::format("{}", spec_.case_count())},
        {"spec_path", spec_.path},
        {"spec", spec_.source}};
    for (const auto& [key, value] : meta) {
      insert->bind(1, key);
      insert->bind(2, std::string_view(value));
      if (auto done = insert->run(); !done) return done;
    }
    auto insert_axis = database_->prepare("INSERT INTO axes VALUES(?,?)");
    if (!insert_axis) return std::unexpected(insert_axis.error());
    for (std::size_t i = 0; i < axes.size(); ++i) {
      insert_axis->bind(1, u64{i});
      insert_axis->bind(2, std::string_view(axes[i]));
      if (auto done = insert_axis->run(); !done) return done;
    }
    return database_->run("COMMIT");
  };
  auto filled = fill();
  if (!filled) static_cast<void>(database_->run("ROLLBACK"));
  return filled;
}

Result<void> ResultsWriter::check_same(const std::string& snapshot_id) {
  const auto identity = meta_text(*database_, "identity");
  if (!identity) return std::unexpected(identity.error());
  const auto name = meta_text(*database_, "name");
  if (!name) return std::unexpected(name.error());
  const std::string expected = spec_.identity();
  if (*identity != expected)
    return fail(ErrorKind::usage,
                "The {} holds results of another description, \"{}\" ({}): \"{}\" is {}.",
                database_->what(), *name, *identity, spec_.path, expected);
  const auto snapshot = meta_text(*database_, "snapshot_id");
  if (!snapshot) return std::unexpected(snapshot.error());
  if (*snapshot != snapshot_id)
    return fail(ErrorKind::usage, "The {} holds results of another snapshot ({}): \"{}\" is {}.",
                database_->what(), *snapshot, spec_.snapshot, snapshot_id);
  const auto axes = check_tables(*database_);
  if (!axes) return std::unexpected(axes.error());
  if (axes->size() != spec_.axes.size()) return database_->damaged("it has other axes");
  return {};
}

Result<void> ResultsWriter::read_done() {
  auto read = database_->prepare("SELECT number FROM cases ORDER BY number");
  if (!read) return std::unexpected(read.error());
  const u64 count = spec_.case_count();
  for (;;) {
    const auto has_row = read->step();
    if (!has_row) return std::unexpected(has_row.error());
    if (!*has_row) return {};
    const u64 number = read->number(0);
    if (number >= count)
      return database_->damaged(fmt::format("it has the case {} of {}", number, count));
    done_.add(number);
  }
}

Result<void> ResultsWriter::begin_session(const Session& session) {
  auto insert = database_->prepare("INSERT INTO sessions VALUES(NULL,?,?,?,?,0,0,0)");
  if (!insert) return std::unexpected(insert.error());
  insert->bind(1, static_cast<u64>(std::time(nullptr)));
  insert->bind(2, std::string_view(session.program));
  insert->bind(3, std::string_view(session.engine));
  insert->bind(4, session.machines);
  if (auto done = insert->run(); !done) return done;
  const auto id = database_->number("SELECT last_insert_rowid()");
  if (!id) return std::unexpected(id.error());
  session_ = *id;
  return {};
}

Result<void> ResultsWriter::add(CaseResult result) {
  if (result.number >= spec_.case_count())
    return fail(ErrorKind::internal, "Case {} is none of the {} cases of \"{}\".", result.number,
                spec_.case_count(), spec_.name);
  if (!done_.add(result.number))
    return fail(ErrorKind::internal, "Case {} of \"{}\" has a result already.", result.number,
                spec_.name);
  if (result.console && result.console->size() > kMaxConsoleBytes) {
    const std::size_t cut = result.console->size() - kMaxConsoleBytes;
    result.console->erase(0, cut);
    result.console_cut += cut;
  }
  if (buffer_.empty()) buffered_since_ = Clock::now();
  buffered_bytes_ += size_of(result);
  buffer_.push_back(std::move(result));
  const auto waited =
      std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - buffered_since_);
  if (buffer_.size() < options_.commit_cases && buffered_bytes_ < options_.commit_bytes &&
      static_cast<u64>(waited.count()) < options_.commit_us)
    return {};
  return flush();
}

Result<void> ResultsWriter::flush() {
  if (buffer_.empty()) return {};
  if (auto begun = database_->run("BEGIN IMMEDIATE"); !begun) return begun;
  if (auto inserted = insert_buffered(); !inserted) {
    // The error may have rolled it back already.
    static_cast<void>(database_->run("ROLLBACK"));
    return inserted;
  }
  for (const CaseResult& result : buffer_) session_instructions_ += result.instructions;
  session_cases_ += buffer_.size();
  buffer_.clear();
  buffered_bytes_ = 0;
  return {};
}

Result<void> ResultsWriter::insert_buffered() {
  u64 instructions = session_instructions_;
  for (const CaseResult& result : buffer_) {
    if (auto inserted = insert(result); !inserted) return inserted;
    instructions += result.instructions;
  }
  update_session_->bind(1, std::chrono::duration<double>(Clock::now() - started_).count());
  update_session_->bind(2, u64{session_cases_ + buffer_.size()});
  update_session_->bind(3, instructions);
  update_session_->bind(4, session_);
  if (auto updated = update_session_->run(); !updated) return updated;
  return database_->run("COMMIT");
}

Result<void> ResultsWriter::insert(const CaseResult& result) {
  Statement& row = *insert_case_;
  int column = 0;
  row.bind(++column, result.number);
  const std::vector<NamedValue> axes = spec_.axis_values(result.number);
  for (const NamedValue& axis : axes) row.bind(++column, axis.value);
  row.bind(++column, std::string_view(result.verdict));
  row.bind(++column, std::string_view(result.end));
  row.bind(++column, result.rule);
  const std::string groups = result.groups.empty() ? "" : groups_text(result.groups);
  row.bind(++column,
           result.groups.empty() ? std::nullopt : std::optional(std::string_view(groups)));
  row.bind(++column, result.status);
  row.bind(++column, result.instructions);
  const std::string hash = hash_text(result.state_hash.value_or(0));
  row.bind(++column, result.state_hash ? std::optional(std::string_view(hash)) : std::nullopt);
  row.bind(++column, result.dirty_pages);
  if (result.fault) {
    row.bind(++column, target_name(result.fault->fault.target));
    row.bind(++column, kind_name(result.fault->fault.kind));
    row.bind(++column, result.fault->fault.at);
    row.bind(++column, result.fault->fault.bit);
    row.bind(++column, std::string_view(result.fault->place));
    row.bind(++column, u64{result.fault->place_bit});
  } else {
    constexpr int kFaultColumns = 6;
    for (int i = 0; i < kFaultColumns; ++i) row.bind_null(++column);
  }
  const std::string pc = fmt::format("{:#010x}", result.parting.value_or(Parting{}).pc);
  if (result.parting) {
    row.bind(++column, result.parting->at);
    row.bind(++column, std::string_view(pc));
    row.bind(++column, std::string_view(result.parting->symbol));
  } else {
    constexpr int kPartingColumns = 3;
    for (int i = 0; i < kPartingColumns; ++i) row.bind_null(++column);
  }
  row.bind(++column, result.console_cut);
  if (result.console) {
    row.bind_blob(++column, *result.console);
  } else {
    row.bind_null(++column);
  }
  if (auto done = row.run(); !done) return done;

  for (const KeptBytes& kept : result.memory) {
    insert_memory_->bind(1, result.number);
    insert_memory_->bind(2, std::string_view(kept.name));
    insert_memory_->bind(3, kept.pa);
    insert_memory_->bind_blob(4, kept.bytes);
    if (auto done = insert_memory_->run(); !done) return done;
  }
  return {};
}

Result<void> ResultsWriter::set_golden(u64 combination, const GoldenRun& golden) {
  auto insert = database_->prepare("INSERT OR REPLACE INTO golden VALUES(?,?,?,?,?,?,?)");
  if (!insert) return std::unexpected(insert.error());
  insert->bind(1, combination);
  insert->bind(2, std::string_view(golden.verdict));
  insert->bind(3, std::string_view(golden.end));
  insert->bind(4, golden.instructions);
  insert->bind(5, golden.status);
  const std::string hash = hash_text(golden.state_hash.value_or(0));
  insert->bind(6, golden.state_hash ? std::optional(std::string_view(hash)) : std::nullopt);
  insert->bind_blob(7, golden.console);
  return insert->run();
}

Result<std::optional<GoldenRun>> ResultsWriter::golden(u64 combination) {
  return read_golden(*database_, combination);
}

Result<void> ResultsWriter::close() {
  if (auto flushed = flush(); !flushed) return flushed;
  insert_case_.reset();
  insert_memory_.reset();
  update_session_.reset();
  // A reader may be at it: then it stays as it is, and is whole all the same.
  static_cast<void>(database_->run(
      "PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE"));
  database_.reset();
  lock_.reset();
  return {};
}

}  // namespace rookery::sweep
