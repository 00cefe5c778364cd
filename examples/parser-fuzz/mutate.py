#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes inputs for a parser out of good ones: mutate.py SEEDS CORPUS COUNT. The same every time."""
import os
import random
import sys

INTERESTING = (0, 1, 2, 3, 32, 64, 127, 128, 255)


def mutate(data, others, chance):
    """One change: of a byte; of a few bytes that go, come again, or come from another input; of a byte that may be a
    length, with what is as long behind it."""
    data = bytearray(data)
    at = chance.randrange(len(data))
    size = min(chance.choice((1, 2, 4, 8, 16, 32)), len(data) - at)
    match chance.randrange(6):
        case 0:
            data[at] ^= 1 << chance.randrange(8)
        case 1:
            data[at] = chance.choice(INTERESTING)
        case 2:
            if size < len(data):
                del data[at:at + size]
        case 3:
            data[at:at] = data[at:at + size] * chance.choice((1, 2, 4))
        case 4:
            other = chance.choice(others)
            begin = chance.randrange(len(other))
            data[at:at] = other[begin:]
        case 5:
            body = data[at + 1:at + 1 + data[at]] * chance.choice((2, 4, 8, 16))
            if len(body) <= 255:
                data[at:at + 1 + data[at]] = bytes([len(body)]) + body
    return bytes(data)


def main():
    if len(sys.argv) != 4:
        sys.exit(f"Usage: {__doc__}")
    folder, corpus, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    seeds = []
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as file:
            seeds.append(file.read())
    os.makedirs(corpus, exist_ok=True)
    chance = random.Random(1)
    for number in range(count):
        data = seeds[number % len(seeds)]
        for _ in range(chance.randint(1, 4)):
            data = mutate(data, seeds, chance)
        with open(os.path.join(corpus, f"{number:06}"), "wb") as file:
            file.write(data)


if __name__ == "__main__":
    main()
