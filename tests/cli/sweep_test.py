#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sweeps over forks of the booted default image: the same on CPU and GPU, killed and gone on, faults, bad descriptions."""
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM = os.environ.get("ROOKERY_PROGRAM", "build/rookery")
WAIT_S = 200

folder = tempfile.TemporaryDirectory(prefix="rookery-sweep-")

SHELL = """
[sweep]
snapshot = "booted.rook"
[axes]
n = { range = [1, 6] }
word = ["alpha", "beta"]
[input]
type = "seq {n} | md5sum; echo {word}; [ {n} -ne 4 ]; echo DO''NE=$?\\n"
[[end]]
regex = "^DONE=0"
verdict = "pass"
[[end]]
regex = "^DONE=([0-9]+)"
verdict = "fail"
[[end]]
instructions = "20M"
[keep]
hash = true
"""

FAULTS = """
[sweep]
snapshot = "booted.rook"
seed = 5
[input]
type = "i=0; s=0; while [ $i -lt 5 ]; do i=$((i+1)); s=$((s+i*i)); done; echo sum $s; echo DO''NE\\n"
[[end]]
text = "DONE"
verdict = "pass"
[[end]]
instructions = "900k"
[keep]
hash = true
[fault]
cases = 60
targets = ["register", "pc", "csr", "memory", "tlb"]
kinds = ["flip", "set", "clear", "stuck0", "stuck1"]
"""


def path(name):
    return os.path.join(folder.name, name)


def write(name, text):
    with open(path(name), "w", encoding="utf-8") as file:
        file.write(text)
    return path(name)


def rookery(*arguments, typed=""):
    return subprocess.run([PROGRAM, *arguments], input=typed, capture_output=True, text=True, timeout=WAIT_S, check=False)


