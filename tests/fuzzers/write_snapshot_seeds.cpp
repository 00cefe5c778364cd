// SPDX-License-Identifier: Apache-2.0
// Writes the seeds into the folder that is its argument.
#include <cstdio>

#include "base/file.h"
#include "fuzzers/snapshot_seeds.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: write_snapshot_seeds FOLDER\n");
    return 64;
  }
  for (const rookery::test::SnapshotSeed& seed : rookery::test::snapshot_seeds()) {
    const std::string path = std::string(argv[1]) + "/" + seed.name + ".rook";
    if (const auto done = rookery::write_file(path, "seed", seed.bytes); !done) {
      std::fprintf(stderr, "%s\n", done.error().text().c_str());
      return 74;
    }
  }
  return 0;
}
