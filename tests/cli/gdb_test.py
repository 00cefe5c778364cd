#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""gdb with the CPU engine: every session of gdb_sessions.py, and Linux."""
import os
import re
import subprocess
import tempfile
import time
import unittest

from gdb_sessions import PROGRAM, ROOT, WAIT_S, Mi, Rookery, Sessions, debuggee, packet, skip_unless_ready

DEFAULT_IMAGE = os.path.join(ROOT, "images/default/Image.zst")


class OnTheCpu(Sessions, unittest.TestCase):
    ENGINE = ["--engine", "cpu"]

    def test_a_second_gdb_is_turned_away(self):
        with self.machine() as machine, machine.connect() as first:
            first.sendall(packet(b"qC"))
            self.assertEqual(first.recv(100), b"+" + packet(b"QC1"))
            with machine.connect() as second:
                self.assertEqual(second.recv(100), b"")
            machine.wait_for(r"a second gdb, from 127\.0\.0\.1:\d+, was turned away: one is enough\.")
            first.sendall(b"+" + packet(b"qC"))
            self.assertEqual(first.recv(100), b"+" + packet(b"QC1"))

    def test_garbage_does_no_harm(self):
        with self.machine() as machine:
            with machine.connect() as client:
                client.sendall(os.urandom(100_000).replace(b"$", b"") + b"$" + b"a" * 200_000 + b"#00")
                answer = b""
                while not answer.endswith(b"-"):
                    answer += client.recv(1000)
            self.assertIn("$1 = 0x80000000\n", machine.gdb("p/x (long)$pc", elf=debuggee()))
            self.ends_well(machine)

    def test_a_gdb_that_vanishes_leaves_a_stopped_machine_stopped(self):
        with self.machine() as machine:
            with Mi(machine, debuggee()) as gdb:
                gdb.ask("-exec-step-instruction 3", r"\*stopped")
            machine.wait_for("gdb is gone: the machine stands still until another one attaches.")
            self.assertEqual(machine.printed, b"")
            said = machine.gdb("p $mcycle", "continue", elf=debuggee())
            self.assertIn("$1 = 3\n", said)
            self.ends_well(machine)

    def test_no_timeout_while_gdb_holds_the_machine(self):
        with self.machine(32, "--timeout", "1") as machine:
            time.sleep(1.5)
            self.assertIsNone(machine.process.poll())
            machine.gdb("set {int}&released = 0", "detach", elf=debuggee())
            self.assertEqual(machine.wait(), 124)
            self.assertIn("(--timeout)", machine.said)

    def test_interrupts_are_fast(self):
        """Less than a dispatch, 0.1 s, and what the computer has to do besides."""
        with self.machine() as machine, Mi(machine, debuggee()) as gdb:
            gdb.ask("-data-evaluate-expression {int}&released=0")
            times = []
            for _ in range(5):
                gdb.ask("-exec-continue", r"\*running")
                time.sleep(0.2)
                start = time.monotonic()
                gdb.ask("-exec-interrupt", r"\*stopped")
                times.append(time.monotonic() - start)
            self.assertLess(min(times), 0.3)


@unittest.skipUnless(os.path.exists(DEFAULT_IMAGE), "no default image")
class Linux(unittest.TestCase):
    """Without symbols: addresses come from the machine itself."""

    def test_a_session(self):
        typed = b"echo a$((6*7))b\n"
        with Rookery("--engine", "cpu", "--stats=json", typed=typed) as machine:
            said = machine.gdb("p/x (unsigned)$pc", "p/x $satp", "x/i $pc", "stepi 1000", "p $instret", "detach")
            entry = int(re.search(r"\$1 = (0x[0-9a-f]+)", said).group(1), 16)
            self.assertEqual(entry >> 20, 0x804)
            self.assertIn("$2 = 0x0\n", said)
            self.assertIn("$3 = 1000\n", said)
            # It runs on to the shell, which is given a line.
            self.assertEqual(machine.wait(), 0, machine.said)
            self.assertIn(b"a42b\r\n", machine.printed)
            alone = subprocess.run([PROGRAM, "run", "--engine", "cpu", "--stats=json"], input=typed, capture_output=True,
                                   timeout=WAIT_S, check=True)
        # gdb has changed nothing.
        self.assertEqual(machine.printed, alone.stdout)
        counts = [re.search(r'"instructions":(\d+)', text).group(1) for text in (machine.said, alone.stderr.decode())]
        self.assertEqual(counts[0], counts[1])

    def test_backwards_through_a_boot(self):
        """From the end of a session to its last trap, to its start, and to the end again."""
        with tempfile.TemporaryDirectory() as folder:
            recording = os.path.join(folder, "session.rec")
            recorded = subprocess.run([PROGRAM, "run", "--engine", "cpu", "--record", recording], check=False,
                                      input=b"echo a$((6*7))b\npoweroff 3\n", capture_output=True, timeout=WAIT_S)
            self.assertEqual(recorded.returncode, 3, recorded.stderr)
            with Rookery("--engine", "cpu", "--replay", recording, "--gdb-at", "5M") as machine:
                said = machine.gdb("monitor count", "continue", "monitor count", "reverse-stepi 3", "monitor count",
                                   "break *$stvec", "reverse-continue", "p (unsigned)$pc == $stvec", "monitor count",
                                   "delete", "reverse-continue", "monitor count", "stepi 1000", "monitor count", "continue",
                                   "detach")
                first, end, back, trap, *last = (int(count) for count in re.findall(r"^(\d+)$", said, re.MULTILINE))
                self.assertEqual(first, 5_000_000)
                self.assertEqual(back, end - 3)
                self.assertIn("$1 = 1\n", said)
                self.assertTrue(first < trap < back)
                self.assertEqual(last, [0, 1000])
                self.assertEqual(machine.wait(), 3, machine.said)
            self.assertEqual(machine.printed, recorded.stdout)

    def test_kernel_space(self):
        with Rookery("--engine", "cpu") as machine:
            with machine.connect() as client:  # lets it run into the boot
                client.sendall(b"$c#63")
                while b"Linux version" not in machine.printed:
                    time.sleep(0.01)
                client.sendall(b"\x03")
                answer = b""
                while b"T02" not in answer:
                    answer += client.recv(100)
            said = machine.gdb("p $priv", "p/x $satp", "break *$stvec", "continue", "p (unsigned)$pc == $stvec",
                               "p/x $sepc", "p $scause", "x/3i $pc", "x/xw $pc", "info registers sp ra", "p/x $satp << 12",
                               "monitor xp ($satp) 4", "delete", "stepi", "kill")
            self.assertRegex(said, r"\$2 = 0x8[0-9a-f]{7}\n")
            self.assertIn("Breakpoint 1, 0x", said)
            self.assertIn("$3 = 1\n", said)
            self.assertRegex(said, r"=> 0xc[0-9a-f]{7}:\t")
            self.assertRegex(said, r"sp +0xc[0-9a-f]{7}")
            self.assertEqual(machine.wait(), 0)


if __name__ == "__main__":
    skip_unless_ready()
    unittest.main()
