#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of tools/wgsl_to_cpp.py.

Meaning: MODULES are translated, compiled with warnings as errors, and each line of EXPECTED is
evaluated. Text: a golden output shows the line map. Errors: one module a case, REJECTED says
what must be reported where. A new construct needs a line in each table that it concerns.
"""

import contextlib
import io
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import wgsl_to_cpp  # noqa: E402  (found through the line above)

COMPILER = [os.environ.get("CXX", "g++"), "-Wall", "-Wextra", "-Wshadow", "-Werror", "-fwrapv", "-O1"]

MODULES = {
    "alu.wgsl": """\
// A comment, and a /* block opened in a line comment.
#import "xlen.wgsl"
/* A block /* that nests */ comment. */
const LAST: u32 = FIRST + COUNT - 1u;  // uses what stands below
const FIRST: u32 = 0x10;
const COUNT = 4u;
const MINUS: i32 = -7;
const TABLE: array<u32, 4> = array<u32, 4>(1u, 2u, 4u, LAST);
const GRID = array<array<u32, 2>, 2>(array<u32, 2>(1u, 2u), array<u32, 2>(3u, 4u));

fn last() -> u32 { return LAST; }
fn table(i: u32) -> u32 { return TABLE[i & 3u] + TABLE[0]; }
fn grid(i: u32, j: u32) -> u32 { return GRID[i][j]; }
fn arithmetic(a: u32, b: u32) -> u32 { return a + b * 3u - (a / COUNT) + (b % 5u); }
fn bits(a: u32, b: u32) -> u32 { return ((a & b) | (a ^ 0xF0u)) & ~1u; }
fn shifted(a: u32, n: u32) -> u32 { return a << n; }
fn shifted_sum(a: u32, n: u32) -> u32 { return a >> (n + 1u); }
fn signed_shift(a: u32, n: u32) -> u32 { return bitcast<u32>(i32(a) >> n); }
fn signed_less(a: u32, b: u32) -> bool { return bitcast<i32>(a) < bitcast<i32>(b); }
fn signed_wrap(a: u32) -> u32 { return u32(i32(a) + 1i); }
fn minus() -> i32 { let x: i32 = -1; return MINUS + x - 2i; }
fn negated(a: u32) -> u32 { return u32(-i32(a)); }
fn truth(a: u32, b: u32) -> bool { return a < b && !(a == 0u) && b != 9u; }
fn either(a: u32, b: u32) -> bool { return (a > b) || (a <= 2u && b >= 1u); }
fn chosen(a: u32) -> u32 { return select(10u, 20u, a == 1u) + u32(a == 2u); }
fn counted(a: u32) -> u32 { return countOneBits(a) + (firstTrailingBit(a) * 100u) + (firstLeadingBit(a) * 10000u); }
fn bounded(a: u32) -> u32 { return max(min(a, 9u), 3u); }
fn big() -> u32 { let all: u32 = 0xFFFFFFFF; return all - 1u; }
fn wide(a: xlen, b: u32) -> xlen { return add(a, zext(b)); }
fn same(a: u32, unused: u32) -> u32 { return a; }
""",
    "flow.wgsl": """\
#import "alu.wgsl"
#import "generated/state.wgsl"
var<private> fault: bool;
var<private> start: u32 = 5;
var<private> ring: array<u32, COUNT>;
var<private> grid_state: array<array<u32, 2>, 2>;

