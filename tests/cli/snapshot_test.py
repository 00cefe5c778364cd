#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Snapshots of the default image: taken at a text, at a count, on a signal; continued; packed, inspected, damaged."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM = os.environ.get("ROOKERY_PROGRAM", "build/rookery")
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ENGINE = ["--engine", "cpu"]
PROMPT = "rookery:~# "
WAIT_S = 60

folder = tempfile.TemporaryDirectory(prefix="rookery-snapshot-")


def path(name):
    return os.path.join(folder.name, name)


def rookery(*arguments, typed=""):
    return subprocess.run([PROGRAM, *arguments], input=typed, capture_output=True, text=True, timeout=WAIT_S, check=False)


class Snapshots(unittest.TestCase):
    booted = path("booted.rook")

    @classmethod
    def setUpClass(cls):
        done = rookery("run", *ENGINE, "--snapshot-on", PROMPT, "-o", cls.booted)
        assert done.returncode == 0, done.stderr
        assert done.stdout.endswith(PROMPT), done.stdout
        assert "snapshot after " in done.stderr, done.stderr

    def test_it_goes_on_where_it_was(self):
        done = rookery("run", *ENGINE, self.booted, typed="echo a$((6*7))b\nexit 5\n")
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertTrue(done.stdout.startswith("echo a$((6*7))b\n" + "a42b\n" + PROMPT), done.stdout)
        self.assertNotIn("Linux version", done.stdout)

    def test_it_is_what_it_would_have_been(self):
        """A run in one go and one in two pieces end at the same count, with the same output."""
        typed = "cat /proc/uptime\nls /\nexit 3\n"
        whole = rookery("run", *ENGINE, "--stats=json", typed=typed)
        part = rookery("run", *ENGINE, "--snapshot-on", "5M", "-o", path("part.rook"), typed=typed)
        self.assertEqual(part.returncode, 0, part.stderr)
        rest = rookery("run", *ENGINE, path("part.rook"), "--stats=json", typed=typed)
        self.assertEqual(rest.returncode, 3, rest.stderr)
        self.assertEqual(part.stdout + rest.stdout, whole.stdout)
        counts = [json.loads(done.stderr.splitlines()[-1])["instructions"] for done in (whole, rest)]
        self.assertEqual(counts[0], counts[1])

    def test_the_same_place_makes_the_same_file(self):
        for name in ("one.rook", "two.rook"):
            done = rookery("run", *ENGINE, "--snapshot-on", "3M", "-o", path(name))
            self.assertEqual(done.returncode, 0, done.stderr)
        with open(path("one.rook"), "rb") as one, open(path("two.rook"), "rb") as two:
            self.assertEqual(one.read(), two.read())

    def test_snapshots_of_snapshots(self):
        done = rookery("run", *ENGINE, self.booted, "--snapshot-on", "x42y", "-o", path("second.rook"),
                       typed="v=7; echo x$((6*v))y\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        done = rookery("run", *ENGINE, path("second.rook"), typed="exit $v\n")
        self.assertEqual(done.returncode, 7, done.stderr)

    def test_on_a_signal_it_goes_on(self):
        file = path("signal.rook")
        with subprocess.Popen([PROGRAM, "run", *ENGINE, self.booted, "--snapshot-on", "signal", "-o", file],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as machine:
            machine.stdin.write("while [ ! -e /stop ]; do :; done\n")
            machine.stdin.flush()
            machine.stdout.read(1)
            machine.send_signal(signal.SIGUSR1)
            end = time.monotonic() + WAIT_S
            while not os.path.exists(file) and time.monotonic() < end:
                time.sleep(0.01)
            self.assertIsNone(machine.poll())
            machine.send_signal(signal.SIGTERM)
            machine.communicate(timeout=WAIT_S)
        self.assertEqual(machine.returncode, 128 + signal.SIGTERM)
        self.assertGreater(json.loads(rookery("inspect", "--json", file).stdout)["instructions"],
                           json.loads(rookery("inspect", "--json", self.booted).stdout)["instructions"])

    def test_pack_and_inspect(self):
        image = os.path.join(ROOT, "images/default")
        done = rookery("pack", "--kernel", f"{image}/Image.zst", "--initrd", f"{image}/initramfs.cpio.zst", "--append",
                       "console=ttyS0 run=true", "--memory", "32M", "-o", path("packed.rook"))
        self.assertEqual(done.returncode, 0, done.stderr)
        held = json.loads(rookery("inspect", "--json", path("packed.rook")).stdout)
        self.assertEqual((held["xlen"], held["ram_bytes"], held["has_run"], held["instructions"], held["command_line"]),
                         (32, 32 << 20, False, 0, "console=ttyS0 run=true"))
        done = rookery("run", *ENGINE, path("packed.rook"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("Linux version", done.stdout)
        text = rookery("inspect", self.booted).stdout
        self.assertIn("taken from the CPU engine", text)
        self.assertIn("64 MiB of RAM", text)

    def test_differences(self):
        """What differs is small, finds its parent again, and is whole once it is flattened."""
        places = [path(name) for name in ("with_parent", "with_parent/sub", "moved")]
        for place in places:
            os.mkdir(place)
        base = os.path.join(places[0], "base.rook")
        child = os.path.join(places[1], "child.rook")
        grandchild = os.path.join(places[0], "grandchild.rook")
        shutil.copy(self.booted, base)
        done = rookery("run", *ENGINE, base, "--snapshot-on", "x42y", "--parent", base, "-o", child,
                       typed="v=7; echo x$((6*v))y\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        done = rookery("run", *ENGINE, child, "--snapshot-on", "a49b", "--parent", child, "-o", grandchild,
                       typed="echo a$((7*v))b\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertLess(os.path.getsize(child), os.path.getsize(base) // 10)
        self.assertLess(os.path.getsize(grandchild), os.path.getsize(base) // 10)
        held = json.loads(rookery("inspect", "--json", grandchild).stdout)
        self.assertEqual([parent["path"] for parent in held["parents"]], ["sub/child.rook", "../base.rook"])
        self.assertLess(held["own_bytes"], held["used_bytes"] // 10)
        text = rookery("inspect", grandchild).stdout
        self.assertIn(held["parents"][0]["id"] + ', "sub/child.rook"', text)
        self.assertEqual(rookery("run", *ENGINE, grandchild, typed="exit $v\n").returncode, 7)

        # Moved beside each other they are found, under other names when they are named.
        for file in (base, child, grandchild):
            shutil.move(file, places[2])
        base, child, grandchild = (os.path.join(places[2], name) for name in ("base.rook", "child.rook", "grandchild.rook"))
        self.assertEqual(rookery("run", *ENGINE, grandchild, typed="exit $v\n").returncode, 7)
        renamed = os.path.join(places[2], "renamed.rook")
        os.rename(base, renamed)
        done = rookery("run", *ENGINE, grandchild)
        self.assertEqual(done.returncode, 65)
        self.assertIn(f'The snapshot "{child}" holds only what differs from its parent, snapshot {held["parents"][1]["id"]}, '
                      f'which is not to be found: "{path("base.rook")}" is no file; "{base}" is no file.', done.stderr)
        for arguments in (("run", *ENGINE, grandchild), ("inspect", grandchild)):
            done = rookery(*arguments, "--parent", self.part_of(renamed), "--parent", renamed, typed="exit $v\n")
            self.assertEqual(done.returncode, 7 if arguments[0] == "run" else 0, done.stderr)
        done = rookery("inspect", grandchild, "--parent", self.part_of(renamed))
        self.assertEqual(done.returncode, 65)
        self.assertIn("part.rook\" is another file (", done.stderr)

        flat = os.path.join(places[2], "flat.rook")
        done = rookery("pack", "--flatten", grandchild, "--parent", renamed, "-o", flat)
        self.assertEqual(done.returncode, 0, done.stderr)
        for file in (renamed, child, grandchild):
            os.remove(file)
        flat_holds = json.loads(rookery("inspect", "--json", flat).stdout)
        self.assertEqual(flat_holds["parents"], [])
        self.assertEqual([flat_holds[name] for name in ("instructions", "pc", "used_bytes", "image_bytes")],
                         [held[name] for name in ("instructions", "pc", "used_bytes", "image_bytes")])
        self.assertEqual(rookery("run", *ENGINE, flat, typed="exit $v\n").returncode, 7)

    @staticmethod
    def part_of(file):
        """A file that is not the parent."""
        part = os.path.join(os.path.dirname(file), "part.rook")
        with open(file, "rb") as source, open(part, "wb") as target:
            target.write(source.read(1000))
        return part

    def test_recorded_and_replayed(self):
        """A run from a snapshot, with input that the snapshot brings along, and the same again from its recording."""
        recording, start = path("from.rec"), path("start.rook")
        typed = "stty -echo; sleep 1\n" + "".join(f"echo line {number}\n" for number in range(30))
        done = rookery("run", *ENGINE, self.booted, "--snapshot-on", "line 3", "-o", start, typed=typed)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(done.stdout.endswith("line 3"), done.stdout)  # not an instruction later
        recorded = rookery("run", *ENGINE, start, "--record", recording, "--record-hashes", "100000", "--stats=json",
                           typed="cat /proc/uptime; sleep 3\nexit 5\n")
        self.assertEqual(recorded.returncode, 5, recorded.stderr)
        self.assertIn("line 29", recorded.stdout)
        counts = json.loads(recorded.stderr.splitlines()[-1])["instructions"]
        for snapshot in ([], [start]):
            done = rookery("run", *ENGINE, *snapshot, "--replay", recording, "--stats=json", typed="")
            self.assertEqual((done.returncode, done.stdout), (5, recorded.stdout), done.stderr)
            self.assertEqual(json.loads(done.stderr.splitlines()[-1])["instructions"], counts)
        for arguments, status, sentence in (
                ((self.booted, "--replay", recording), 65, "The recording is of another machine: its snapshot was "),
                (("--replay", recording, "--image", "default"), 65, "and here it is none."),
                (("--replay", recording, "--gdb", "0"), 64, "it is of a run from a snapshot.")):
            done = rookery("run", *ENGINE, *arguments)
            self.assertEqual(done.returncode, status, done.stderr)
            self.assertIn(sentence, done.stderr)

    def test_no_parent_is_replaced(self):
        parent = path("kept.rook")
        self.assertEqual(rookery("run", *ENGINE, "--snapshot-on", "1k", "-o", parent).returncode, 0)
        done = rookery("run", *ENGINE, "--snapshot-on", "2k", "--parent", parent, "-o", parent)
        self.assertEqual(done.returncode, 64, done.stderr)
        self.assertIn(f'"{parent}" is a parent of what is to be stored there', done.stderr)
        done = rookery("run", *ENGINE, "--memory", "32M", "--snapshot-on", "2k", "--parent", parent, "-o", path("x.rook"))
        self.assertEqual(done.returncode, 64, done.stderr)
        self.assertIn("The parent is RV32 with 64 MiB of RAM, but the machine is RV32 with 32 MiB of RAM.", done.stderr)

    def test_what_was_typed_is_taken_along(self):
        """Piped lines that the shell has not read: none is lost, none comes twice."""
        with open(path("typed.txt"), "w+", encoding="ascii") as typed:
            typed.write("stty -echo; sleep 1\n" + "".join(f"echo line {number}\n" for number in range(400)))
            typed.seek(0)
            # Both read the same open file: what the first has read is in the snapshot, or was typed.
            part, rest = (subprocess.run([PROGRAM, "run", *ENGINE, *arguments], stdin=typed, capture_output=True, text=True,
                                         timeout=WAIT_S, check=False)
                          for arguments in ((self.booted, "--snapshot-on", "line 100", "-o", path("typed.rook")),
                                            (path("typed.rook"),)))
        self.assertEqual((part.returncode, rest.returncode), (0, 0), part.stderr + rest.stderr)
        held = json.loads(rookery("inspect", "--json", path("typed.rook")).stdout)
        self.assertGreater(held["typed_bytes"], 1000)
        printed = (part.stdout + rest.stdout).replace("\r", "")
        for number in range(400):
            self.assertEqual(printed.count(f"{PROMPT}line {number}\n"), 1, number)

    def test_a_file_is_replaced_or_left_alone(self):
        self.assertEqual(rookery("run", *ENGINE, "--snapshot-on", "1k", "-o", path("again.rook")).returncode, 0)
        with open(path("again.rook"), "rb") as file:
            before = file.read()
        done = rookery("run", *ENGINE, "--snapshot-on", "never printed", "-o", path("again.rook"), "--max-instructions", "1M")
        self.assertEqual(done.returncode, 64)
        self.assertIn('No snapshot was taken: the guest did not print "never printed".', done.stderr)
        with open(path("again.rook"), "rb") as file:
            self.assertEqual(file.read(), before)
        self.assertEqual([name for name in os.listdir(folder.name) if name.endswith(".part")], [])

    def test_wrong_input(self):
        with open(self.booted, "rb") as file:
            good = file.read()
        damaged = path("damaged.rook")
        with open(damaged, "wb") as file:
            file.write(good[:100_000] + b"?" + good[100_001:])
        cut = path("cut.rook")
        with open(cut, "wb") as file:
            file.write(good[:-10])
        text = path("text.rook")
        with open(text, "w", encoding="ascii") as file:
            file.write("no snapshot\n")
        for arguments, status, sentence in (
                (("run", damaged), 65, f'The snapshot "{damaged}" is damaged at byte '),
                (("run", cut), 65, f'The snapshot "{cut}" is damaged at byte '),
                (("inspect", text), 65, f'The snapshot "{text}" is no snapshot of Rookery\'s.'),
                (("run", path("none.rook")), 74, "none.rook"),
                (("run", self.booted, "--memory", "32M"), 64, "--memory"),
                (("run", "--snapshot-on", "", "-o", path("x.rook")), 64, '--snapshot-on "" is no text'),
                (("run", "--snapshot-on", "0", "-o", path("x.rook")), 64, '--snapshot-on "0" is not a count'),
                (("run", "--snapshot-on", "x" * 200, "-o", path("x.rook")), 64, "there can be 191."),
                (("run", "--snapshot-on", "1M"), 64, '--snapshot-on "1M" needs a file: -o FILE.rook.'),
                (("run", *ENGINE, "--snapshot-on", "1k", "-o", path("no/such/folder.rook")), 74, "Cannot write the snapshot"),
                (("pack",), 64, "--output"),
                (("pack", "--flatten", self.booted, "--memory", "32M", "-o", path("x.rook")), 64, "--memory"),
                (("run", "-o", path("x.rook"), "--parent", path("none.rook")), 74, "none.rook"),
        ):
            with self.subTest(arguments=arguments):
                done = rookery(*arguments)
                self.assertEqual(done.returncode, status, done.stderr)
                self.assertIn(sentence, done.stderr)


if __name__ == "__main__":
    if not os.path.exists(PROGRAM):
        print(f"Skipped: {PROGRAM} is not built; set ROOKERY_PROGRAM.")
        sys.exit(77)
    unittest.main()
