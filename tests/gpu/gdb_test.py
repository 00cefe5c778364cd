#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""gdb with the GPU engine: every session of tests/cli/gdb_sessions.py."""
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "cli"))
from gdb_sessions import PROGRAM, Sessions, debuggee, skip_unless_ready  # noqa: E402

ADAPTER = os.environ.get("ROOKERY_TEST_ADAPTER", "software")


class OnTheGpu(Sessions, unittest.TestCase):
    ENGINE = ["--engine", "gpu"] + ([] if ADAPTER == "auto" else ["--adapter", ADAPTER])


if __name__ == "__main__":
    skip_unless_ready()
    tried = subprocess.run([PROGRAM, "run", *OnTheGpu.ENGINE, "--bare", debuggee(), "--max-instructions", "1"],
                           stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if tried.returncode == 64:
        print(f"Skipped: {tried.stderr.decode()}")
        sys.exit(77)
    unittest.main()
