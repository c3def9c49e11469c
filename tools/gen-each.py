#!/usr/bin/env python3
"""gen-each.py — writes include/leat/each.h: flat iteration over up to 65 macro arguments."""

import pathlib

LIMIT = 65

HEADER = """\
// each.h — flat variadic iteration: LEAT_EACH(m, ctx, a, b, c) is m(ctx, a) m(ctx, b) m(ctx, c).
//
// Flat, not recursive, on purpose: a compiler error inside element 17 shows the same short note trail as element 1.
// A trailing comma is harmless: empty elements expand to nothing. Written by tools/gen-each.py.
// clang-format off
#ifndef LEAT_EACH_H
#define LEAT_EACH_H
#pragma GCC system_header
#define LEAT_STRIP(...) __VA_ARGS__
#define LEAT_CAT_(a, b) a##b
#define LEAT_CAT(a, b) LEAT_CAT_(a, b)
"""


def names(count):
    return ", ".join(f"a{i}" for i in range(1, count + 1))


def lines():
    counts = ", ".join(str(i) for i in range(LIMIT, -1, -1))
    yield f"#define LEAT_NTH({names(LIMIT)}, n, ...) n"
    yield f"#define LEAT_NARGS(...) LEAT_NTH(__VA_ARGS__ __VA_OPT__(,) {counts})"
    yield "#define LEAT_EACH(m, c, ...) LEAT_CAT(LEAT_EACH_, LEAT_NARGS(__VA_ARGS__))(m, c __VA_OPT__(,) __VA_ARGS__)"
    yield "#define LEAT_EACH_0(m, c)"
    for count in range(1, LIMIT + 1):
        calls = " ".join(f"m(c, a{i})" for i in range(1, count + 1))
        yield f"#define LEAT_EACH_{count}(m, c, {names(count)}) {calls}"


target = pathlib.Path(__file__).resolve().parent.parent / "include/leat/each.h"
target.write_text(HEADER + "\n".join(lines()) + "\n#endif\n")
