#!/usr/bin/env python3
"""make-reference.py — docs/REFERENCE.md out of the comments of include/leat: every macro, function, type and option, as the headers say it.

usage: make-reference.py ROOT [--check]

With --check nothing is written: it fails when the page is not what the headers say now.
"""

import pathlib
import re
import sys

ORDER = ["values", "schema", "route", "request", "response", "middleware", "work", "database", "security", "http_client", "cache", "upload",
         "server", "plugin", "test"]

HEAD = """# Reference

What `include/leat/` offers, in the words of its headers; `tools/make-reference.py` writes this page. The guides tell how it goes together:
[SCHEMAS](SCHEMAS.md), [DEPENDENCIES](DEPENDENCIES.md), [DATABASE](DATABASE.md), [AUTHENTICATION](AUTHENTICATION.md), [MIDDLEWARE](MIDDLEWARE.md),
[TESTING](TESTING.md).
"""


def prose(comment):
    """A comment without its stars: lines joined to paragraphs, indented examples kept."""
    lines = [re.sub(r"^ ?\* ?", "", line.strip()) for line in comment.strip().splitlines()]
    return "\n".join(line.rstrip() for line in lines).strip()


def escaped(text):
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_")


def as_text(text):
    """Prose for Markdown: what the headers write bare is not to be read as marks."""
    parts = re.split(r"(`[^`]*`)", re.sub(r"\s*\n\s*", " ", text))
    return "".join(part if part.startswith("`") else part.replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_") for part in parts)


def signature(code):
    """The declaration that a comment belongs to, on one line; a macro's head alone."""
    code = code.lstrip()
    if code.startswith("#define"):
        match = re.match(r"#define\s+(\w+(?:\([^)]*\))?)", code)
        return re.sub(r"\b(\w+)_\b", r"\1", match[1])
    depth, out = 0, []
    for character in code:
        if character in ";{" and depth == 0:
            break
        depth += (character == "(") - (character == ")")
        out.append(character)
    text = re.sub(r"\s+", " ", "".join(out)).strip()
    return re.sub(r"\s*__attribute__\s*\(\(.*?\)\)\)?", "", text).strip()


def names_of(declaration):
    """The members that a declaration of a struct declares."""
    pointers = re.findall(r"\(\*(\w+)\)\s*\(", declaration)
    if pointers:
        return pointers
    return [re.sub(r"\[[^]]*\]", "", part).split()[-1].strip("* ") for part in declaration.split(",") if part.strip()]


def options(body):
    """Rows of a struct: name and what is said behind or above it. Only what authors may set, where the struct says from where."""
    if "// author's options" in body:
        body = body.split("// author's options", 1)[1].split("\n", 1)[-1]
    body = re.sub(r"\s*\\\n", "\n", body)
    body = re.sub(r"/\*\*(.*?)\*/", lambda match: "/** " + re.sub(r"\s+", " ", prose(match[1])) + " */", body, flags=re.DOTALL)
    rows, above = [], ""
    for line in map(str.strip, body.splitlines()):
        said = re.search(r"(?://|/\*+<?)\s*(.*?)\s*(?:\*/)?$", line)
        declaration = re.split(r"//|/\*", line)[0].strip()
        if not declaration:
            if said and rows and line.startswith("//"):
                rows[-1][1] += " " + said[1]
            elif said:
                above = said[1]
            continue
        if declaration.endswith(("{", "}")) or "LEAT_" in declaration:
            continue
        rows.append([", ".join(f".{name}" for name in names_of(declaration.rstrip("; "))), said[1] if said else above])
        above = ""
    return [row for row in rows if row[0] not in (".size", ".base", "._")]


STRUCTS = {
    "LEAT_COMMON_OPTS": ("schema", "Every field and parameter", r"#define LEAT_COMMON_OPTS(.*?)\n\n"),
    "str__opts": ("schema", "A `str`", r"typedef struct \{([^}]*)\} str__opts;"),
    "LEAT_NUM_OPTS": ("schema", "`i32`, `i64`, `f64`", r"#define LEAT_NUM_OPTS\(T\)(.*?)\n\n?#define"),
    "LEAT_LIST_OPTS": ("schema", "A list", r"#define LEAT_LIST_OPTS\(T\)(.*?)\n\n"),
}


def option_tables(text, header):
    for name, (home, title, pattern) in STRUCTS.items():
        found = re.search(pattern, text, re.DOTALL)
        if home == header and found:
            rows = options(found[1])
            yield title, rows
    for match in re.finditer(r"(?:typedef )?struct (leat_\w+) \{\n(.*?)\n\}", text, re.DOTALL):
        if "// author's options" in match[2]:
            yield f"Options of `{match[1]}`", options(match[2])


def entries(text):
    for match in re.finditer(r"/\*\*(.*?)\*/\n?", text, re.DOTALL):
        rest = text[match.end():]
        if match.start() and text[match.start() - 1] != "\n":
            continue  # of a member of a struct
        head = signature(rest)
        if head in ("typedef struct", ""):
            continue
        if head and not head.startswith(("LEAT_", "uint", "struct leat_")) or head.startswith("LEAT_PROMISE"):
            yield head, prose(match[1])


def page(root):
    out, undocumented = [HEAD], []
    for name in ORDER:
        path = root / f"include/leat/{name}.h"
        if not path.exists():
            continue
        text = path.read_text()
        title = re.match(r"// (\S+) — (.*?)\n", text)
        out.append(f"## `<leat/{title[1]}>`\n\n{as_text(title[2])}\n")
        more = re.match(r"// .*?\n//\n((?://.*\n)+)", text)
        if more:
            out.append("```text\n" + "\n".join(line[2:].removeprefix(" ") for line in more[1].splitlines()) + "\n```\n")
        for head, said in entries(text):
            out.append(f"**`{head}`** — {as_text(said)}\n")
        for table, rows in option_tables(text, name):
            undocumented += [f"{path.name}: {row[0]}" for row in rows if not row[1]]
            if rows:
                out.append(f"{table}:\n\n| option | |\n|---|---|\n" + "\n".join(f"| `{row[0]}` | {escaped(row[1])} |" for row in rows) + "\n")
    return "\n".join(out), undocumented


def main(root, check):
    path = root / "docs/REFERENCE.md"
    text, undocumented = page(root)
    for option in undocumented:
        print(f"nothing is said of {option}", file=sys.stderr)
    if text.count("\n**`") < 60:
        print("too few entries were found: this tool does not read the headers right", file=sys.stderr)
        return 1
    if not check:
        path.write_text(text)
        return bool(undocumented)
    if not undocumented and path.exists() and path.read_text() == text:
        return 0
    print("docs/REFERENCE.md is not what the headers say; run tools/make-reference.py .", file=sys.stderr)
    return 1


sys.exit(main(pathlib.Path(sys.argv[1]), "--check" in sys.argv))
