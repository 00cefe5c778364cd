#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Snapshots go from engine to engine: booted on the CPU, continued on the GPU, and back."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

PROGRAM = os.environ.get("ROOKERY_PROGRAM", "build/rookery")
ADAPTER = os.environ.get("ROOKERY_TEST_ADAPTER", "software")
CPU = ["--engine", "cpu"]
GPU = ["--engine", "gpu"] + ([] if ADAPTER == "auto" else ["--adapter", ADAPTER])
WAIT_S = 240


def run(*arguments, typed=""):
    return subprocess.run([PROGRAM, "run", *arguments, "--stats=json"], input=typed, capture_output=True, text=True,
                          timeout=WAIT_S, check=False)


def instructions(done):
    return json.loads(done.stderr.splitlines()[-1])["instructions"]


class Snapshots(unittest.TestCase):
    def test_from_engine_to_engine(self):
        with tempfile.TemporaryDirectory() as folder:
            booted, later = (os.path.join(folder, name) for name in ("booted.rook", "later.rook"))
            done = run(*CPU, "--snapshot-on", "rookery:~# ", "-o", booted)
            self.assertEqual(done.returncode, 0, done.stderr)
            typed = "v=$((6*7)); echo a${v}b\n"
            gpu = run(*GPU, booted, "--snapshot-on", "a42b", "-o", later, typed=typed)
            self.assertEqual(gpu.returncode, 0, gpu.stderr)
            self.assertEqual(gpu.stdout, "v=$((6*7)); echo a${v}b\na42b")  # and not an instruction later
            back = run(*CPU, later, typed="exit $v\n")
            self.assertEqual(back.returncode, 42, back.stderr)
            # All on the CPU it takes as many instructions.
            alone = run(*CPU, booted, typed=typed + "exit $v\n")
            self.assertEqual(alone.returncode, 42, alone.stderr)
            self.assertEqual(instructions(alone), instructions(back))
            self.assertEqual(gpu.stdout + back.stdout, alone.stdout)


if __name__ == "__main__":
    if not os.path.exists(PROGRAM):
        print(f"Skipped: {PROGRAM} is not built; set ROOKERY_PROGRAM.")
        sys.exit(77)
    if run(*GPU, "--max-instructions", "1").returncode == 64:
        print("Skipped: there is no such adapter.")
        sys.exit(77)
    unittest.main()
