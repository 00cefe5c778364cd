#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the inputs that a sweep found small: minimise.py RESULTS [SWEEP-OPTION ...]. Tells its crashes apart by the
function that they were in, and its hangs from them, and looks for a smallest input of each. A round is a sweep that
tries all that could be left out, at once. What is found goes to the folder "minimised" beside RESULTS."""
import bisect
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
ROOKERY = os.environ.get("ROOKERY", str(HERE.parent.parent / "build/rookery"))
NM = "riscv64-unknown-elf-nm"


class Functions:
    """The functions of a program, by address."""

    def __init__(self, program):
        listed = subprocess.run([NM, "-n", program], capture_output=True, text=True, check=True).stdout
        rows = [row.split() for row in listed.splitlines()]
        self.starts = [int(row[0], 16) for row in rows]
        self.names = [row[2] if row[1] in "tT" else "no-code" for row in rows]

    def at(self, address):
        index = bisect.bisect_right(self.starts, address) - 1
        return self.names[index] if index >= 0 else "no-code"


def findings(results, functions):
    """Gives (finding, path of the input) of the cases that crashed or hung."""
    cases = sqlite3.connect(results).execute("SELECT verdict, groups, axis_input FROM cases WHERE verdict IN ('crash', 'hang')")
    for verdict, groups, path in cases:
        yield "hang" if verdict == "hang" else f"crash-{functions.at(int(json.loads(groups)[0], 16))}", path


def smaller(data):
    """All that is `data` less some bytes in a row; and the same with an earlier byte, which may be the length of what
    they are in, so much lower."""
    found = set()
    size = 1
    while size < len(data):
        for at in range(len(data) - size + 1):
            left = data[:at] + data[at + size:]
            found.add(left)
            for length in range(at):
                if at + size <= length + 1 + data[length] <= len(data):
                    found.add(left[:length] + bytes([data[length] - size]) + left[length + 1:])
        size *= 2
    return found


def try_all(description, inputs, options, functions):
    """Runs a sweep of `inputs` and gives the findings: finding -> inputs that lead to it."""
    with tempfile.TemporaryDirectory(prefix="minimise-") as folder:
        folder = pathlib.Path(folder)
        (folder / "inputs").mkdir()
        for number, data in enumerate(inputs):
            (folder / "inputs" / f"{number:06}").write_bytes(data)
        description["axes"] = {"input": {"files": str(folder / "inputs/*")}}
        (folder / "round.json").write_text(json.dumps(description))
        command = [ROOKERY, "sweep", str(folder / "round.json"), "-o", str(folder / "round.sqlite"), *options]
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            sys.exit(done.stderr)
        found = {}
        for finding, path in findings(folder / "round.sqlite", functions):
            found.setdefault(finding, []).append(pathlib.Path(path).read_bytes())
    return found


def main():
    if len(sys.argv) < 2:
        sys.exit(f"Usage: {__doc__}")
    results, options = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2:]
    functions = Functions(results.parent / "tally")
    meta = dict(sqlite3.connect(results).execute("SELECT key, value FROM meta"))
    where = pathlib.Path(meta["spec_path"]).resolve().parent
    description = tomllib.loads(meta["spec"])
    description["sweep"]["snapshot"] = str(where / description["sweep"]["snapshot"])

    best, counts = {}, {}
    for finding, path in findings(results, functions):
        data = (where / path).read_bytes()
        counts[finding] = counts.get(finding, 0) + 1
        if finding not in best or len(data) < len(best[finding]):
            best[finding] = data

    open_ones = set(best)
    while open_ones:
        found = try_all(description, sorted(set().union(*(smaller(best[finding]) for finding in open_ones))), options, functions)
        for finding in sorted(open_ones):
            shortest = min(found.get(finding, []), key=len, default=best[finding])
            if len(shortest) < len(best[finding]):
                print(f"{finding}: {len(best[finding])} bytes, {len(shortest)} are enough", file=sys.stderr)
                best[finding] = shortest
            else:
                open_ones.remove(finding)

    folder = results.parent / "minimised"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for finding, data in sorted(best.items()):
        (folder / finding).write_bytes(data)
        print(f"{finding}: {counts[finding]} inputs, the smallest is {data!r}")


if __name__ == "__main__":
    main()
