// SPDX-License-Identifier: Apache-2.0
//
// Joins WGSL modules into the one text that WebGPU wants, and remembers where each line came from.
//
// A module names what it needs with lines `#import "mmu/tlb.wgsl"` (paths relative to shaders/).
// Every module is included once, after the modules it imports, so the text reads from the
// vocabulary down to the entry point; WGSL's directives (enable, requires, diagnostic) move to the
// top, where they must be. There are no conditions: a choice of structure (RV32 or RV64, this
// memory or that) is a *substitution*, made by the host, of one import path by another. Generated
// modules (tables, layouts) come in as *virtual* modules, text that the host provides under a path;
// they win over embedded ones of that path.
//
// Portable: no files are read here; module text is embedded in the program (gpu/embedded_shaders.h)
// or given. Errors: ErrorKind::internal, since shaders are ours; the sentence names file and line.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/types.h"

namespace rookery::gpu {

// Where module text comes from.
struct ShaderSource {
  std::map<std::string, std::string, std::less<>> modules;  // virtual modules: path -> text
  bool use_embedded = true;  // look at the embedded shaders for what is not above

  // The text of a module, valid as long as this object is unchanged.
  std::optional<std::string_view> find(std::string_view path) const;
};

struct AssembleOptions {
  // Import path -> the path imported in its place, e.g. "xlen/xlen.wgsl" -> "xlen/32.wgsl". Applied
  // once (a replacement is not replaced again), to the entry path too.
  std::map<std::string, std::string, std::less<>> substitutions;
  // Rewrites a line of a module's code (not imports and directives); none: lines stay as they are.
  std::function<std::string(std::string_view)> rewrite_line;
};

struct SourcePosition {
  // As people see it: "shaders/mmu/tlb.wgsl", or "generated/isa/tables.wgsl" for a virtual module.
  // Empty when the line is outside the text.
  std::string_view file;
  u32 line = 0;  // counted from 1
};

class AssembledShader {
 public:
  std::string_view text() const { return text_; }
  std::string_view entry_path() const { return entry_path_; }

  // The module paths in the order of their text; the entry module is the last.
  const std::vector<std::string>& modules() const { return modules_; }

  // Where line `line` (from 1) of text() was written. The view lives as long as this object.
  SourcePosition locate(u32 line) const;

  // Replaces each position ":LINE:COLUMN" in a compiler's message about text() by
  // "shaders/FILE:LINE:COLUMN", and leaves everything else as it is. Tint writes "Error while
  // parsing WGSL: :12:7 error: ...".
  std::string annotate(std::string_view message) const;

 private:
  friend class ShaderJoiner;

  // Lines first_line .. (next segment's first_line - 1) of the text are lines source_line .. of
  // files_[file].
  struct Segment {
    u32 first_line;
    u32 file;
    u32 source_line;
  };

  std::string text_;
  std::string entry_path_;
  std::vector<std::string> modules_;
  std::vector<std::string> files_;
  std::vector<Segment> segments_;
};

// Joins `entry_path` and everything it imports.
Result<AssembledShader> assemble(std::string_view entry_path, const ShaderSource& source,
                                 const AssembleOptions& options = {});

}  // namespace rookery::gpu
