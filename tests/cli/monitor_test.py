#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The monitor's socket (`--monitor unix:PATH`): clients that pause, step and end a machine on both engines, and
clients that misbehave. With $ROOKERY_PROGRAM."""
import json
import os
import socket
import stat
import subprocess
import sys
import time
import unittest

import cli_test
from cli_test import IO, PROGRAM, USAGE, WAIT_S, cpu, path

ADAPTER = os.environ.get("ROOKERY_TEST_ADAPTER", "software")
CPU = ["--engine", "cpu"]
GPU = ["--engine", "gpu", "--adapter", ADAPTER]


class Client:
    def __init__(self, where):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(WAIT_S)
        self.socket.connect(where)
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        self.greeting = self.line()
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.file.close()
        self.socket.close()

    def line(self):
        return json.loads(self.file.readline() or b'{"closed": true}')

    def send(self, text):
        self.socket.sendall(text)

    def ask(self, command, **arguments):
        self.send(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        return self.line()

    def get(self, command, **arguments):
        answer = self.ask(command, **arguments)
        if "return" not in answer:
            raise AssertionError(f"{command} {arguments}: {answer}")
        return answer["return"]


class Run:
    """The program with an endless guest and a monitor."""

    def __init__(self, *arguments, engine=(), program=None):
        self.where = path(f"monitor{time.monotonic_ns()}")
        program = program or path("endless", cli_test.ENDLESS)
        self.process = subprocess.Popen([PROGRAM, "run", *(engine or CPU), "--bare", program, "--monitor",
                                         "unix:" + self.where, *arguments],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        end = time.monotonic() + WAIT_S
        while not os.path.exists(self.where) and self.process.poll() is None and time.monotonic() < end:
            time.sleep(0.01)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def client(self):
        return Client(self.where)

    def ends(self):
        said = self.process.communicate(timeout=WAIT_S)[1].decode()
        return self.process.returncode, said


class Commands(unittest.TestCase):
    def exercise(self, engine):
        with Run(engine=engine) as run, run.client() as client:
            self.assertIn("step", client.greeting["rookery"]["commands"])
            self.assertEqual(client.get("status")["state"], "running")
            paused = client.get("pause")
            self.assertEqual(paused["state"], "paused")
            time.sleep(0.3)
            self.assertEqual(client.get("status"), paused)
            at = paused["instructions"]
            for steps in (1, 1000, 23457):
                stepped = client.get("step", instructions=steps)
                at += steps
                self.assertEqual((stepped["steps"], stepped["instructions"], stepped["state"]), (steps, at, "paused"))
            registers = client.get("registers")
            self.assertEqual((registers["pc"], registers["hart"]["icount"]), ("0x80000000", hex(at)))
            self.assertEqual(client.get("memory", pa=0x80000000, bytes=4)["hex"], "6f000000")
            self.assertEqual(client.get("stats")["instructions"], at)
            self.assertEqual(client.get("resume")["state"], "running")
            time.sleep(0.3)
            self.assertGreater(client.get("pause")["instructions"], at)
            self.assertEqual(client.get("quit"), {})
            self.assertEqual(client.line()["event"], "END")
            self.assertEqual(run.ends()[0], 0)
            self.assertFalse(os.path.exists(run.where))

    def test_on_the_cpu(self):
        self.exercise(CPU)

    def test_on_the_gpu(self):
        probe = subprocess.run([PROGRAM, "run", *GPU, "--bare", path("ends", cli_test.ends_with(0))],
                               stdin=subprocess.DEVNULL, capture_output=True, timeout=WAIT_S, check=False)
        if probe.returncode == USAGE:
            self.skipTest(probe.stderr.decode())
        self.exercise(GPU)

    def test_snapshots(self):
        with Run() as run, run.client() as client:
            at = client.get("pause")["instructions"]
            file = path("monitored.rook")
            self.assertEqual(client.get("snapshot", path=file), {"instructions": at, "bytes": os.path.getsize(file)})
            self.assertEqual(client.get("status")["state"], "paused")
            refused = client.ask("snapshot", path=path("no/such/folder.rook"))["error"]
            self.assertEqual(refused["class"], "SnapshotError")
            self.assertIn("Cannot write the snapshot", refused["desc"])
            client.get("resume")
            self.assertGreater(client.get("snapshot", path=file)["instructions"], at)
            client.get("quit")
            self.assertEqual(run.ends()[0], 0)
            held = json.loads(subprocess.run([PROGRAM, "inspect", "--json", file], capture_output=True, check=True).stdout)
            self.assertGreater(held["instructions"], at)

    def test_a_timeout_does_not_fire_in_a_pause(self):
        with Run("--timeout", "1") as run, run.client() as client:
            client.get("pause")
            time.sleep(1.5)
            client.get("resume")
            self.assertEqual(client.line()["data"]["reason"], "timeout")
            self.assertEqual(run.ends()[0], 124)

    def test_the_end_of_the_guest_is_an_event(self):
        with Run("--max-instructions", "2G") as run, run.client() as client:
            at = client.get("pause")["instructions"]
            client.send(b'{"execute": "step", "arguments": {"instructions": 3000000000}, "id": 5}\n')
            cut = client.line()
            self.assertEqual((cut["error"]["class"], cut["id"]), ("RunEnded", 5))
            self.assertIn(f"(instructions) after {2_000_000_000 - at} of the steps.", cut["error"]["desc"])
            self.assertEqual(client.line()["data"],
                             {"reason": "instructions", "status": 0, "failed": False, "instructions": 2_000_000_000})

    def test_a_signal_ends_a_paused_machine(self):
        with Run() as run, run.client() as client:
            client.get("pause")
            run.process.terminate()
            self.assertEqual(run.ends()[0], 143)
            self.assertFalse(os.path.exists(run.where))

    def test_keys_of_the_host_work_in_a_pause(self):
        where = path("terminal_monitor")
        with cli_test.Terminal("--bare", path("endless", cli_test.ENDLESS), "--monitor", "unix:" + where) as terminal:
            terminal.wait_for(lambda: os.path.exists(where))
            with Client(where) as client:
                client.get("pause")
                terminal.type(b"\x01c")
                terminal.read_until(b"guest time.")
                terminal.type(b"\x01x")
                self.assertEqual(terminal.wait(), 0)
                self.assertEqual(client.line()["data"]["reason"], "stopped")


class Clients(unittest.TestCase):
    def test_one_after_the_other(self):
        with Run() as run:
            with run.client() as first:
                at = first.get("pause")["instructions"]
                with run.client() as second:
                    self.assertEqual(second.greeting["error"]["class"], "Busy")
                    self.assertEqual(second.line(), {"closed": True})
                first.get("status")
            end = time.monotonic() + WAIT_S
            while time.monotonic() < end:  # the first may still be seen as connected
                with run.client() as third:
                    if "rookery" in third.greeting:
                        self.assertEqual(third.get("status")["instructions"], at)
                        return
            self.fail("no other client was let in")

    def test_that_misbehave_do_not_harm_the_run(self):
        with Run() as run:
            def at_peace(client):
                answer = client.get("status")
                self.assertEqual(answer["state"], "running")

            def connect():
                for _ in range(1000):
                    client = run.client().__enter__()
                    if "rookery" in client.greeting:
                        return client
                    client.close()
                    time.sleep(0.01)
                raise AssertionError("no client is let in")

            client = connect()  # noise
            client.send(os.urandom(100_000).replace(b"\n", b" ") + b"\n")
            self.assertIn("longer than 65536 bytes", client.line()["error"]["desc"])
            client.send(b"garbage\n\n\n[1]\n")
            self.assertEqual([client.line()["error"]["class"] for _ in range(2)], ["BadRequest"] * 2)
            at_peace(client)
            client.close()

            connect().close()  # gone at once
            client = connect()  # gone within a line, with a request half done
            client.send(b'{"execute": "pau')
            client.close()
            client = connect()  # asks for much, reads nothing, goes
            client.socket.settimeout(1)
            try:
                for _ in range(1000):
                    client.send(b'{"execute": "memory", "arguments": {"pa": "0x80000000", "bytes": 65536}}\n' * 10)
            except socket.timeout:
                pass
            client.close()
            client = connect()  # pauses, steps, goes: the next one resumes
            client.get("pause")
            client.send(b'{"execute": "step", "arguments": {"instructions": 100000000000}}\n')
            client.close()
            client = connect()
            client.get("pause")
            client.get("resume")
            at_peace(client)
            client.get("quit")
            client.close()
            self.assertEqual(run.ends()[0], 0)

    def test_that_only_write(self):
        with Run() as run, run.client() as client:
            client.send(b'{"execute": "pause"}\n{"execute": "step", "arguments": {"instructions": 5}}\n')
            client.socket.shutdown(socket.SHUT_WR)
            self.assertEqual(client.line()["return"]["state"], "paused")
            self.assertEqual(client.line()["return"]["steps"], 5)
            self.assertEqual(client.line(), {"closed": True})


class Sockets(unittest.TestCase):
    def test_are_the_owners(self):
        with Run() as run:
            mode = os.stat(run.where).st_mode
            self.assertTrue(stat.S_ISSOCK(mode))
            self.assertEqual(stat.S_IMODE(mode) & 0o077, 0)

    def test_of_dead_programs_are_replaced(self):
        with Run() as run:
            run.process.kill()
            run.process.wait(WAIT_S)
            self.assertTrue(os.path.exists(run.where))
            status, _, said = cpu("--bare", path("ends", cli_test.ends_with(0)), "--monitor", "unix:" + run.where)
            self.assertEqual(status, 0, said)
            self.assertFalse(os.path.exists(run.where))

    def test_that_cannot_be(self):
        endless = path("endless", cli_test.ENDLESS)
        with Run() as run:
            for address, status, sentence in (
                ("tcp:1234", USAGE, '--monitor "tcp:1234" is no address such as unix:/tmp/monitor.'),
                ("unix:", USAGE, '--monitor "unix:" is no address'),
                ("unix:" + "x" * 200, USAGE, "--monitor's path has 200 bytes; a socket's has 107 at most."),
                ("unix:/nonexistent/x", IO, 'Cannot listen at the monitor\'s socket "/nonexistent/x": No such file'),
                ("unix:" + endless, USAGE, "that file exists and is no socket."),
                ("unix:" + run.where, USAGE, "another program listens there."),
            ):
                with self.subTest(address):
                    got = cpu("--bare", endless, "--monitor", address)
                    self.assertEqual(got[0], status, got[2])
                    self.assertIn(sentence, got[2])
            with run.client() as client:
                self.assertEqual(client.get("status")["state"], "running")


if __name__ == "__main__":
    if not os.path.exists(PROGRAM):
        print(f"{PROGRAM} is not built; set ROOKERY_PROGRAM.")
        sys.exit(77)
    unittest.main()
