#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Translates the shared WGSL modules into members of the C++ class of the CPU engine.

    wgsl_to_cpp.py --root shaders --out-header H --out-source S MODULE...

H is included inside the class body: constants, data members (one for each `var<private>`) and
member function declarations. S holds the definitions, `auto CoreClass::name(...) -> T {...}`;
whoever includes it says `#define CoreClass TheClass` first. `#line` leads compilers and
debuggers back to the .wgsl files.

The subset is chosen so that a text means the same in both languages; what would not is an
error here. Types are left to the two compilers. Where WGSL defines what C++ does not:
shift amounts are masked; operands evaluated left to right must not depend on that order; a
divisor must be a constant. Signed arithmetic wraps in WGSL: compile S with -fwrapv. An index
out of bounds is kept inside by WGSL and is undefined here: index only by checked values.
"""

import argparse
import dataclasses
import os
import pathlib
import re
import sys
from dataclasses import dataclass

SCALARS = ("u32", "i32", "bool")
TYPES = (*SCALARS, "xlen", "dword", "array")
BUILTINS = frozenset("select countOneBits firstTrailingBit firstLeadingBit min max".split())
# Functions defined outside the shared modules; any other is taken to change the machine.
PURE = BUILTINS | frozenset("""
    add sub mul mulh mulhsu mulhu div divu rem remu bit_and bit_or bit_xor bit_not sll srl sra
    slt sltu eq ne lt ge ltu geu low high sext zext sext8 sext16 xlen_from_dword
    word_sra word_div word_divu word_rem word_remu
    dword_make dword_lo dword_hi dword_add dword_sub dword_ltu dword_leu dword_eq
    dword_add_u32 dword_srl dword_sll dword_from_xlen""".split())
READERS = frozenset("""icount_now mtime_now ram_load ram_contains console_room
    input_left match_texts""".split())

CPP_WORDS = frozenset("""
    alignas alignof and and_eq asm atomic_cancel atomic_commit atomic_noexcept auto bitand bitor
    bool break case catch char char8_t char16_t char32_t class co_await co_return co_yield compl
    concept const const_cast consteval constexpr constinit continue decltype default delete do
    double dynamic_cast else enum explicit export extern false float for friend goto if inline int
    long mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected
    public register reinterpret_cast requires return short signed sizeof static static_assert
    static_cast struct switch template this thread_local throw true try typedef typeid typename
    union unsigned using virtual void volatile wchar_t while xor xor_eq
    std u8 u16 u64 i8 i16 i64 assert errno NULL CoreClass""".split())
WGSL_WORDS = frozenset("""
    alias bitcast break case const const_assert continue continuing default diagnostic discard
    else enable false fn for if let loop override requires return struct switch true var
    while""".split())
OTHER_TYPES = re.compile(r"(vec[234][iufh]?|mat\dx\d[fh]?|f16|f32|ptr|atomic|sampler\w*|texture_\w+)$")
CONSTANT_NAME = re.compile(r"[A-Z][A-Z0-9_]*$")

SHIFTS, ARITHMETIC = {"<<", ">>"}, {"+", "-", "*", "/", "%"}
COMPARISONS, LOGICAL = {"==", "!=", "<", "<=", ">", ">="}, {"&&", "||"}
TIGHT = SHIFTS | {"&", "|", "^"}  # WGSL and C++ rank these differently
BINARY = TIGHT | ARITHMETIC | COMPARISONS | LOGICAL
ASSIGNMENTS = ("=", "+=", "-=", "|=", "&=", "^=", "<<=", ">>=")


class SubsetError(Exception):
    """A sentence about one line; `in_file` puts "shaders/x.wgsl:41: " in front."""

    def __init__(self, line, message):
        super().__init__(message)
        self.line = line

    def in_file(self, shown_path):
        return f"{shown_path}:{self.line}: {self}"


def outside(line, what, instead):
    return SubsetError(line, f"{what} is outside the shared subset: {instead}.")


# ---- Tokens ----------------------------------------------------------------------------------

@dataclass(frozen=True)
class Token:
    kind: str  # import, float, integer, name, operator, end
    text: str
    line: int


TOKEN = re.compile(r"""
    (?P<space>\s+|//[^\n]*)
  | (?P<import>\#import[^\n]*)
  | (?P<float>0[xX][0-9a-fA-F]*\.[0-9a-fA-F]*|(\d+\.\d*|\.\d+)([eE][+-]?\d+)?[fh]?|\d+([eE][+-]?\d+[fh]?|[fh]))
  | (?P<integer>(0[xX][0-9a-fA-F]+|\d+)[A-Za-z_0-9]*)
  | (?P<name>[A-Za-z_]\w*)
  | (?P<operator><<=|>>=|\+\+|--|->|&&|\|\||<<|>>|[-+*/%&|^=!<>]=|[-+*/%&|^=!<>~(){}\[\];:,.@])
""", re.VERBOSE)


def blank_block_comments(text):
    """Replaces /* ... */ (they nest) by spaces, so that line numbers stay."""
    out, depth, in_line_comment = [], 0, False
    for piece in re.split(r"(/\*|\*/|//|\n)", text):
        if piece == "\n":
            in_line_comment = False
        elif piece == "//" and depth == 0:
            in_line_comment = True
        if not in_line_comment and (piece == "/*" or (piece == "*/" and depth > 0)):
            depth += 1 if piece == "/*" else -1
            piece = " "
        out.append(piece if depth == 0 or piece == "\n" else " ")
    if depth > 0:
        raise SubsetError(text.count("\n") + 1, "A block comment is not closed.")
    return "".join(out)


def tokenize(text):
    text, position, line, tokens = blank_block_comments(text), 0, 1, []
    while position < len(text):
        match = TOKEN.match(text, position)
        if not match:
            raise outside(line, f"The character '{text[position]}'", "no token starts with it")
        if match.lastgroup != "space":
            tokens.append(Token(match.lastgroup, match.group(), line))
        line += match.group().count("\n")
        position = match.end()
    tokens.append(Token("end", "end of file", line))
    return tokens


# ---- Syntax tree (a type is its C++ text) ------------------------------------------------------

@dataclass(frozen=True)
class Node:
    line: int


def node(name, /, **fields):
    return dataclasses.make_dataclass(name, fields.items(), bases=(Node,), frozen=True)


Literal = node("Literal", text=str)
Name = node("Name", name=str)
Paren = node("Paren", inner=Node)
Unary = node("Unary", operator=str, operand=Node)
Chain = node("Chain", operands=tuple, operators=tuple)  # a op b op c, as written
Cast = node("Cast", type=str, value=Node)
ArrayValue = node("ArrayValue", type=str, items=tuple)
Call = node("Call", callee=str, arguments=tuple)
Index = node("Index", base=Node, index=Node)
Member = node("Member", base=Node, field=str)

Declare = node("Declare", keyword=str, name=str, type=str, value=Node)  # type "": deduced
Assign = node("Assign", target=Node, operator=str, value=Node)  # value None: ++ or --
CallStatement = node("CallStatement", call=Node)
Block = node("Block", statements=tuple, end_line=int)
If = node("If", condition=Node, then=Node, otherwise=Node)
Switch = node("Switch", selector=Node, cases=tuple, end_line=int)
Case = node("Case", labels=tuple, body=Node)  # no labels: default
For = node("For", start=Node, condition=Node, step=Node, body=Node)
Jump = node("Jump", keyword=str)
Return = node("Return", value=Node)
Parameter = node("Parameter", type=str, name=str)
Function = node("Function", name=str, parameters=tuple, result=str, body=Node, local_names=frozenset)


def walk(root):
    """The node and all nodes below it, in source order."""
    yield root
    for field in dataclasses.fields(root):
        value = getattr(root, field.name)
        for child in value if isinstance(value, tuple) else (value,):
            if isinstance(child, Node):
                yield from walk(child)


def integer_value(literal):
    return int(literal.text.rstrip("u"), 0)


# ---- Parser ----------------------------------------------------------------------------------

class Parser:
    """One module's text to `imports` (line, path), `declarations` and `functions`."""

    def __init__(self, text):
        self.tokens = tokenize(text)
        self.position = 0
        self.imports, self.declarations, self.functions = [], [], []
        self.scopes, self.local_names = [], set()
        while self.peek().kind != "end":
            self.module_item()

    # Tokens
    def peek(self, ahead=0):
        return self.tokens[min(self.position + ahead, len(self.tokens) - 1)]

    def next(self):
        token = self.peek()
        self.position += 1
        return token

    def at(self, *texts):
        return self.peek().text in texts and self.peek().kind != "end"

    def accept(self, text):
        return self.next() if self.at(text) else None

    def expect(self, text, why=""):
        token = self.peek()
        if text == ">" and token.text in (">=", ">>", ">>="):  # array<u32, 4>=
            self.tokens[self.position:self.position + 1] = [
                Token("operator", ">", token.line), Token("operator", token.text[1:], token.line)]
        if not self.at(text):
            raise SubsetError(token.line, f"Expected '{text}' before '{token.text}'{why}.")
        return self.next()

    def new_name(self, local=True):
        """Reads a name that is being declared."""
        token = self.next()
        name = token.text
        if token.kind != "name" or name in WGSL_WORDS:
            raise SubsetError(token.line, f"Expected a name before '{name}'.")
        if name in CPP_WORDS:
            raise outside(token.line, f"The name '{name}'", "it has a meaning of its own in C++")
        if name in TYPES or OTHER_TYPES.match(name):
            raise outside(token.line, f"The name '{name}'", "it is a type")
        if name.startswith("_") or "__" in name:
            raise outside(token.line, f"The name '{name}'",
                          "C++ keeps names with a leading or a double underscore for itself")
        if local and any(name in scope for scope in self.scopes):
            raise outside(token.line, f"A second '{name}' inside the scope of the first",
                          "a name stands for one thing; choose another")
        return token

    def declare_local(self, name):
        self.scopes[-1].add(name)
        self.local_names.add(name)

    # Module scope
    def module_item(self):
        token = self.next()
        if token.kind == "import":
            match = re.fullmatch(r'#import\s+"([^"]+)"\s*(//.*)?', token.text)
            if not match:
                raise SubsetError(token.line, 'An import reads: #import "folder/module.wgsl".')
            self.imports.append((token.line, match[1]))
        elif token.text == "const":
            self.declarations.append(self.declaration(token, local=False))
        elif token.text == "var":
            for text in ("<", "private", ">"):
                self.expect(text, "; at module scope there is only var<private>")
            self.declarations.append(self.declaration(token, local=False))
        elif token.text == "fn":
            self.functions.append(self.function(token.line))
        elif token.text == "@":
            raise outside(token.line, "An attribute", "entry points and bindings belong to GPU modules")
        elif token.text != ";":
            raise outside(token.line, f"'{token.text}' at module scope",
                          "only #import, const, var<private> and fn stand there")

    def declaration(self, keyword, local=True):
        name, declared_type, value = self.new_name(local), "", None
        if self.accept(":"):
            declared_type = self.type()
        if keyword.text == "const" and declared_type in ("xlen", "dword"):
            raise outside(name.line, f"A constant of type {declared_type}",
                          "WGSL has no constant for a pair; use u32 and zext() or sext()")
        if self.accept("="):
            value = self.initializer(declared_type)
        elif keyword.text != "var" or not declared_type:
            raise SubsetError(name.line, f"'{keyword.text} {name.text}' needs a value.")
        self.expect(";")
        if value and any(getattr(part, "name", getattr(part, "callee", "")) == name.text for part in walk(value)):
            raise outside(name.line, f"'{name.text}' in its own initial value", "choose another name")
        if local:
            self.declare_local(name.text)
        elif keyword.text == "var" and not declared_type:
            raise SubsetError(name.line, f"var<private> {name.text} needs a type.")
        return Declare(keyword.line, keyword.text, name.text, declared_type, value)

    def initializer(self, declared_type):
        """An expression; or, where a type is given, a literal without suffix."""
        minus = "-" if self.at("-") and declared_type == "i32" else ""
        literal = self.peek(len(minus))
        if declared_type in ("u32", "i32") and literal.kind == "integer" and self.peek(len(minus) + 1).text == ";":
            self.position += len(minus)
            return Literal(literal.line, minus + self.literal("u" if declared_type == "u32" else "i").text)
        return self.expression()

    def function(self, line):
        self.scopes, self.local_names, parameters, result = [set()], set(), [], "void"
        name = self.new_name(local=False).text
        self.expect("(")
        while not self.accept(")"):
            parameter = self.new_name()
            self.expect(":")
            parameters.append(Parameter(parameter.line, self.type(), parameter.text))
            self.declare_local(parameter.text)
            if not self.at(")"):
                self.expect(",")
        if self.accept("->"):
            result = self.type()
        body = self.block(new_scope=False)
        self.scopes = []
        return Function(line, name, tuple(parameters), result, body, frozenset(self.local_names))

    def type(self):
        token = self.next()
        if token.text not in TYPES:
            what = "A pointer" if token.text == "ptr" else f"The type '{token.text}'"
            raise outside(token.line, what, "the types are u32, i32, bool, xlen, dword and array<T, N>")
        if token.text != "array":
            return token.text
        self.expect("<", "; an array type reads array<T, N>")
        element = self.type()
        self.expect(",", "; an array has a fixed size")
        size = self.next()
        if size.kind not in ("integer", "name") or not re.fullmatch(r"\d+u?|[A-Za-z]\w*", size.text):
            raise outside(size.line, f"The array size '{size.text}'", "it is a number or a constant")
        self.expect(">")
        return f"std::array<{element}, {size.text}>"

    # Statements
    def block(self, new_scope=True):
        line = self.expect("{", "; braces are always written").line
        statements = []
        if new_scope:
            self.scopes.append(set())
        while not self.at("}"):
            if self.peek().kind == "end":
                raise SubsetError(line, "The '{' is not closed.")
            if not self.accept(";"):
                statements.append(self.statement())
        if new_scope:
            self.scopes.pop()
        return Block(line, tuple(statements), self.next().line)

    def statement(self):
        token = self.peek()
        match token.text:
            case "{":
                return self.block()
            case "let" | "var":
                return self.declaration(self.next())
            case "const":
                raise outside(token.line, "A const inside a function", "write let")
            case "if":
                return self.if_statement()
            case "switch":
                return self.switch_statement()
            case "for":
                return self.for_statement()
            case "while":
                self.next()
                return For(token.line, None, self.condition("while"), None, self.block())
            case "loop":
                self.next()
                return For(token.line, None, None, None, self.block())
            case "break" | "continue":
                self.next()
                self.expect(";", "; the subset has no 'break if'")
                return Jump(token.line, token.text)
            case "return":
                self.next()
                value = None if self.at(";") else self.expression()
                self.expect(";")
                return Return(token.line, value)
        if token.text in WGSL_WORDS:
            raise outside(token.line, f"'{token.text}'", "write a loop with break, or an if")
        statement = self.simple_statement()
        self.expect(";")
        return statement

    def simple_statement(self):
        """An assignment, a step or a call, without the semicolon."""
        token = self.peek()
        if token.text == "_":
            raise outside(token.line, "The assignment to '_'", "call the function as a statement")
        if token.text in ("*", "&"):
            raise outside(token.line, "A pointer", "name the variable itself")
        target = self.postfix()
        operator = self.peek()
        if isinstance(target, Call) and operator.text in (";", ")"):
            return CallStatement(token.line, target)
        if not isinstance(target, (Name, Member, Index)):
            raise SubsetError(token.line, f"A statement cannot start with '{token.text}'.")
        self.next()
        if operator.text in ("++", "--"):
            return Assign(token.line, target, operator.text, None)
        if operator.text not in ASSIGNMENTS:
            raise outside(operator.line, f"'{operator.text}' after '{emit(target)}'",
                          "the assignments are " + " ".join(ASSIGNMENTS) + " ++ --")
        return Assign(token.line, target, operator.text, self.expression())

    def condition(self, keyword):
        self.expect("(", f"; {keyword} is followed by a condition in parentheses")
        value = self.expression()
        self.expect(")")
        if not self.at("{"):
            raise outside(self.peek().line, f"'{self.peek().text}' after the condition of {keyword}",
                          "one pair of parentheses holds the whole condition, then '{' follows")
        return value

    def if_statement(self):
        line = self.expect("if").line
        condition, then, otherwise = self.condition("if"), self.block(), None
        if self.accept("else"):
            otherwise = self.if_statement() if self.at("if") else self.block()
        return If(line, condition, then, otherwise)

    def switch_statement(self):
        line = self.expect("switch").line
        selector, cases, seen_default = self.condition("switch"), [], False
        self.expect("{")
        while not self.at("}"):
            token, labels = self.next(), []
            if token.text not in ("case", "default"):
                raise SubsetError(token.line, f"Expected 'case' or 'default' before '{token.text}'.")
            if seen_default:
                raise outside(token.line, "A case after the default", "default stands last and alone")
            seen_default = token.text == "default"
            while not seen_default and not self.at(":", "{"):
                labels.append(self.case_label())
                if not self.at(":", "{"):
                    self.expect(",")
            self.accept(":")
            cases.append(Case(token.line, tuple(labels), self.block()))
        if not seen_default:
            raise SubsetError(line, "A switch ends with a default.")
        return Switch(line, selector, tuple(cases), self.next().line)

    def case_label(self):
        token = self.peek()
        if token.kind == "integer":
            return self.literal()
        if token.kind != "name" or token.text in WGSL_WORDS:
            raise outside(token.line, f"The case '{token.text}'", "a case is a literal or the name of a constant")
        return Name(token.line, self.next().text)

    def for_statement(self):
        line, start, condition, step = self.expect("for").line, None, None, None
        self.scopes.append(set())
        self.expect("(")
        if self.at("let", "var"):
            start = self.declaration(self.next())
        elif not self.accept(";"):
            start = self.simple_statement()
            self.expect(";")
        if not self.at(";"):
            condition = self.expression()
        self.expect(";")
        if not self.at(")"):
            step = self.simple_statement()
        self.expect(")")
        body = self.block()
        self.scopes.pop()
        return For(line, start, condition, step, body)

    # Expressions
    def expression(self):
        operands, operators = [self.unary()], []
        while self.peek().text in BINARY:
            operators.append(self.next().text)
            operands.append(self.unary())
        if not operators:
            return operands[0]
        line = operands[0].line
        mixed = [op for op in operators if op != operators[0]]
        tight = [op for op in operators if op in TIGHT]
        if tight and mixed:
            other = next(op for op in operators if op != tight[0])
            raise outside(line, f"'{tight[0]}' next to '{other}'", "write parentheses to say which comes first")
        if tight and tight[0] in SHIFTS and len(tight) > 1:
            raise outside(line, f"A second '{tight[0]}'", "write parentheses to say which comes first")
        if LOGICAL <= set(operators):
            raise outside(line, "'&&' next to '||'", "write parentheses to say which comes first")
        comparisons = 0
        for operator in operators:
            comparisons = 0 if operator in LOGICAL else comparisons + (operator in COMPARISONS)
            if comparisons > 1:
                raise outside(line, f"A second comparison, '{operator}'", "write parentheses to say which comes first")
        return Chain(line, tuple(operands), tuple(operators))

    def unary(self):
        token = self.peek()
        if token.text in ("!", "-", "~"):
            self.next()
            return Unary(token.line, token.text, self.unary())
        if token.text in ("&", "*"):
            raise outside(token.line, f"'{token.text}' before an operand", "there are no pointers")
        return self.postfix()

    def postfix(self):
        value = self.primary()
        while self.at("[", "."):
            if self.next().text == "[":
                bare = self.peek().kind == "integer" and self.peek(1).text == "]"
                index = self.literal("u") if bare else self.expression()
                self.expect("]")
                value = Index(value.line, value, index)
            else:
                field = self.next()
                if isinstance(value, Name) and value.name in self.local_names:
                    raise outside(field.line, f"'.{field.text}' of the value '{value.name}'",
                                  "xlen and dword are opaque; use low(), high(), dword_lo(), dword_hi()")
                if field.kind != "name" or field.text in CPP_WORDS:
                    raise outside(field.line, f"The field name '{field.text}'", "C++ could not name it")
                value = Member(value.line, value, field.text)
        return value

    def primary(self):
        token = self.peek()
        if token.kind == "float":
            raise outside(token.line, f"The number '{token.text}'", "there is no floating point")
        if token.kind == "integer":
            return self.literal()
        self.next()
        if token.text == "(":
            inner = self.expression()
            self.expect(")")
            return Paren(token.line, inner)
        if token.text in ("true", "false"):
            return Literal(token.line, token.text)
        if token.text == "bitcast":
            self.expect("<")
            return Cast(token.line, self.cast_type(self.next()), self.arguments(1)[0])
        if token.text == "array":
            self.position -= 1
            if self.scopes:
                raise outside(token.line, "An array value inside a function", "make it a const at module scope")
            return ArrayValue(token.line, self.type(), self.arguments())
        if token.text in SCALARS:
            return Cast(token.line, token.text, self.arguments(1)[0])
        if OTHER_TYPES.match(token.text) or token.text in TYPES:
            raise outside(token.line, f"The type '{token.text}' in an expression",
                          "values are made by u32(), i32(), bool() and the vocabulary's functions")
        if token.kind != "name" or token.text in WGSL_WORDS:
            raise SubsetError(token.line, f"Expected an operand before '{token.text}'.")
        if not self.at("("):
            if token.text in CPP_WORDS:
                raise outside(token.line, f"The name '{token.text}'", "it has a meaning of its own in C++")
            return Name(token.line, token.text)
        if any(token.text in scope for scope in self.scopes):
            raise outside(token.line, f"The call of '{token.text}', here the name of a value", "rename the value")
        if re.search("[A-Z]", token.text) and token.text not in BUILTINS:
            raise outside(token.line, f"The function '{token.text}'",
                          "of WGSL's own there are " + ", ".join(sorted(BUILTINS)))
        return Call(token.line, token.text, self.arguments())

    def cast_type(self, token):
        if token.text not in ("u32", "i32"):
            raise outside(token.line, f"bitcast<{token.text}>", "only u32 and i32 are cast so")
        self.expect(">")
        return token.text

    def arguments(self, count=None):
        line, values = self.expect("(").line, []
        while not self.accept(")"):
            values.append(self.expression())
            if not self.at(")"):
                self.expect(",")
        if count is not None and len(values) != count:
            raise outside(line, f"A conversion of {len(values)} values", "it takes one")
        return tuple(values)

    def literal(self, suffix=""):
        token = self.next()
        match = re.fullmatch(r"(0[xX][0-9a-fA-F]+|0|[1-9]\d*)([ui]?)", token.text)
        if not match:
            raise outside(token.line, f"The number '{token.text}'", "decimal or 0x, with the suffix u or i")
        suffix = match[2] or suffix
        if not suffix:
            raise outside(token.line, f"The number '{token.text}' without a suffix",
                          f"write {token.text}u or {token.text}i")
        if int(match[1], 0) > (0xFFFFFFFF if suffix == "u" else 0x7FFFFFFF):
            raise SubsetError(token.line, f"The number '{token.text}' does not fit {suffix}32.")
        return Literal(token.line, match[1] + ("u" if suffix == "u" else ""))


# ---- Checks over all modules -------------------------------------------------------------------

class Program:
    """All modules together: who is declared where, and what a call may change."""

    NONE, READS, WRITES = range(3)  # effects

    def __init__(self, modules, pure):
        self.modules, self.pure = modules, pure  # modules: {shown path: Parser}
        self.errors, self.places = [], {}
        self.constants, self.variables, self.functions = {}, {}, {}
        for path, module in modules.items():
            for item in sorted((*module.declarations, *module.functions), key=lambda item: item.line):
                kind = self.functions if isinstance(item, Function) else (
                    self.constants if item.keyword == "const" else self.variables)
                if item.name in self.places:
                    self.error(path, item, f"'{item.name}' is declared already, in {self.places[item.name]}.")
                if item.name in self.pure:
                    self.error(path, item, f"'{item.name}' is a function of the vocabulary already.")
                kind[item.name] = item
                self.places[item.name] = f"{path}:{item.line}"
        self.effects = dict.fromkeys(self.functions, self.NONE)
        while (found := {name: self.function_effect(f) for name, f in self.functions.items()}) != self.effects:
            self.effects = found
        for path, module in modules.items():
            for item in (*module.declarations, *module.functions):
                try:
                    self.check(item)
                except SubsetError as error:
                    self.errors.append(error.in_file(path))

    def error(self, path, item, message):
        self.errors.append(SubsetError(item.line, message).in_file(path))

    def is_constant(self, name):
        return name in self.constants or bool(CONSTANT_NAME.match(name))

    def effect(self, root, local_names):
        """The strongest effect of evaluating an expression (or of running a statement)."""
        strongest = self.NONE
        for part in walk(root):
            if isinstance(part, Name) and part.name not in local_names and not self.is_constant(part.name):
                strongest = max(strongest, self.READS)
            elif isinstance(part, Call):
                strongest = max(strongest, self.call_effect(part.callee))
            elif isinstance(part, Assign) and root_name(part.target) not in local_names:
                return self.WRITES
        return strongest

    def call_effect(self, name):
        if name in self.effects:
            return self.effects[name]
        return self.NONE if name in self.pure else self.READS if name in READERS else self.WRITES

    def function_effect(self, function):
        return self.effect(function.body, function.local_names)

    def check(self, item):
        local_names = item.local_names if isinstance(item, Function) else frozenset()
        for part in walk(item):
            self.check_order(part, local_names)
            match part:
                case Declare() | Parameter() if part is not item:
                    if part.name in self.variables or part.name in self.constants:
                        raise outside(part.line, f"A local '{part.name}'",
                                      f"the name is taken at module scope, in {self.places[part.name]}")
                case Call():
                    if isinstance(item, Declare) and part.callee not in BUILTINS:
                        raise outside(part.line, f"The call of '{part.callee}' at module scope",
                                      "WGSL evaluates no functions of ours there")
                    known = self.functions.get(part.callee)
                    if known and len(known.parameters) != len(part.arguments):
                        raise SubsetError(part.line, f"{part.callee}() takes {len(known.parameters)} arguments, "
                                                     f"not {len(part.arguments)}.")
                case Chain():
                    for operator, operand in zip(part.operators, part.operands[1:]):
                        self.check_operand(operator, operand)
                case Assign():
                    if part.operator in ("<<=", ">>="):
                        self.check_operand(part.operator, part.value)

    def check_operand(self, operator, operand):
        literal = isinstance(operand, Literal) and operand.text[0].isdigit()
        if operator in ("/", "%"):
            if literal and integer_value(operand) == 0:
                raise SubsetError(operand.line, "The divisor is 0.")
            if not literal and not (isinstance(operand, Name) and self.is_constant(operand.name)):
                raise outside(operand.line, f"'{operator}' by '{emit(operand)}'",
                              "a divisor is a literal or a constant; divu() and remu() take any")
        elif operator in ("<<", ">>", "<<=", ">>=") and literal and integer_value(operand) > 31:
            raise SubsetError(operand.line, f"The shift amount {operand.text} exceeds 31.")

    def check_order(self, part, local_names):
        """WGSL evaluates operands left to right, C++ in any order: none may see another's effect."""
        match part:
            case Call():
                groups = [part.arguments]
            case Index():
                groups = [(part.base, part.index)]
            case Chain():  # && and || keep their order in both
                groups = [[part.operands[0]]]
                for operator, operand in zip(part.operators, part.operands[1:]):
                    groups.append([operand]) if operator in LOGICAL else groups[-1].append(operand)
            case Assign() if part.value:  # the target's indices; its old value, where that counts
                indices = [inner.index for inner in walk(part.target) if isinstance(inner, Index)]
                groups = [(*indices, part.value) if part.operator == "=" else (part.target, part.value)]
            case _:
                groups = []
        for group in groups:
            effects = sorted(self.effect(operand, local_names) for operand in group)
            if len(effects) > 1 and effects[-1] == self.WRITES and effects[-2] >= self.READS:
                calls = [inner.callee for operand in group for inner in walk(operand)
                         if isinstance(inner, Call) and self.call_effect(inner.callee) == self.WRITES]
                raise outside(part.line, f"A value next to a call of '{calls[0]}' that may change it",
                              "C++ does not say which comes first; take one into a let before")


def root_name(target):
    while not isinstance(target, Name):
        if not isinstance(target, (Member, Index, Paren)):
            return ""
        target = target.inner if isinstance(target, Paren) else target.base
    return target.name


# ---- Emitter ---------------------------------------------------------------------------------

def masked(amount):
    return emit(amount) if isinstance(amount, Literal) else f"({emit(amount)} & 31u)"


def emit(value):
    match value:
        case Literal():
            return value.text
        case Name():
            return value.name
        case Paren():
            return f"({emit(value.inner)})"
        case Unary():
            return f"{value.operator}{' ' if isinstance(value.operand, Unary) else ''}{emit(value.operand)}"
        case Cast():
            return f"static_cast<{value.type}>({emit(value.value)})"
        case ArrayValue():
            return f"{value.type}{{{{{', '.join(map(emit, value.items))}}}}}"
        case Call():
            return f"{value.callee}({', '.join(map(emit, value.arguments))})"
        case Index():
            return f"{emit(value.base)}[{emit(value.index)}]"
        case Member():
            return f"{emit(value.base)}.{value.field}"
        case Chain():
            text = emit(value.operands[0])
            for operator, operand in zip(value.operators, value.operands[1:]):
                text += f" {operator} {masked(operand) if operator in SHIFTS else emit(operand)}"
            return text
    raise AssertionError(value)


def emit_simple(statement):
    """A statement without its semicolon."""
    match statement:
        case None:
            return ""
        case Declare():
            qualifier = "const " if statement.keyword == "let" else ""
            start = f"{qualifier}{statement.type or 'auto'} {statement.name}"
            return f"{start} = {emit(statement.value)}" if statement.value else f"{start}{{}}"
        case Assign() if statement.value is None:
            return f"{statement.operator}{emit(statement.target)}"
        case Assign():
            value = emit(statement.value)
            if statement.operator in ("<<=", ">>=") and not isinstance(statement.value, Literal):
                value = f"({value}) & 31u"
            return f"{emit(statement.target)} {statement.operator} {value}"
        case CallStatement():
            return emit(statement.call)
        case Jump():
            return statement.keyword
        case Return():
            return f"return {emit(statement.value)}" if statement.value else "return"
    raise AssertionError(statement)


class Writer:
    """Output lines, kept in step with the .wgsl file's by blank lines and #line."""

    MAX_BLANK_LINES = 3

    def __init__(self):
        self.lines = ["// Translated by tools/wgsl_to_cpp.py from the shared WGSL modules; do not edit."]
        self.path, self.next_line, self.depth = None, 0, 0

    def text(self):
        return "\n".join(self.lines) + "\n"

    def put(self, path, line, text):
        gap = line - self.next_line
        if path == self.path and gap == -1:  # on one line there, and so here
            self.lines[-1] += " " + text
            return
        if path == self.path and 0 <= gap <= self.MAX_BLANK_LINES:
            self.lines += [""] * gap
        else:
            self.lines.append(f'#line {line} "{path}"')
        self.lines.append("  " * self.depth + text)
        self.path, self.next_line = path, line + 1

    def statement(self, statement):
        match statement:
            case Block():
                self.put(self.path, statement.line, "{")
                self.body(statement, "}")
            case If():
                self.if_statement(statement, "if")
            case For(start=None, step=None):
                test = f"while ({emit(statement.condition)})" if statement.condition else "for (;;)"
                self.put(self.path, statement.line, test + " {")
                self.body(statement.body, "}")
            case For():
                condition = f" {emit(statement.condition)}" if statement.condition else ""
                step = f" {emit_simple(statement.step)}" if statement.step else ""
                self.put(self.path, statement.line, f"for ({emit_simple(statement.start)};{condition};{step}) {{")
                self.body(statement.body, "}")
            case Switch():
                self.put(self.path, statement.line, f"switch ({emit(statement.selector)}) {{")
                for case in statement.cases:
                    labels = " ".join(f"case {emit(label)}:" for label in case.labels) or "default:"
                    self.put(self.path, case.line, labels + " {")
                    last = case.body.statements[-1:]
                    leaves = bool(last) and isinstance(last[0], (Jump, Return))
                    self.body(case.body, "}" if leaves else "} break;")
                self.put(self.path, statement.end_line, "}")
            case _:
                self.put(self.path, statement.line, emit_simple(statement) + ";")

    def body(self, block, closing):
        """The statements after a '{', and the text that closes it."""
        self.depth += 1
        for statement in block.statements:
            self.statement(statement)
        self.depth -= 1
        if closing:
            self.put(self.path, block.end_line, closing)

    def if_statement(self, statement, opening):
        self.put(self.path, statement.line, f"{opening} ({emit(statement.condition)}) {{")
        otherwise = statement.otherwise
        self.body(statement.then, "" if otherwise else "}")
        if isinstance(otherwise, If):
            self.if_statement(otherwise, "} else if")
        elif otherwise:
            self.put(self.path, otherwise.line, "} else {")
            self.body(otherwise, "}")


def in_order_of_use(constants):
    """WGSL's constants may stand in any order, C++'s only after those that they use."""
    ordered = {}

    def visit(name, users):
        if name in ordered or name not in constants:
            return
        path, constant = constants[name]
        if name in users:
            raise SubsetError(constant.line, f"{path}:{constant.line}: The constant '{name}' depends on itself.")
        used = re.findall(r"\w+", constant.type)
        used += [part.name for part in walk(constant.value) if isinstance(part, Name)]
        for other in used:
            visit(other, (*users, name))
        ordered[name] = (path, constant)

    for name in constants:
        visit(name, ())
    return ordered.values()


def header(program):
    writer, constants = Writer(), {}
    for path, module in program.modules.items():
        constants |= {item.name: (path, item) for item in module.declarations if item.keyword == "const"}
    for path, item in in_order_of_use(constants):
        writer.put(path, item.line, f"static constexpr {item.type or 'auto'} {item.name} = {emit(item.value)};")
    for path, module in program.modules.items():
        for item in module.declarations:
            if item.keyword == "var":
                writer.put(path, item.line, emit_simple(item) + ";")
    for path, module in program.modules.items():
        for function in module.functions:
            parameters = ", ".join(f"{p.type} {p.name}" for p in function.parameters)
            writer.put(path, function.line, f"auto {function.name}({parameters}) -> {function.result};")
    return writer.text()


def source(program):
    writer = Writer()
    for path, module in program.modules.items():
        for function in module.functions:
            used = {part.name for part in walk(function.body) if isinstance(part, Name)}
            parameters = ", ".join(
                f"{'' if p.name in used else '[[maybe_unused]] '}const {p.type} {p.name}" for p in function.parameters)
            writer.put(path, function.line, f"auto CoreClass::{function.name}({parameters}) -> {function.result} {{")
            writer.body(function.body, "}")
    return writer.text()


# ---- Command line ------------------------------------------------------------------------------

def load(root, names, virtual):
    """Parses the modules; returns them by shown path, and the errors."""
    modules, errors = {}, []
    for name in names:
        if pathlib.Path(name).is_absolute():
            name = os.path.relpath(name, root.resolve())
        shown = f"{root.resolve().name}/{name}"
        try:
            module = modules[shown] = Parser((root / name).read_text(encoding="utf-8"))
            for line, imported in module.imports:
                if imported not in virtual and not (root / imported).is_file():
                    raise SubsetError(line, f'The imported module "{imported}" is neither under {root} nor generated.')
        except OSError as error:
            errors.append(f"{shown}: The module cannot be read: {error.strerror}.")
        except SubsetError as error:
            errors.append(error.in_file(shown))
    return modules, errors


def write_if_changed(path, text):
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def main(arguments=None):
    options = argparse.ArgumentParser(description="Translates shared WGSL modules into C++.")
    options.add_argument("--root", type=pathlib.Path, required=True, help="folder of the modules (shaders)")
    options.add_argument("--out-header", type=pathlib.Path, required=True, help="text for inside the class")
    options.add_argument("--out-source", type=pathlib.Path, required=True, help="the members' definitions")
    options.add_argument("--virtual", action="append", default=[], metavar="PATH",
                         help="a module that the build generates: may be imported, need not exist")
    options.add_argument("--pure", action="append", default=[], metavar="NAME",
                         help="a function from outside that neither reads nor changes the machine")
    options.add_argument("modules", nargs="+", metavar="MODULE", help="path relative to the root, or absolute")
    options = options.parse_args(arguments)

    modules, errors = load(options.root, options.modules, options.virtual)
    if not errors:
        program = Program(modules, PURE | set(options.pure))
        errors = program.errors
    if not errors:
        try:
            texts = header(program), source(program)
        except SubsetError as error:
            errors = [str(error)]
    if errors:
        print("\n".join(errors), file=sys.stderr)
        return 1
    write_if_changed(options.out_header, texts[0])
    write_if_changed(options.out_source, texts[1])
    return 0


if __name__ == "__main__":
    sys.exit(main())
