// SPDX-License-Identifier: Apache-2.0
#include "gpu/shader_assembler.h"

#include <algorithm>
#include <set>
#include <utility>

#include "gpu/embedded_shaders.h"

namespace rookery::gpu {

namespace {

constexpr std::string_view kBlank = " \t\r";

std::string_view without_leading_blanks(std::string_view line) {
  const std::size_t start = line.find_first_not_of(kBlank);
  return start == std::string_view::npos ? std::string_view{} : line.substr(start);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// `enable f16;`, `requires ...;`, `diagnostic(off, ...);`: WGSL wants them before every
// declaration.
bool is_directive(std::string_view line) {
  for (std::string_view word : {"enable", "requires", "diagnostic"}) {
    if (line.starts_with(word) && line.size() > word.size()) {
      const char next = line[word.size()];
      if (next == ' ' || next == '\t' || next == '(') return true;
    }
  }
  return false;
}

// The path of `#import "path"`, or nothing when the line is not of that form. Only a comment may
// follow.
std::optional<std::string_view> imported_path(std::string_view line) {
  constexpr std::string_view kImport = "#import";
  if (!line.starts_with(kImport)) return std::nullopt;
  line = without_leading_blanks(line.substr(kImport.size()));
  if (!line.starts_with('"')) return std::nullopt;
  const std::size_t end = line.find('"', 1);
  if (end == std::string_view::npos || end == 1) return std::nullopt;
  const std::string_view rest = without_leading_blanks(line.substr(end + 1));
  if (!rest.empty() && !rest.starts_with("//")) return std::nullopt;
  return line.substr(1, end - 1);
}

u32 parsed_number(std::string_view digits) {
  u64 value = 0;
  for (char c : digits) value = std::min<u64>(value * 10 + static_cast<u64>(c - '0'), 0xffff'ffff);
  return static_cast<u32>(value);
}

}  // namespace

std::optional<std::string_view> ShaderSource::find(std::string_view path) const {
  if (auto found = modules.find(path); found != modules.end()) return found->second;
  if (!use_embedded) return std::nullopt;
  return shaders::find(path);
}

// Walks the imports depth first and appends each module once. Directives are gathered apart, and
// put before everything else at the end.
class ShaderJoiner {
 public:
  ShaderJoiner(const ShaderSource& source, const AssembleOptions& options)
      : source_(source), options_(options) {}

  Result<AssembledShader> join(std::string_view entry_path) {
    const std::string path(substituted(entry_path));
    const auto text = source_.find(path);
    if (!text) return fail(ErrorKind::internal, "There is no shader module \"{}\".", path);
    if (auto added = add_module(path, *text); !added)
      return std::unexpected(std::move(added.error()));

    AssembledShader shader;
    shader.entry_path_ = path;
    shader.text_ = std::move(directives_);
    shader.segments_ = std::move(directive_segments_);
    for (Segment segment : segments_) {
      segment.first_line += directive_lines_;
      shader.segments_.push_back(segment);
    }
    shader.text_ += text_;
    shader.files_ = std::move(files_);
    shader.modules_ = std::move(modules_);
    return shader;
  }

 private:
  using Segment = AssembledShader::Segment;

  std::string_view substituted(std::string_view path) const {
    const auto found = options_.substitutions.find(path);
    return found == options_.substitutions.end() ? path : std::string_view(found->second);
  }

  std::string shown(const std::string& path) const {
    return (source_.modules.contains(path) ? "generated/" : "shaders/") + path;
  }

  Result<void> add_module(const std::string& path, std::string_view text) {
    open_.push_back(path);
    const u32 file = static_cast<u32>(files_.size());
    files_.push_back(shown(path));

    // The module's own lines go after its imports' ones. A line that is taken out leaves an empty
    // one, so that one segment describes the whole module.
    std::string own;
    own.reserve(text.size() + 1);
    u32 line_number = 0;
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      const std::string_view line = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      ++line_number;
      const std::string_view words = without_leading_blanks(line);
      if (words.starts_with('#')) {
        if (auto done = add_import(words, file, line_number); !done) return done;
      } else if (is_directive(words)) {
        if (seen_directives_.emplace(words).second) {
          directives_.append(line).push_back('\n');
          directive_segments_.push_back({++directive_lines_, file, line_number});
        }
      } else {
        own.append(options_.rewrite_line ? options_.rewrite_line(line) : std::string(line));
      }
      own.push_back('\n');
    }

    segments_.push_back({lines_ + 1, file, 1});
    text_ += own;
    lines_ += line_number;
    modules_.push_back(path);
    open_.pop_back();
    return {};
  }

  Result<void> add_import(std::string_view words, u32 file, u32 line_number) {
    const auto wanted = imported_path(words);
    if (!wanted) {
      return fail(ErrorKind::internal, "{}:{}: expected #import \"path.wgsl\", found: {}",
                  files_[file], line_number, words);
    }
    const std::string path(substituted(*wanted));
    if (std::ranges::find(modules_, path) != modules_.end()) return {};
    if (auto cycle = std::ranges::find(open_, path); cycle != open_.end()) {
      std::string chain;
      for (; cycle != open_.end(); ++cycle) chain += *cycle + " -> ";
      return fail(ErrorKind::internal, "{}:{}: shader modules import each other in a circle: {}{}.",
                  files_[file], line_number, chain, path);
    }
    const auto text = source_.find(path);
    if (!text) {
      return fail(ErrorKind::internal, "{}:{} imports \"{}\"{}, which does not exist.",
                  files_[file], line_number, *wanted,
                  path == *wanted ? std::string() : fmt::format(" (replaced by \"{}\")", path));
    }
    return add_module(path, *text);
  }

  const ShaderSource& source_;
  const AssembleOptions& options_;
  std::vector<std::string> open_;  // the chain of modules being read, the entry module first
  std::vector<std::string> modules_;
  std::vector<std::string> files_;
  std::string text_;
  std::vector<Segment> segments_;
  u32 lines_ = 0;
  std::set<std::string, std::less<>> seen_directives_;
  std::string directives_;
  std::vector<Segment> directive_segments_;
  u32 directive_lines_ = 0;
};

SourcePosition AssembledShader::locate(u32 line) const {
  const auto after = std::ranges::upper_bound(segments_, line, {}, &Segment::first_line);
  if (line == 0 || after == segments_.begin()) return {};
  const Segment& segment = *std::prev(after);
  return {files_[segment.file], segment.source_line + (line - segment.first_line)};
}

std::string AssembledShader::annotate(std::string_view message) const {
  std::string out;
  out.reserve(message.size() + 64);
  std::size_t at = 0;
  while (at < message.size()) {
    // A position is ":LINE:COLUMN" at the start of a word.
    const bool at_word_start = at == 0 || kBlank.contains(message[at - 1]) ||
                               message[at - 1] == '\n' || message[at - 1] == '(';
    if (at_word_start && message[at] == ':') {
      std::size_t line_end = at + 1;
      while (line_end < message.size() && is_digit(message[line_end])) ++line_end;
      std::size_t column_end = line_end + 1;
      while (column_end < message.size() && is_digit(message[column_end])) ++column_end;
      if (line_end > at + 1 && line_end < message.size() && message[line_end] == ':' &&
          column_end > line_end + 1) {
        const SourcePosition position =
            locate(parsed_number(message.substr(at + 1, line_end - at - 1)));
        if (!position.file.empty()) {
          out += fmt::format("{}:{}{}", position.file, position.line,
                             message.substr(line_end, column_end - line_end));
          at = column_end;
          continue;
        }
      }
    }
    out.push_back(message[at++]);
  }
  return out;
}

Result<AssembledShader> assemble(std::string_view entry_path, const ShaderSource& source,
                                 const AssembleOptions& options) {
  auto shader = ShaderJoiner(source, options).join(entry_path);
  if (!shader) {
    return std::unexpected(
        std::move(shader.error()).during(fmt::format("assembling shaders/{}", entry_path)));
  }
  return shader;
}

}  // namespace rookery::gpu