fn classify(x: u32) -> u32 {
  switch (x) {
    case 1u, 2u: { return 12u; }
    case LAST: { let y = x + 1u; return y; }
    case 4u { break; }
    case 5u: { if (start == 5u) { break; } return 55u; }
    default: { return 99u; }
  }
  return 4u;
}
fn sum_to(n: u32) -> u32 {
  var sum = 0u;
  for (var i = 0u; i <= n; i++) { sum += i; }
  return sum;
}
fn odd_sum(n: u32) -> u32 {
  var sum: u32;
  var i = 0u;
  loop {
    i += 1u;
    if (i > n) { break; }
    switch (i & 1u) {
      case 0u: { continue; }
      default: {}
    }
    sum += i;
  }
  return sum;
}
fn halvings(a: u32) -> u32 {
  var n = 0u; var rest = a;
  while (rest > 1u) { rest >>= 1u; n++; }
  return n;
}
fn steps_down(a: u32) -> u32 { var x = a; x--; x ^= 0xFFu; x |= 0x100u; x &= 0x1F0u; x <<= a; x -= 1u; return x; }
fn grade(a: u32) -> u32 {
  if (a < 10u) {
    return 1u;
  } else if (a < 20u) {
    return 2u;
  }
  else {
    { let inner = 3u; return inner; }
  }
}
fn put(i: u32, value: u32) { ring[i % COUNT] = value; grid_state[i & 1u][1] += value; fault = true; }
fn ring_sum() -> u32 {
  var sum = 0u;
  for (var i = 0u; i < COUNT; i++) { sum += ring[i]; }
  return sum + grid_state[0][1];
}
fn faulted() -> bool { put(1u, 7u); put(6u, 8u); return fault; }
fn take() -> u32 { start += 1u; return start; }
fn take_two() -> u32 { let first = take(); return first + take() * 10u; }
fn next_pc(offset: u32) -> u32 { hart.pc += offset; hart.x[2] = hart.pc; return hart.x[2]; }
""",
}

EXPECTED = """
core.last() == 0x13u
core.table(3u) == 0x14u
core.grid(1u, 0u) == 3u
core.arithmetic(9u, 7u) == 9u + 21u - 2u + 2u
core.bits(0xFFu, 0x0Fu) == 0x0Eu
core.shifted(1u, 4u) == 16u
core.shifted(1u, 33u) == 2u
core.shifted_sum(0x80u, 2u) == 0x10u
core.signed_shift(0x80000000u, 4u) == 0xF8000000u
core.signed_less(0xFFFFFFFFu, 0u)
core.signed_wrap(0x7FFFFFFFu) == 0x80000000u
core.minus() == -10
core.negated(1u) == 0xFFFFFFFFu
core.truth(1u, 2u) && !core.truth(0u, 2u) && !core.truth(1u, 9u)
core.either(5u, 1u) && core.either(1u, 1u) && !core.either(3u, 4u)
core.chosen(1u) == 20u && core.chosen(2u) == 11u && core.chosen(3u) == 10u
core.counted(0x18u) == 2u + 300u + 40000u
core.bounded(1u) == 3u && core.bounded(5u) == 5u && core.bounded(50u) == 9u
core.big() == 0xFFFFFFFEu
core.wide(1u, 2u) == 3u
core.same(8u, 1u) == 8u
core.classify(1u) == 12u && core.classify(2u) == 12u && core.classify(0x13u) == 0x14u
core.classify(4u) == 4u && core.classify(5u) == 4u && core.classify(77u) == 99u
core.sum_to(10u) == 55u
core.odd_sum(9u) == 25u
core.halvings(64u) == 6u
core.steps_down(1u) == (0x1F0u << 1) - 1u
core.grade(9u) == 1u && core.grade(19u) == 2u && core.grade(20u) == 3u
!core.fault && core.ring_sum() == 0u
core.faulted() && core.ring_sum() == 15u + 8u
core.take_two() == 6u + 70u
core.next_pc(4u) == 4u && core.next_pc(4u) == 8u
""".strip().splitlines()

# What src/isa/xlen.h and the state provide, as far as MODULES use it.
PROGRAM = r"""
#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstdio>
using u32 = std::uint32_t;
using i32 = std::int32_t;
using std::max;
using std::min;
template <class T> constexpr T select(T f, T t, bool c) { return c ? t : f; }
constexpr u32 countOneBits(u32 x) { return static_cast<u32>(std::popcount(x)); }
constexpr u32 firstTrailingBit(u32 x) { return x ? static_cast<u32>(std::countr_zero(x)) : 0xFFFFFFFFu; }
constexpr u32 firstLeadingBit(u32 x) { return x ? 31u - static_cast<u32>(std::countl_zero(x)) : 0xFFFFFFFFu; }
constexpr u32 add(u32 a, u32 b) { return a + b; }
constexpr u32 zext(u32 a) { return a; }
struct Hart { u32 pc{}; std::array<u32, 32> x{}; };
struct Core {
  using xlen = u32;
  Hart hart;
#include "core.h.inc"
};
#define CoreClass Core
#include "core.cpp.inc"
#line 1 "expected"
static int failures = 0;
static void expect(bool held, const char* text) {
  if (!held) { std::printf("does not hold: %s\n", text); ++failures; }
}
int main() {
  Core core;
@EXPECTED@
  return failures;
}
"""

GOLDEN_MODULE = """\
// Comment.
#import "generated/state.wgsl"
const LIMIT: u32 = 3;
var<private> total: u32;

