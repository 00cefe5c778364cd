#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long gdb waits for a single step: bench/gdb_latency.py --engine gpu ...

Runs `rookery run --gdb 0 ...` with the arguments given (an endless bare program, if none names one) and times, as
gdb does them for `stepi`: the step, the registers, the instruction at the new pc. With --replay, as many steps
back follow (`reverse-stepi`). $ROOKERY_PROGRAM is the program.
"""
import os
import re
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time

STEPS = 200
PROGRAM = os.environ.get("ROOKERY_PROGRAM", "build/rookery")


def endless_program():
    """An ELF file of one jump to itself."""
    code = struct.pack("<I", 0x6F)
    header = struct.pack("<4s5B7xHHIIIIIHHHHHH", b"\x7fELF", 1, 1, 1, 0, 0, 2, 243, 1, 0x80000000, 52, 0, 0, 52, 32, 1,
                         40, 0, 0)
    return header + struct.pack("<8I", 1, 84, 0x80000000, 0x80000000, 4, 4, 7, 4) + code


def ask(client, payload):
    """The answer to a packet, acknowledged."""
    client.sendall(b"$%s#%02x" % (payload, sum(payload) % 256))
    answer = b""
    while not re.search(rb"\$[^#]*#..$", answer):
        piece = client.recv(65536)
        if not piece:
            sys.exit("Rookery closed the connection.")
        answer += piece
    client.sendall(b"+")
    return answer[answer.index(b"$") + 1:-3]


def time_steps(client, command, name):
    times = []
    for _ in range(STEPS):
        start = time.perf_counter()
        ask(client, command)
        registers = ask(client, b"g")
        xlen_digits = len(registers) // 33
        pc = int.from_bytes(bytes.fromhex(registers[-xlen_digits:].decode()), "little")
        ask(client, b"m%x,4" % pc)
        times.append((time.perf_counter() - start) * 1000)
    times.sort()
    print(f"{STEPS} {name}: median {statistics.median(times):.2f} ms, 95 % below {times[int(STEPS * 0.95)]:.2f} ms, "
          f"longest {times[-1]:.2f} ms")


def main():
    arguments = sys.argv[1:]
    with tempfile.NamedTemporaryFile(suffix=".elf") as program:
        program.write(endless_program())
        program.flush()
        if not {"--bare", "--kernel", "--bios", "--replay"} & set(arguments):
            arguments += ["--bare", program.name]
        rookery = subprocess.Popen([PROGRAM, "run", "--gdb", "0", *arguments], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for line in rookery.stderr:
            if found := re.search(r"target remote 127\.0\.0\.1:(\d+)", line):
                break
        else:
            sys.exit("Rookery did not start.")
        with socket.create_connection(("127.0.0.1", int(found.group(1)))) as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            time_steps(client, b"vCont;s:1", "steps")
            if "--replay" in arguments:
                time_steps(client, b"bs", "steps back")
            client.sendall(b"$k#6b")
            rookery.wait()


if __name__ == "__main__":
    main()
