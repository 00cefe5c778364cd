# SPDX-License-Identifier: Apache-2.0
"""Sessions of a real gdb with a real `rookery run --gdb`, for any engine: gdb_test.py here runs them on the CPU
engine, tests/gpu/gdb_test.py on the GPU engine. The program that is debugged is tests/bare/debugger.S.
"""
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

PROGRAM = os.environ.get("ROOKERY_PROGRAM", "build/rookery")
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BARE = os.path.join(os.path.dirname(os.path.abspath(PROGRAM)), "tests/bare")
GDB = shutil.which("gdb-multiarch")
WAIT_S = 60  # for whatever should come at once; a busy machine is slow
HELLO = b"hello from the guest\n"
ENTRY = 0x80000000


def debuggee(xlen=32):
    return os.path.join(BARE, f"debugger_rv{xlen}.elf")


def skip_unless_ready():
    """Ends the script as skipped if something is missing."""
    for missing, sentence in ((not os.path.exists(PROGRAM), f"{PROGRAM} is not built; set ROOKERY_PROGRAM."),
                              (GDB is None, "gdb-multiarch is missing (Debian: gdb-multiarch)."),
                              (not os.path.exists(debuggee()), f"{debuggee()} is not built (no cross compiler?).")):
        if missing:
            print(f"Skipped: {sentence}")
            sys.exit(77)