// Adds.
fn add_up(n: u32, spare: u32) {
  if (n > LIMIT) {
    total += n << spare;
  } else { total = 0u; }
  switch (n) {
    case 1u, LIMIT: { total = 1u; }
    default: { return; }
  }
}
"""
GOLDEN_HEADER = """\
// Translated by tools/wgsl_to_cpp.py from the shared WGSL modules; do not edit.
#line 3 "shaders/m.wgsl"
static constexpr u32 LIMIT = 3u;
u32 total{};


auto add_up(u32 n, u32 spare) -> void;
"""
GOLDEN_SOURCE = """\
// Translated by tools/wgsl_to_cpp.py from the shared WGSL modules; do not edit.
#line 7 "shaders/m.wgsl"
auto CoreClass::add_up(const u32 n, const u32 spare) -> void {
  if (n > LIMIT) {
    total += n << (spare & 31u);
  } else { total = 0u; }
  switch (n) {
  case 1u: case LIMIT: { total = 1u; } break;
  default: { return; }
  }
}
"""

# (statements of a function whose `a`, `b` are u32 and `v` is an xlen; what the error says)
REJECTED_STATEMENTS = [
    ("let p = &a;", "'&' before an operand is outside the shared subset: there are no pointers."),
    ("*a = 1u;", "A pointer is outside"),
    ("let x = vec2<u32>(a, b);", "The type 'vec2' in an expression is outside"),
    ("var x: vec2<u32>;", "The type 'vec2' is outside"),
    ("var x: f32 = 1.5;", "The type 'f32' is outside"),
    ("let x = 1.5;", "there is no floating point"),
    ("let x = 1e3;", "there is no floating point"),
    ("let x = 5;", "The number '5' without a suffix is outside the shared subset: write 5u or 5i."),
    ("let x = a + 1;", "The number '1' without a suffix"),
    ("let x: u32 = 1 + 1;", "The number '1' without a suffix"),
    ("let x = 010u;", "The number '010u'"),
    ("let x = 0x100000000u;", "does not fit u32"),
    ("let x = a & b == a;", "'&' next to '==' is outside"),
    ("let x = a == b | a;", "'|' next to '==' is outside"),
    ("let x = a << 1u + b;", "'<<' next to '+' is outside"),
    ("let x = a + b >> 1u;", "'>>' next to '+' is outside"),
    ("let x = a & b | a;", "'&' next to '|' is outside"),
    ("let x = a << b << 1u;", "A second '<<'"),
    ("let x = a == b && a < b || b == a;", "'&&' next to '||'"),
    ("let x = a < b == true;", "A second comparison, '=='"),
    ("let x = a << 32u;", "The shift amount 32u exceeds 31."),
    ("let x = a / b;", "a divisor is a literal or a constant"),
    ("let x = a % 0u;", "The divisor is 0."),
    ("a /= 2u;", "'/=' after 'a' is outside"),
    ("let new = 1u;", "The name 'new' is outside"),
    ("let xor = 1u;", "The name 'xor' is outside"),
    ("let std = 1u;", "The name 'std' is outside"),
    ("let a = 1u;", "A second 'a' inside the scope of the first"),
    ("if (a == b) { let a = 1u; }", "A second 'a' inside the scope of the first"),
    ("let counter = 1u;", "A local 'counter' is outside"),
    ("let low = low(v);", "'low' in its own initial value"),
    ("let low = 1u; let x = low(v);", "The call of 'low', here the name of a value"),
    ("let x = v.x;", "'.x' of the value 'v' is outside"),
    ("let x = clz(a) + reverseBits(a);", "The function 'reverseBits' is outside"),
    ("const X = 1u;", "write let"),
    ("let x = array<u32, 2>(a, b);", "make it a const at module scope"),
    ("let x = bitcast<f32>(a);", "bitcast<f32> is outside"),
    ("if a == b { }", "Expected '(' before 'a'"),
    ("if (a == b) && true { }", "'&&' after the condition of if is outside"),
    ("if (a == b) return;", "'return' after the condition of if is outside"),
    ("switch (a) { case 1u: { } }", "A switch ends with a default."),
    ("switch (a) { default: { } case 1u: { } }", "A case after the default"),
    ("switch (a) { case 1u + 1u: { } default: { } }", "Expected ','"),
    ("loop { continuing { } }", "'continuing' is outside"),
    ("loop { break if (a == b); }", "the subset has no 'break if'"),
    ("discard;", "'discard' is outside"),
    ("_ = bump();", "The assignment to '_'"),
    ("a + b;", "'+' after 'a' is outside"),
    ("let x = bump() + counter;", "A value next to a call of 'bump' that may change it is outside"),
    ("let x = add(bump(), bump());", "A value next to a call of 'bump'"),
    ("counter += bump();", "A value next to a call of 'bump'"),
    ("slots[counter] = bump();", "A value next to a call of 'bump'"),
    ("let x = bump(1u);", "bump() takes 0 arguments, not 1."),
    ("let x = #;", "The character '#'"),
]
ACCEPTED_STATEMENTS = [
    "let x = bump() + a;",
    "let x = bump() == 1u && bump() == 2u;",
    "slots[a] = bump();",
    "counter = bump();",
    "let x = ram_load(a) + ram_load(b);",
    "let x = ram_load(bump());",
    "let x = select(a, b, (a & b) == (a | b));",
    "let x = a + b < b - a && a * 2u == b;",
    "let word = low(add(v, sext(a)));",
]
STATEMENT_MODULE = """\
var<private> counter: u32;
var<private> slots: array<u32, 4>;
fn bump() -> u32 { counter += 1u; return counter; }
fn f(a: u32, b: u32, v: xlen) {
@STATEMENT@
}
"""

REJECTED_MODULES = [
    ("struct S { a: u32 }", 1, "'struct' at module scope is outside"),
    ("\n@compute fn main() {}", 2, "An attribute is outside"),
    ("var<storage> x: u32;", 1, "at module scope there is only var<private>"),
    ("override A: u32;", 1, "'override' at module scope is outside"),
    ("const A: xlen = 1u;", 1, "A constant of type xlen is outside"),
    ("const A = zext(1u);", 1, "The call of 'zext' at module scope is outside"),
    ("fn f(p: ptr<function, u32>) {}", 1, "A pointer is outside"),
    ("fn f(x: array<u32>) {}", 1, "an array has a fixed size"),
    ("fn class() {}", 1, "The name 'class' is outside"),
    ("fn add(a: u32) {}", 1, "'add' is a function of the vocabulary already."),
    ("fn f() {}\nconst f = 1u;", 2, "'f' is declared already, in shaders/m.wgsl:1."),
    ("const A = B;\nconst B = A;", 1, "The constant 'A' depends on itself."),
    ('\n#import "nowhere.wgsl"', 2, 'The imported module "nowhere.wgsl" is neither under'),
    ("#import nowhere", 1, "An import reads"),
    ("fn f() {\n  if (true) {\n}", 1, "The '{' is not closed."),
    ("/* open", 1, "A block comment is not closed."),
]


class WgslToCpp(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.header, self.source = self.folder / "core.h.inc", self.folder / "core.cpp.inc"

    def translate(self, modules, *options):
        """Runs the tool on {path: text}; returns its exit status and what it reported."""
        root = self.folder / "shaders"
        for path, text in modules.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
        with contextlib.redirect_stderr(io.StringIO()) as report:
            status = wgsl_to_cpp.main(
                ["--root", str(root), "--out-header", str(self.header), "--out-source", str(self.source),
                 "--virtual", "generated/state.wgsl", "--virtual", "xlen.wgsl", *options, *modules])
        return status, report.getvalue()

    def assert_rejected(self, module, line, message):
        status, report = self.translate({"m.wgsl": module})
        self.assertEqual(status, 1, module)
        self.assertTrue(report.startswith(f"shaders/m.wgsl:{line}: "), report)
        self.assertIn(message, report)
        self.assertFalse(self.source.exists())

    def test_translated_code_computes_what_wgsl_defines(self):
        self.assertEqual(self.translate(MODULES), (0, ""))
        expectations = "\n".join(f"  expect({text}, {text!r});".replace("'", '"') for text in EXPECTED)
        main = self.folder / "main.cpp"
        main.write_text(PROGRAM.replace("@EXPECTED@", expectations), encoding="utf-8")
        program = self.folder / "program"
        built = subprocess.run([*COMPILER, "-std=c++2b", main, "-o", program],
                               capture_output=True, text=True, check=False)
        self.assertEqual(built.returncode, 0, built.stderr)
        ran = subprocess.run([program], capture_output=True, text=True, check=False)
        self.assertEqual((ran.returncode, ran.stdout), (0, ""))

    def test_golden_text(self):
        self.assertEqual(self.translate({"m.wgsl": GOLDEN_MODULE}), (0, ""))
        self.assertEqual(self.header.read_text(encoding="utf-8"), GOLDEN_HEADER)
        self.assertEqual(self.source.read_text(encoding="utf-8"), GOLDEN_SOURCE)

    def test_unchanged_output_is_not_rewritten(self):
        self.translate({"m.wgsl": GOLDEN_MODULE})
        os.utime(self.source, (1, 1))
        self.translate({"m.wgsl": GOLDEN_MODULE})
        self.assertEqual(self.source.stat().st_mtime, 1)
        self.translate({"m.wgsl": GOLDEN_MODULE.replace("total = 1u", "total = 2u")})
        self.assertNotEqual(self.source.stat().st_mtime, 1)

    def test_statements_outside_the_subset(self):
        for statement, message in REJECTED_STATEMENTS:
            with self.subTest(statement):
                self.assert_rejected(STATEMENT_MODULE.replace("@STATEMENT@", statement), 5, message)

    def test_statements_inside_the_subset(self):
        for statement in ACCEPTED_STATEMENTS:
            with self.subTest(statement):
                module = STATEMENT_MODULE.replace("@STATEMENT@", statement)
                self.assertEqual(self.translate({"m.wgsl": module}), (0, ""))

    def test_modules_outside_the_subset(self):
        for module, line, message in REJECTED_MODULES:
            with self.subTest(module):
                self.assert_rejected(module, line, message)

    def test_every_module_reports(self):
        status, report = self.translate({"a.wgsl": "struct A {}", "b/b.wgsl": "\nstruct B {}"})
        self.assertEqual(status, 1)
        self.assertEqual([line.split(": ")[0] for line in report.splitlines()],
                         ["shaders/a.wgsl:1", "shaders/b/b.wgsl:2"])

    def test_pure_names_functions_from_outside(self):
        module = {"m.wgsl": STATEMENT_MODULE.replace("@STATEMENT@", "let x = field(a) + field(b);")}
        self.assertEqual(self.translate(module)[0], 1)
        self.assertEqual(self.translate(module, "--pure", "field"), (0, ""))


if __name__ == "__main__":
    unittest.main()
