#!/usr/bin/env python3
"""make-reference.py — docs/REFERENCE.md out of the comments of include/leat: every macro, function, type and option, as the headers say it.

usage: make-reference.py ROOT [--check]

What is for the macros alone, "(ABI)" or "What ... calls", is documented in the headers and left out of the page. Fails when a member of a struct,
a macro or a function has no comment; with --check nothing is written, and it fails too when the page is not what the headers say now.
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
        return re.sub(r"\b(\w+)_(?=[,)])", r"\1", match[1])
    depth, out = 0, []
    for character in code:
        if character in ";{" and depth == 0:
            break
        depth += (character == "(") - (character == ")")
        out.append(character)
    text = re.sub(r"\s+", " ", "".join(out)).strip()
    return re.sub(r"\s*__attribute__\s*\(\(.*?\)\)\)?", "", text).strip()


def declarations(code):
    """What stands without a blank line or a comment between: the declarations at the beginning of `code`, each as a text."""
    found, depth = [], 0
    for line in code.splitlines():
        if not depth and (not line.strip() or line.startswith(("/**", "//", "#pragma", "#if", "#endif", "extern", "}"))):
            break
        if depth:
            found[-1] += "\n" + line
        else:
            found.append(line)
        macro = found[-1].startswith("#define")
        text = re.sub(r"//.*|/\*.*?\*/", "", found[-1], flags=re.DOTALL)
        depth = line.endswith("\\") if macro else text.count("{") > text.count("}") or not text.rstrip().endswith((";", "}"))
    return found


def name_of(head):
    """What a declaration declares."""
    is_called = "(" in head and not head.startswith("typedef")
    return re.findall(r"\w+", head.split("(")[0] if is_called else head)[-1]


def is_for_authors(head):
    return head.startswith("enum leat_") or not re.search(r"^LEAT_|^leat_(?!version|upload)|__", name_of(head))


def is_for_macros(said):
    return "(ABI)" in said or re.match(r"What [^.]*\bcalls?( before main\(\))?[.:]", said)


def names_of(declaration):
    """The members that a declaration of a struct declares."""
    pointers = re.findall(r"\(\*(\w+)\)\s*\(", declaration)
    if pointers:
        return pointers
    return [re.sub(r"\[[^]]*\]", "", part).split()[-1].strip("* ") for part in declaration.split(",") if part.strip()]


def members(body):
    """Rows of a struct: name, and what is said behind or above it."""
    body = re.sub(r"\s*\\\n", "\n", body)
    body = re.sub(r"/\*\*<?(.*?)\*/", lambda match: "/** " + re.sub(r"\s+", " ", prose(match[1])) + " */", body, flags=re.DOTALL)
    rows, above = [], ""
    for line in map(str.strip, body.splitlines()):
        said = re.search(r"/\*+\s*(.*?)\s*\*/$", line)
        declaration = re.split(r"//|/\*", line)[0].strip()
        if not declaration:
            above = said[1] if said else above
            continue
        if declaration.endswith(("{", "}", "};")) or "LEAT_" in declaration:
            continue
        rows.append([", ".join(f".{name}" for name in names_of(declaration.rstrip("; "))), said[1] if said else above])
        above = ""
    return rows


def options(body):
    """The members that authors may set, where the struct says from where."""
    own = re.split(r"// author's options.*\n", body)[-1]
    return [row for row in members(own) if row[0] not in (".size", ".base", "._")]


STRUCTS = {
    "LEAT_COMMON_OPTS": ("schema", "Every field and parameter", r"#define LEAT_COMMON_OPTS(.*?)\n\n"),
    "str__opts": ("schema", "A `str`", r"typedef struct \{([^}]*)\} str__opts;"),
    "LEAT_NUM_OPTS": ("schema", "`i32`, `i64`, `f64`", r"#define LEAT_NUM_OPTS\(T\)(.*?)\n\n?#define"),
    "LEAT_LIST_OPTS": ("schema", "A list", r"#define LEAT_LIST_OPTS\(T\)(.*?)\n\n"),
}


def structs(text):
    """Every struct that is no macro's: its name, and what is within its braces."""
    for match in re.finditer(r"^(?:typedef )?struct (\w*) ?\{\n(.*?)^\}(.*?);", text, re.DOTALL | re.MULTILINE):
        yield match[1] or match[3].strip(), match[2]


def option_tables(text, header):
    for title, pattern in ((title, pattern) for home, title, pattern in STRUCTS.values() if home == header):
        yield title, options(re.search(pattern, text, re.DOTALL)[1])
    for name, body in structs(text):
        if "// author's options" in body:
            yield f"Options of `{name}`", options(body)


def entries(text):
    """What the headers say: the heads of the declarations that a comment is for, and the comment."""
    for match in re.finditer(r"/\*\*(.*?)\*/\n?", text, re.DOTALL):
        if match.start() and text[match.start() - 1] != "\n":
            continue  # of a member of a struct
        rest = text[match.end():].removeprefix("// clang-format off\n")
        heads = [signature(code) for code in declarations(rest)]
        yield [head for head in heads if head not in ("typedef struct", "enum", "")], prose(match[1])


def undocumented(text):
    """What the headers say nothing of: members of structs, macros, functions."""
    for name, body in structs(text):
        yield from (f"{name}{member}" for member, said in members(body) if not said)
    said = {name_of(head) for heads, _ in entries(text) for head in heads}
    for code in re.findall(r"^(?:#define \w.*|[\w_][\w \*]*\w+\([^{}]*;)", text, re.MULTILINE):
        if code.startswith("typedef") or re.match(r"#define \w+_H$", code):
            continue
        head = signature(code)
        if is_for_authors(head) and name_of(head) not in said:
            yield name_of(head)


def page(root):
    out, missing = [HEAD], []
    for name in ORDER:
        text = (root / f"include/leat/{name}.h").read_text()
        missing += [f"{name}.h: {what}" for what in undocumented(text)]
        title = re.match(r"// (\S+) — (.*?)\n", text)
        out.append(f"## `<leat/{title[1]}>`\n\n{as_text(title[2])}\n")
        more = re.match(r"// .*?\n//\n((?://.*\n)+)", text)
        if more:
            out.append("```text\n" + "\n".join(line[2:].removeprefix(" ") for line in more[1].splitlines()) + "\n```\n")
        for heads, said in entries(text):
            shown = ", ".join(f"`{head}`" for head in heads if is_for_authors(head))
            if shown and not is_for_macros(said):
                out.append(f"**{shown}** — {as_text(said)}\n")
        for table, rows in option_tables(text, name):
            out.append(f"{table}:\n\n| option | |\n|---|---|\n" + "\n".join(f"| `{row[0]}` | {escaped(row[1])} |" for row in rows) + "\n")
    return "\n".join(out), missing


def main(root, check):
    path = root / "docs/REFERENCE.md"
    text, missing = page(root)
    for what in missing:
        print(f"nothing is said of {what}", file=sys.stderr)
    if text.count("\n**`") < 60:
        print("too few entries were found: this tool does not read the headers right", file=sys.stderr)
        return 1
    if not check:
        path.write_text(text)
        return bool(missing)
    if not missing and path.exists() and path.read_text() == text:
        return 0
    print("docs/REFERENCE.md is not what the headers say; run tools/make-reference.py .", file=sys.stderr)
    return 1


sys.exit(main(pathlib.Path(sys.argv[1]), "--check" in sys.argv))