def results(name):
    """The cases in a results file, as its JSON lines have them, by their numbers."""
    with open(path(name), encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return {row["case"]: row for row in rows}


class Sweeps(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        done = rookery("run", "--engine", "cpu", "--snapshot-on", "rookery:~# ", "-o", path("booted.rook"))
        assert done.returncode == 0, done.stderr
        cls.shell = write("shell.toml", SHELL)
        cls.faults = write("faults.toml", FAULTS)

    def run_all(self, spec, name, *arguments):
        done = rookery("sweep", spec, "-o", path(name + ".sqlite"), "--jsonl", path(name + ".jsonl"), *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return results(name + ".jsonl")

    def test_a_sweep_is_the_same_on_every_engine(self):
        cpu = self.run_all(self.shell, "cpu", "--engine", "cpu", "--vms", "3")
        self.assertEqual(sorted(cpu), list(range(12)))
        for number, case in cpu.items():
            self.assertEqual(case["axes"], {"n": number // 2 + 1, "word": ["alpha", "beta"][number % 2]})
            self.assertEqual(case["verdict"], "fail" if case["axes"]["n"] == 4 else "pass")
        self.assertEqual(cpu[6]["groups"], ["1"])
        self.assertIn("\nbeta\r\nDONE=0\r\n", cpu[1]["console"])
        done = rookery("sweep", self.shell, "-o", path("gpu.sqlite"), "--jsonl", path("gpu.jsonl"), "--adapter", "software", "--vms", "5")
        if "adapter" in done.stderr and done.returncode == 64:
            self.skipTest(done.stderr)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(results("gpu.jsonl"), cpu)
        alone = rookery("sweep", self.shell, "--case", "7", "--engine", "cpu")
        self.assertEqual(alone.returncode, 0, alone.stderr)
        self.assertIn("case 7 n=4 word=beta: fail (regex) after %d instructions, state %s." % (cpu[7]["instructions"], cpu[7]["state_hash"]), alone.stderr)

    def test_one_that_is_killed_goes_on(self):
        spec = write("many.toml", SHELL.replace("[1, 6]", "[1, 300]"))
        output = path("killed.sqlite")
        command = [PROGRAM, "sweep", spec, "-o", output, "--engine", "cpu"]
        rounds = 0
        for _ in range(3):
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(1.7)
            if process.poll() is None:
                rounds += 1
            process.send_signal(signal.SIGKILL)
            process.wait()
        self.assertGreater(rounds, 0, "it was never killed in the middle")
        with sqlite3.connect(output) as database:
            kept = database.execute("select count(*) from cases").fetchone()[0]
        self.assertGreater(kept, 0, "nothing was committed before")
        done = rookery(*command[1:], "--jsonl", path("killed.jsonl"))
        self.assertEqual(done.returncode, 0, done.stderr)
        cases = results("killed.jsonl")
        self.assertEqual(sorted(cases), list(range(600)))
        self.assertEqual(sum(case["verdict"] == "fail" for case in cases.values()), 2)
        again = rookery(*command[1:])
        self.assertIn("0 to do", again.stderr)

    def test_faults(self):
        cpu = self.run_all(self.faults, "faults", "--engine", "cpu")
        self.assertEqual(len(cpu), 60)
        verdicts = {case["verdict"] for case in cpu.values()}
        self.assertTrue(verdicts <= {"masked", "sdc", "crash", "hang"}, verdicts)
        self.assertIn("masked", verdicts)
        self.assertIn("crash", verdicts)
        self.assertEqual({case["fault"]["target"] for case in cpu.values()}, {"register", "pc", "csr", "memory", "tlb"})
        self.assertEqual({case["fault"]["kind"] for case in cpu.values()}, {"flip", "set", "clear", "stuck0", "stuck1"})
        # What a fault is depends on its number alone. A software adapter takes its time, so it gets a few.
        few = write("few.toml", FAULTS.replace("cases = 60", "cases = 12"))
        done = rookery("sweep", few, "-o", path("fg.sqlite"), "--jsonl", path("fg.jsonl"), "--adapter", "software", "--vms", "12")
        if "adapter" in done.stderr and done.returncode == 64:
            self.skipTest(done.stderr)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(results("fg.jsonl"), {number: cpu[number] for number in range(12)})
        self.under_gdb(cpu)

    def under_gdb(self, cases):
        """A case that crashed does so under gdb, after as many instructions; its fault is the last thing that is done to it."""
        case = next(case for case in cases.values() if case["verdict"] == "crash" and case["end"] == "shutdown" and not case["fault"]["kind"].startswith("stuck"))
        number = str(case["case"])
        stored = rookery("sweep", self.faults, "--case", number, "-o", path("case.rook"))
        self.assertEqual(stored.returncode, 0, stored.stderr)
        self.assertIn("case %s after %d instructions, with %s of " % (number, case["fault"]["at"], case["fault"]["kind"]), stored.stderr)
        process = subprocess.Popen([PROGRAM, "sweep", self.faults, "--case", number, "--gdb", "0"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.kill)
        for line in process.stderr:
            if "target remote" in line:
                break
        host, port = line.split()[-1].rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=WAIT_S) as gdb:
            gdb.sendall(b"$c#63")
            answer = b""
            while b"$W" not in answer:
                piece = gdb.recv(4096)
                self.assertTrue(piece, answer)
                answer += piece
                gdb.sendall(b"+" if b"#" in piece else b"")
        rest = process.communicate(timeout=WAIT_S)[1]
        self.assertIn("the case ends (shutdown) after %d instructions" % case["instructions"], rest)

    def test_divergence(self):
        spec = write("divergence.toml", """
[sweep]
snapshot = "booted.rook"
[axes]
n = { range = [1, 8] }
[input]
type = "if [ $(({n} % 4)) -eq 0 ]; then seq 100 | md5sum; else echo {n}; fi; echo DO''NE\\n"
[[end]]
text = "DONE"
verdict = "pass"
[[end]]
instructions = "4M"
""")
        done = rookery("sweep", spec, "-o", path("d.sqlite"), "--engine", "cpu", "--divergence", "--jsonl", path("d.jsonl"), "--report", path("d.html"))
        self.assertEqual(done.returncode, 0, done.stderr)
        cases = results("d.jsonl")
        self.assertNotIn("parted", cases[0])
        parted = {number for number, case in cases.items() if "parted" in case}
        self.assertEqual(parted, {3, 7})
        self.assertEqual(cases[3]["parted"]["pc"], cases[7]["parted"]["pc"])
        self.assertIn("2 of 8 cases part from the first, at 1 instructions:", done.stdout)
        self.assertIn(cases[3]["parted"]["pc"], done.stdout)
        self.assertIn("They end in 8 states:", done.stdout)
        with open(path("d.html"), encoding="utf-8") as file:
            self.assertIn("Where cases part", file.read())

    def test_patches_mailbox_and_memory(self):
        made = rookery("run", "--engine", "cpu", "--snapshot-on", "ready# ", "-o", path("mailbox.rook"), path("booted.rook"), typed=(
            "awk 'BEGIN { for (i = 0; i < 256; i++) printf \"ROOKERY-MAILBOX line %010d\\n\", i }' > /mailbox\n"
            "PS1='ready'\"# \"\n"))
        self.assertEqual(made.returncode, 0, made.stderr)
        os.makedirs(path("corpus"), exist_ok=True)
        write("corpus/one.txt", "the first\n")
        write("corpus/two.txt", "x" * 5000 + "\n")
        spec = write("mailbox.toml", """
[sweep]
snapshot = "mailbox.rook"
[axes]
input = { files = "corpus/*.txt" }
[input]
mailbox = { file = "{input}" }
type = "{{ read n; head -c $n; }} < /mailbox | tail -c 12; echo DO''NE\\n"
[[patch]]
memory = "0x83000000"
value = "0x1234"
[[patch]]
memory = "0x83000006"
flip = "3"
bytes = 1
[[end]]
text = "DONE"
verdict = "pass"
[[end]]
instructions = "20M"
[keep]
memory = [ { at = "0x83000000", bytes = 8, name = "patched" } ]
""")
        cases = self.run_all(spec, "mailbox", "--engine", "cpu")
        self.assertIn("\nthe first\r\n", cases[0]["console"])
        self.assertIn("\n" + "x" * 11 + "\r\n", cases[1]["console"])
        with sqlite3.connect(path("mailbox.sqlite")) as database:
            tables = [row[0] for row in database.execute("select name from sqlite_master where type = 'table'")]
        self.assertIn("cases", tables)

    def test_command_lines(self):
        packed = rookery("pack", "-o", path("cold.rook"))
        self.assertEqual(packed.returncode, 0, packed.stderr)
        spec = write("cold.toml", """
[sweep]
snapshot = "cold.rook"
[axes]
word = ["left", "right"]
[input]
append = "console=ttyS0 run=\\"echo it_is_{word}\\""
[[end]]
exit_status = "any"
verdict = "pass"
[[end]]
instructions = "60M"
""")
        cases = self.run_all(spec, "cold", "--engine", "cpu")
        for number, word in enumerate(["left", "right"]):
            self.assertEqual(cases[number]["verdict"], "pass", cases[number])
            self.assertIn("\nit_is_" + word + "\r\n", cases[number]["console"])

    def test_what_cannot_be_is_said(self):
        def refuse(spec, status, *parts, more=()):
            done = rookery("sweep", spec, "-o", path("never.sqlite"), "--engine", "cpu", *more)
            self.assertEqual(done.returncode, status, done.stderr)
            for part in parts:
                self.assertIn(part, done.stderr)
            self.assertFalse(os.path.exists(path("never.sqlite")), done.stderr)

        refuse(path("absent.toml"), 74, "absent.toml")
        # Also what only a machine can tell.
        refuse(write("b4.toml", SHELL.replace("[input]", "[input]\nappend = \"quiet\"")), 64, "append", "rookery pack")
        refuse(write("b5.toml", SHELL + "memory = [ { at = \"0x90000000\", bytes = 4 } ]\n"), 64, "not in RAM")
        refuse(write("b6.toml", SHELL + "[[patch]]\nregister = \"a0\"\nvalue = \"0x1ffffffff\"\n"), 64, "32 bits of a0")
        refuse(write("b7.toml", SHELL + "[[end]]\nidle = \"1s\"\n[[end]]\nidle = \"2s\"\n"), 64, "one [[end]] with \"idle\"")
        refuse(write("b8.toml", SHELL + "[[end]]\nidle = \"27s\"\n"), 64, "26 s")
        refuse(write("b9.toml", FAULTS.replace("900k", "10k")), 64, "limit of 10000 instructions", "golden run")
        refuse(write("c1.toml", FAULTS + "between = [\"50M\", \"60M\"]\n"), 64, "between", "the golden run ends after")
        refuse(write("c2.toml", FAULTS + "detected = \"^sum\"\n"), 64, "detected")
        refuse(write("b1.toml", SHELL.replace("snapshot =", "snapshoot =")), 64, "b1.toml:3", "snapshoot", "snapshot")
        refuse(write("b2.toml", SHELL.replace("booted.rook", "nowhere.rook")), 74, "nowhere.rook")
        with open(path("booted.rook"), "rb") as file:
            damaged = bytearray(file.read())
        damaged[len(damaged) // 2] ^= 1
        with open(path("damaged.rook"), "wb") as file:
            file.write(damaged)
        refuse(write("b3.toml", SHELL.replace("booted.rook", "damaged.rook")), 65, "damaged.rook")
        done = rookery("sweep", self.shell, "--case", "12", "--engine", "cpu")
        self.assertEqual(done.returncode, 64, done.stderr)
        self.assertIn("0 to 11", done.stderr)
        # Results of another description are not mixed with these.
        self.run_all(self.shell, "mine", "--engine", "cpu")
        other = rookery("sweep", self.faults, "-o", path("mine.sqlite"), "--engine", "cpu")
        self.assertEqual(other.returncode, 64, other.stderr)


if __name__ == "__main__":
    if not os.path.exists(PROGRAM):
        print("There is no program", PROGRAM)
        sys.exit(77)
    unittest.main(verbosity=2)
