#!/usr/bin/env python3
"""check-abi.py — the layout of every public struct and the version of every symbol, held against the golden file of the interface.

usage: check-abi.py COMPILER INCLUDE_FOLDER LIBRARY GOLDEN [--renew]

A plugin that was built with older headers must go on working, so within a major version nothing that the golden file has may change: no offset, no
size of a member, no value of an enumerator, no symbol. What may: a descriptor, a struct that begins with its own size, may grow at its end, and
things may be added. Either wants the golden file renewed (--renew), so that the change is seen by whoever reads the commit.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

def dwarf(compiler, include):
    """The debugging entries of the public headers: a list of [depth, tag, attributes], by offset."""
    with tempfile.TemporaryDirectory() as folder:
        source, object_file = pathlib.Path(folder, "abi.c"), pathlib.Path(folder, "abi.o")
        source.write_text("#include <leat/leat.h>\n")
        subprocess.run([compiler, "-std=gnu17", "-gdwarf-4", "-fno-eliminate-unused-debug-types", "-I", include, "-c", source, "-o", object_file],
                       check=True)
        text = subprocess.run(["readelf", "--wide", "--debug-dump=info", object_file], capture_output=True, text=True, check=True).stdout
    entries = {}
    for line in text.splitlines():
        head = re.match(r"\s*<(\w+)><(\w+)>: Abbrev Number: \d+ \(DW_TAG_(\w+)\)", line)
        if head:
            entry = [int(head[1], 16), head[3], {}]
            entries[int(head[2], 16)] = entry
            continue
        attribute = re.match(r"\s*<\w+>\s+DW_AT_(\w+)\s*: (?:\(\w+\) )?(?:\((?:indirect string, )?offset: \w+\): )?(.*?)\s*$", line)
        if attribute and entries:
            entry[2][attribute[1]] = attribute[2]
    return entries


def number(attributes, name):
    return int(re.search(r"(?:^|\s)(-?(?:0x[0-9a-f]+|\d+))\b", attributes.get(name, "0"))[1], 0)


def bytes_of(entries, reference):
    """The size of a type, through its typedefs."""
    tag, attributes = entries[reference][1:]
    if "byte_size" in attributes:
        return number(attributes, "byte_size")
    if tag == "pointer_type":
        return 8
    if tag == "array_type":
        count, after = 1, list(entries)[list(entries).index(reference) + 1:]
        for offset in after:
            if entries[offset][1] != "subrange_type":
                break
            bound = entries[offset][2]
            count *= number(bound, "count") if "count" in bound else number(bound, "upper_bound") + 1 if "upper_bound" in bound else 0
        return count * bytes_of(entries, target(attributes))
    return bytes_of(entries, target(attributes)) if "type" in attributes else 0


def target(attributes):
    return int(re.search(r"<(?:0x)?([0-9a-f]+)>", attributes["type"])[1], 16)


def layouts(entries):
    """Lines of every struct, union and enum that has a name, and of its members."""
    names = {target(attributes): attributes["name"] for _, tag, attributes in entries.values()
             if tag == "typedef" and "type" in attributes}
    offsets = list(entries)
    for index, offset in enumerate(offsets):
        depth, tag, attributes = entries[offset]
        name = attributes.get("name") or names.get(offset)
        if tag not in ("structure_type", "union_type", "enumeration_type") or not name or "byte_size" not in attributes:
            continue
        if name.startswith(("__", "max_align")) or depth > 1:
            continue
        kind = tag.split("_")[0]
        if kind != "enumeration":
            yield f"{kind} {name} {number(attributes, 'byte_size')} bytes"
        for member in offsets[index + 1:]:
            member_depth, member_tag, of = entries[member]
            if member_depth <= depth:
                break
            if member_depth > depth + 1:
                continue
            if member_tag == "member":
                yield f"{kind} {name}.{of.get('name', '(unnamed)')} at {number(of, 'data_member_location')}, {bytes_of(entries, target(of))} bytes"
            elif member_tag == "enumerator":
                yield f"enum {name} {of['name']} = {number(of, 'const_value')}"


def symbols(library):
    text = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True, check=True).stdout
    for line in text.splitlines():
        name = line.split()[-1]
        if "@@LEAT_" in name and not name.endswith("@@LEAT_PRIVATE"):
            yield "symbol " + name.replace("@@", " since ")


def sizes(lines):
    return {match[1]: int(match[2]) for line in lines if (match := re.match(r"structure (\w+) (\d+) bytes", line))}


def problems(golden, now):
    """What a plugin of yesterday would not survive; and what is only new."""
    have, known, size_now = set(now), set(golden), sizes(now)
    # these begin with their own size, or with an item that has it
    grows = {match[1] for line in now if (match := re.match(r"structure (\w+)\.(?:size|base) at \d", line))}
    for line in golden:
        struct = re.match(r"structure (\w+) (\d+) bytes", line)
        if line in have:
            continue
        if struct and struct[1] in grows and size_now.get(struct[1], 0) > int(struct[2]):
            yield False, f"grown: {line} -> {size_now[struct[1]]} bytes"
        else:
            yield True, f"gone or changed: {line}"
    for line in now:
        if line not in known and not re.match(r"structure \w+ \d+ bytes", line):
            yield False, f"new: {line}"


def main(compiler, include, library, golden_path, renew):
    now = sorted(set(layouts(dwarf(compiler, include)))) + sorted(symbols(library))
    if len(now) < 200:
        sys.exit(f"only {len(now)} lines were read from {include}: this check does not read them right")
    path = pathlib.Path(golden_path)
    golden = path.read_text().splitlines() if path.exists() else []
    found = list(problems(golden, now))
    for is_breaking, line in found:
        print(("breaks plugins: " if is_breaking else "compatible, but not in the golden file: ") + line, file=sys.stderr)
    if renew:
        path.write_text("\n".join(now) + "\n")
        print(f"{path}: {len(now)} lines")
        return 0
    if found:
        print(f"if this is meant: tools/check-abi.py ... --renew, and LEAT_ABI_MINOR (or LEAT_ABI_MAJOR) one higher after a release", file=sys.stderr)
        return 1
    print(f"{len(now)} lines, all as in {path.name}")
    return 0


arguments = [argument for argument in sys.argv[1:] if argument != "--renew"]
sys.exit(main(*arguments, "--renew" in sys.argv))