class Rookery:
    """A machine that gdb can attach to."""

    def __init__(self, *arguments, typed=b""):
        self.process = subprocess.Popen([PROGRAM, "run", "--gdb", "0", *arguments], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.process.stdin.write(typed)
        self.process.stdin.close()
        self.printed = b""
        self.said = ""
        self.readers = [threading.Thread(target=self.read_console), threading.Thread(target=self.read_notes)]
        for reader in self.readers:
            reader.start()
        self.port = int(self.wait_for(r"waiting for gdb: target remote 127\.0\.0\.1:(\d+)").group(1))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.wait()

    def read_console(self):
        while piece := os.read(self.process.stdout.fileno(), 65536):
            self.printed += piece

    def read_notes(self):
        for line in self.process.stderr:
            self.said += line.decode()

    def wait_for(self, pattern):
        """Until Rookery says so."""
        end = time.monotonic() + WAIT_S
        while not (found := re.search(pattern, self.said)):
            if time.monotonic() > end:
                raise AssertionError(f"{pattern!r} was not said, but {self.said!r}")
            time.sleep(0.01)
        return found

    def wait(self):
        """The exit status."""
        status = self.process.wait(WAIT_S)
        for reader in self.readers:
            reader.join()
        self.process.stdout.close()
        self.process.stderr.close()
        return status

    def connect(self):
        client = socket.create_connection(("127.0.0.1", self.port), WAIT_S)
        client.settimeout(WAIT_S)
        return client

    def gdb(self, *commands, elf=None):
        """What gdb prints while it does these commands, attached."""
        arguments = [GDB, "-batch", "-nx", "-q", "-ex", "set remotetimeout 30", "-ex", "set style enabled off"]
        arguments += ["-ex", "set architecture riscv:rv32"] if elf is None else [elf]
        for command in (f"target remote 127.0.0.1:{self.port}", *commands):
            arguments += ["-ex", command]
        done = subprocess.run(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=2 * WAIT_S, check=False)
        return done.stdout.decode()


class Mi:
    """A gdb that is talked to through its machine interface, so that it can be interrupted."""

    def __init__(self, machine, elf):
        self.process = subprocess.Popen([GDB, "-nx", "-q", "-i=mi3", elf], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)
        self.seen = ""
        self.ask("-gdb-set mi-async on")
        self.ask(f"-target-select remote 127.0.0.1:{machine.port}", r"\^connected")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def ask(self, command, answer=r"\^(done|running)"):
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()
        return self.read_until(answer)

    def read_until(self, pattern):
        for line in self.process.stdout:
            self.seen += line.decode()
            if found := re.search(pattern, line.decode()):
                return found
        raise AssertionError(f"{pattern!r} did not come, but {self.seen[-2000:]!r}")


def packet(payload):
    return b"$%s#%02x" % (payload, sum(payload) % 256)


class Sessions:
    """Tests, for a class that is a unittest.TestCase too and says which ENGINE."""

    ENGINE = []

    def machine(self, xlen=32, *arguments):
        return Rookery("--bare", debuggee(xlen), *self.ENGINE, *arguments)

    def ends_well(self, machine):
        """The guest runs to its end."""
        self.assertEqual(machine.wait(), 0, machine.said)
        self.assertEqual(machine.printed, HELLO)

    def test_it_waits_before_the_first_instruction(self):
        with self.machine() as machine:
            time.sleep(0.3)
            said = machine.gdb("info registers", "x/2i $pc", "p $minstret", "p $priv", elf=debuggee())
            self.assertRegex(said, rf"pc +{ENTRY:#x}\t{ENTRY:#x} <_start>")
            self.assertRegex(said, r"=> 0x80000000 <_start>:\tauipc\tt0,")
            self.assertIn("$1 = 0\n", said)
            self.assertIn("$2 = 3\n", said)
            # A gdb that quits detaches.
            machine.wait_for("gdb is gone: the machine runs on.")
            self.ends_well(machine)

    def test_steps_are_exact(self):
        with self.machine() as machine:
            said = machine.gdb("stepi", "p/x $pc", "p $mcycle", "stepi 6", "p $mcycle", "kill", elf=debuggee())
            self.assertIn(f"$1 = {ENTRY + 4:#x}\n$2 = 1\n", said)
            self.assertIn("$3 = 7\n", said)
            self.assertEqual(machine.wait(), 0)

    def test_breakpoints(self):
        with self.machine() as machine:
            said = machine.gdb("break *&store_counter", "continue", "p/x $pc == &store_counter", "p $a0", "continue 3",
                               "p (int)counter", "delete", "hbreak *&increment", "continue", "finish", "p $a0", "delete",
                               "continue", elf=debuggee())
            self.assertIn("Breakpoint 1, ", said)
            self.assertIn("$1 = 0x1\n$2 = 1\n", said)
            self.assertIn("$3 = 3\n", said)
            self.assertIn("Breakpoint 2, ", said)
            self.assertIn("$4 = 5\n", said)
            self.assertRegex(said, r"\[Inferior 1 .* exited normally\]")
            self.ends_well(machine)

    def test_watchpoints(self):
        with self.machine() as machine:
            said = machine.gdb("watch *(int*)&counter", "continue", "continue", "p (long)$pc == (long)&store_counter + 4",
                               "delete", "rwatch *(int*)&counter", "continue", "p (long)$pc == (long)&count + 4", "delete",
                               "awatch *(char*)((long)&counter + 1)", "continue", "continue", "delete", "kill",
                               elf=debuggee())
            self.assertIn("Hardware watchpoint 1: *(int*)&counter\n\nOld value = 0\nNew value = 1\n", said)
            self.assertIn("Hardware watchpoint 1: *(int*)&counter\n\nOld value = 1\nNew value = 2\n", said)
            self.assertIn("$1 = 1\n", said)
            self.assertIn("Hardware read watchpoint 2: *(int*)&counter\n\nValue = 2\n", said)
            self.assertIn("$2 = 1\n", said)
            self.assertEqual(said.count("Hardware access (read/write) watchpoint 3: *(char*)((long)&counter + 1)\n\nValue = 0"),
                             2)
            self.assertEqual(machine.wait(), 0)

    def test_registers_and_memory_are_written(self):
        with self.machine() as machine:
            said = machine.gdb("break say_hello", "set $s11 = 0x1234", "p/x $s11", "set $mscratch = 77", "p $mscratch",
                               "set $mstatus = 0xffffffff", "p/x $mstatus & 0xffffffff", "set $mhartid = 1",
                               "set {char[4]}&hello = \"HEL\"", "set {int}0 = 1", "continue", "p/x $s11",
                               "set {char}((long)&hello + 3) = 'L'", "detach", elf=debuggee())
            self.assertIn("$1 = 0x1234\n$2 = 77\n$3 = 0x7e19aa\n", said)
            self.assertIn('Could not write register "mhartid"', said)
            self.assertIn("Cannot access memory at address 0x0", said)
            self.assertIn("$4 = 0x1234\n", said)
            self.assertEqual(machine.wait(), 0, machine.said)
            self.assertEqual(machine.printed, HELLO.replace(b"hell", b"HELL"))

    def test_instructions_are_written(self):
        with self.machine() as machine:
            machine.gdb("break say_hello", "continue", "set {int}&wait_for_release = 0xffdff06f", "set {int}$pc = 0x13",
                        "jump *&say_hello", "kill", elf=debuggee())
            self.assertEqual(machine.wait(), 0, machine.said)

    def test_csrs_and_monitor(self):
        with self.machine() as machine:
            said = machine.gdb("p/x $satp", "p/x $misa", "info registers mtvec", "monitor status", "monitor regs",
                               "monitor xp 0x80000000 4", "x/bx 0x10000005", "monitor help", "monitor tea", "kill",
                               elf=debuggee())
            self.assertIn("$1 = 0x0\n$2 = 0x40141101\n", said)
            self.assertRegex(said, r"mtvec +0x0\t0")
            self.assertRegex(said, r"0 instructions, .* engine, \d+ dirty pages")
            self.assertRegex(said, r"pc +80000000  priv +00000003")
            self.assertRegex(said, r"80000000: 00000297( [0-9a-f]{8}){3}\n")
            self.assertRegex(said, r"0x10000005:\t0x60")
            self.assertIn('There is no monitor command "tea"', said)
            self.assertEqual(machine.wait(), 0)

    def test_backwards(self):
        with tempfile.TemporaryDirectory() as folder:
            recording = os.path.join(folder, "session.rec")
            subprocess.run([PROGRAM, "run", "--bare", debuggee(), "--engine", "cpu", "--record", recording], check=True,
                           stdin=subprocess.DEVNULL, capture_output=True, timeout=WAIT_S)
            with Rookery("--replay", recording, *self.ENGINE) as machine:
                said = machine.gdb("continue", "watch *(int*)&counter", "reverse-continue", "p (long)$pc == (long)&store_counter",
                                   "reverse-continue", "continue", "delete", "break *&increment", "reverse-continue", "p $a0",
                                   "reverse-finish", "x/i $pc", "reverse-stepi", "p $mcycle", "stepi", "p $mcycle", "set $a0 = 1",
                                   "set {int}&counter = 1", "delete", "reverse-continue", "p $mcycle", "continue", "detach",
                                   elf=debuggee())
                self.assertIn("Old value = 5\nNew value = 4\n", said)
                self.assertIn("$1 = 1\n", said)
                self.assertIn("Old value = 4\nNew value = 3\n", said)
                self.assertIn("Old value = 3\nNew value = 4\n", said)
                self.assertRegex(said, r"Breakpoint 2, 0x\w+ in increment \(\)\n\$2 = 3\n")
                self.assertRegex(said, r"=> \w+ <count\+8>:\tjalr")
                before, after = (int(number) for number in re.findall(r"\$[34] = (\d+)\n", said))
                self.assertEqual(after, before + 1)
                self.assertIn('Could not write register "a0"', said)
                self.assertIn("Cannot access memory at address", said)
                self.assertIn("No more reverse-execution history.\n0x80000000 in _start ()\n$5 = 0\n", said)
                self.ends_well(machine)  # and has printed everything once
                self.assertIn("the recording is over", machine.said)
            with Rookery("--replay", recording, *self.ENGINE, "--gdb-at", "25") as machine:
                said = machine.gdb("p $mcycle", "reverse-stepi", "p $mcycle", "kill", elf=debuggee())
                self.assertIn("$1 = 25\n", said)
                self.assertIn("$2 = 24\n", said)
                self.assertEqual(machine.wait(), 0)
            with Rookery("--replay", recording, *self.ENGINE, "--gdb-at", "1G") as machine:
                machine.wait_for(r"waiting for gdb: .* \(the machine's end, after \d+ instructions\)")
                machine.gdb("reverse-stepi", "detach", elf=debuggee())
                self.ends_well(machine)

    def test_going_backwards_needs_a_recording(self):
        with self.machine() as machine:
            said = machine.gdb("stepi", "reverse-stepi", "kill", elf=debuggee())
            self.assertIn("Target remote does not support this command.", said)

    def test_interrupt(self):
        with self.machine() as machine, Mi(machine, debuggee()) as gdb:
            gdb.ask("-data-evaluate-expression {int}&released=0")
            gdb.ask("-exec-continue", r"\*running")
            end = time.monotonic() + WAIT_S
            while machine.printed != HELLO and time.monotonic() < end:
                time.sleep(0.01)
            self.assertEqual(machine.printed, HELLO)  # the console works while gdb waits
            start = time.monotonic()
            gdb.ask("-exec-interrupt", r'\*stopped.*signal-name="SIGINT"')
            self.assertLess(time.monotonic() - start, WAIT_S / 4)
            gdb.ask("-data-evaluate-expression (long)$pc-(long)&wait_for_release", r'value="(8|12)"')
            gdb.ask("-data-evaluate-expression {int}&released=1")
            gdb.ask("-exec-continue", r"\*running")
            gdb.read_until(r'\*stopped,reason="exited-normally"')
            self.ends_well(machine)

    def test_wide_machines(self):
        with self.machine(64) as machine:
            elf = debuggee(64)
            said = machine.gdb("set $s11 = 0x123456789abcdef0", "p/x $s11", "stepi 2", "p $mcycle", "p/x $misa",
                               "p $timeh", "break *&store_counter", "continue", "x/2i $pc", "watch *(int*)&counter",
                               "continue", "delete", "continue", elf=elf)
            for wanted in ("$1 = 0x123456789abcdef0\n", "$2 = 2\n", "$3 = 0x8000000000141101\n", "$4 = void\n"):
                self.assertIn(wanted, said)
            self.assertIn("<store_counter>:\tsw\ta0,0(s0)", said)
            self.assertIn("Old value = 0\nNew value = 1\n", said)
            self.assertRegex(said, r"\[Inferior 1 .* exited normally\]")
            self.ends_well(machine)
