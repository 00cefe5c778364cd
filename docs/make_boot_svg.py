#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws docs/boot.svg, the terminal in the README, from docs/boot.txt.

    docs/make_boot_svg.py            write boot.svg
    docs/make_boot_svg.py --check    fail if boot.svg is not what boot.txt gives

Of a long boot log the first and last lines are drawn, with the number of lines between them; a line that is
too long ends in an ellipsis. Nothing else is changed. Each line states its own width, so that columns line up
in whatever monospaced font a viewer has.
"""

import pathlib
import re
import sys
from xml.sax.saxutils import escape

HERE = pathlib.Path(__file__).resolve().parent
SOURCE, PICTURE = HERE / "boot.txt", HERE / "boot.svg"

FIRST_LINES, LAST_LINES = 9, 16  # of the transcript; what is between is left out
COLUMNS = 118
CELL_WIDTH, LINE_HEIGHT, FONT_SIZE = 7.8, 18, 13
MARGIN, BAR_HEIGHT = 18, 34
FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"

BACKGROUND, BAR = "#0d1117", "#161b22"
COLOURS = {"text": "#c9d1d9", "faint": "#6e7681", "prompt": "#7ee787", "typed": "#ffffff", "ours": "#79c0ff"}


def pieces_of(line):
    """The line as (text, colour) pairs."""
    if match := re.match(r"(\$ |rookery:~# )(.*)", line):
        return [(match[1], "prompt"), (match[2], "typed")]
    if match := re.match(r"(\[ *\d+\.\d+\])(.*)", line):
        return [(match[1], "faint"), (match[2], "text")]
    if line.startswith("Rookery: "):
        return [(line, "ours")]
    return [(line, "text")]


def clipped(line):
    return line if len(line) <= COLUMNS else line[:COLUMNS - 1] + "\u2026"


def shown_lines(transcript):
    lines = [line for line in transcript.splitlines() if line != "#" and not line.startswith("# ")]
    left_out = len(lines) - FIRST_LINES - LAST_LINES
    drawn = [pieces_of(clipped(line)) for line in lines]
    if left_out <= 0:
        return drawn
    return drawn[:FIRST_LINES] + [[(f"  \u22ee  {left_out} lines", "faint")]] + drawn[-LAST_LINES:]


def draw(transcript):
    lines = shown_lines(transcript)
    width = round(2 * MARGIN + COLUMNS * CELL_WIDTH)
    height = BAR_HEIGHT + 2 * MARGIN + len(lines) * LINE_HEIGHT - (LINE_HEIGHT - FONT_SIZE)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img" aria-label="A terminal: Linux boots on the GPU, a command is typed, the machine ends.">',
        "<!-- Made by docs/make_boot_svg.py from docs/boot.txt. -->",
        f'<rect width="{width}" height="{height}" rx="10" fill="{BACKGROUND}"/>',
        f'<path d="M0 {BAR_HEIGHT}V10a10 10 0 0 1 10-10H{width - 10}a10 10 0 0 1 10 10V{BAR_HEIGHT}Z" fill="{BAR}"/>',
    ]
    for i, colour in enumerate(("#ff5f57", "#febc2e", "#28c840")):
        out.append(f'<circle cx="{MARGIN + 4 + 20 * i}" cy="{BAR_HEIGHT // 2}" r="6" fill="{colour}"/>')
    out.append(f'<g font-family="{FONTS}" font-size="{FONT_SIZE}" xml:space="preserve">')
    y = BAR_HEIGHT + MARGIN + FONT_SIZE - 2
    for pieces in lines:
        column = 0
        for text, colour in pieces:
            # Leading spaces become a position, so that no viewer can collapse them.
            body = text.lstrip(" ")
            column += len(text) - len(body)
            body, cells = body.rstrip(" "), len(body)
            if body:
                x = MARGIN + column * CELL_WIDTH
                out.append(f'<text x="{x:.1f}" y="{y}" textLength="{len(body) * CELL_WIDTH:.1f}" '
                           f'lengthAdjust="spacingAndGlyphs" fill="{COLOURS[colour]}">{escape(body)}</text>')
            column += cells
        y += LINE_HEIGHT
    out += ["</g>", "</svg>"]
    return "\n".join(out) + "\n"


def main():
    picture = draw(SOURCE.read_text(encoding="utf-8"))
    if sys.argv[1:] == ["--check"]:
        if not PICTURE.exists() or PICTURE.read_text(encoding="utf-8") != picture:
            sys.exit(f"{PICTURE} is not what {SOURCE.name} gives: run docs/make_boot_svg.py.")
    elif sys.argv[1:]:
        sys.exit(__doc__)
    else:
        PICTURE.write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
