#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs one of libFuzzer's targets for a while: run_fuzzer.py FOLDER NAME [SECONDS], where FOLDER is what the preset
`fuzzers` built. Without it, a skip."""
import os
import re
import subprocess
import sys
import tempfile

SKIPPED = 77
HERE = os.path.dirname(os.path.abspath(__file__))


def main():
    folder, name = sys.argv[1:3]
    seconds = sys.argv[3] if len(sys.argv) > 3 else "20"
    program = os.path.join(folder, f"{name}_fuzzer")
    if not os.path.exists(program):
        print(f"Skipped: {program} is not built: cmake --preset fuzzers && ninja -C build/fuzzers (needs clang-19).")
        return SKIPPED
    with tempfile.TemporaryDirectory(prefix="rookery-fuzzer-") as corpus:
        done = subprocess.run(
            [program, f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=3072", "-max_len=65536",
             "-print_final_stats=1", f"-dict={HERE}/{name}.dict", f"-artifact_prefix={folder}/", corpus,
             os.path.join(folder, f"{name}_seeds")], stderr=subprocess.PIPE, text=True, errors="replace", check=False)
    lines = done.stderr.splitlines()
    print("\n".join(lines[-60:] if done.returncode else lines[-12:]))
    if done.returncode:
        print(f"FAILED: the input is in {folder}.")
        return 1
    runs = re.search(r"stat::number_of_executed_units: (\d+)", done.stderr)
    if not runs or int(runs.group(1)) < 1000:
        print("FAILED: hardly anything was run.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
