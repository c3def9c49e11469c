#!/usr/bin/env python3
"""check-abi.py — the layout of every public struct and the version of every symbol, held against the golden files of the interface.

usage: check-abi.py COMPILER INCLUDE_FOLDER LIBRARY GOLDEN_FOLDER [--renew]

GOLDEN_FOLDER holds leat-MAJOR.MINOR.abi of each minor version: that of the headers' own version must say what they say now (--renew writes it),
and with every earlier one of the same major version they must be compatible, since plugins that were built with those headers go on working: no
offset, no size of a member, no value of an enumerator, no symbol may change. What may: a descriptor, a struct that begins with its own size, may
grow at its end, and things may be added. An earlier version's headers stand in GOLDEN_FOLDER/MAJOR.MINOR, and must be what its golden file says.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

# of a size of their own, and yet not to grow: they stand in arrays, one beside another
IN_ARRAYS = {"leat_field", "leat_param"}


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


def growing(now):
    """Structs that begin with their own size (True where it is an item's, which is static: its padding is zero)."""
    grows = {}
    for line in now:
        match = re.match(r"structure (\w+)\.(size|base) at 0,", line)
        if match and match[1] not in IN_ARRAYS:
            grows[match[1]] = match[2] == "base"
    return grows | {"leat_plugin": True}  # behind its magic number


def problems(golden, now):
    """What a plugin of then would not survive (True); and what is only new."""
    have, known, size_now, size_then, grows = set(now), set(golden), sizes(now), sizes(golden), growing(now)
    for line in golden:
        struct = re.match(r"structure (\w+) (\d+) bytes", line)
        if line in have:
            continue
        if struct and struct[1] in grows and size_now.get(struct[1], 0) > int(struct[2]):
            yield False, f"grown: {line} -> {size_now[struct[1]]} bytes"
        else:
            yield True, f"gone or changed: {line}"
    for line in now:
        if line in known or re.match(r"structure \w+ \d+ bytes", line):
            continue
        member = re.match(r"structure (\w+)\.\S+ at (\d+),", line)
        is_within = member and int(member[2]) < size_then.get(member[1], 0)
        if is_within and not grows.get(member[1], False) and not any(line.split(" at ")[0] + " at " in old for old in golden):
            yield True, f"in what was padding, which is not zero there: {line}"
        else:
            yield False, f"new: {line}"


def version_of(include):
    text = pathlib.Path(include, "leat/values.h").read_text()
    return tuple(int(re.search(rf"#define LEAT_ABI_{part} (\d+)", text)[1]) for part in ("MAJOR", "MINOR"))


def lines_of(path):
    return path.read_text().splitlines() if path.exists() else []


def check_now(now, path, version):
    """Against the golden file of the headers' own version: it says all that is."""
    found = list(problems(lines_of(path), now))
    for is_breaking, line in found:
        print((f"breaks plugins of this {version}: " if is_breaking else f"compatible, but not in {path.name}: ") + line, file=sys.stderr)
    if found:
        print("if this is meant: tools/check-abi.py ... --renew; docs/CONTRIBUTING.md tells of a new minor version", file=sys.stderr)
    return bool(found)


def check_earlier(now, path, compiler):
    """Against an earlier version: its plugins go on working; and its headers have stayed as they were."""
    golden, frozen = lines_of(path), path.parent / path.stem.removeprefix("leat-")
    broken = [line for is_breaking, line in problems(golden, now) if is_breaking]
    for line in broken:
        print(f"breaks plugins of {frozen.name}: {line}", file=sys.stderr)
    if not (frozen / "leat/leat.h").exists():
        print(f"the headers of {frozen.name} are not in {frozen}: git show of its release has them", file=sys.stderr)
        return True
    layout = [line for line in golden if not line.startswith("symbol ")]
    if sorted(set(layouts(dwarf(compiler, frozen)))) != layout:
        print(f"the headers in {frozen} are not those of {path.name}: both stay as they were when {frozen.name} was released", file=sys.stderr)
        return True
    return bool(broken)


def main(compiler, include, library, folder, renew):
    now = sorted(set(layouts(dwarf(compiler, include)))) + sorted(symbols(library))
    if len(now) < 200:
        sys.exit(f"only {len(now)} lines were read from {include}: this check does not read them right")
    folder, (major, minor) = pathlib.Path(folder), version_of(include)
    path = folder / f"leat-{major}.{minor}.abi"
    earlier = [folder / f"leat-{major}.{of}.abi" for of in range(minor)]
    if renew:
        path.write_text("\n".join(now) + "\n")
        print(f"{path}: {len(now)} lines")
    missing = [of.name for of in earlier if not of.exists()]
    if missing:
        sys.exit(f"{folder} lacks {', '.join(missing)}")
    is_bad = check_now(now, path, f"{major}.{minor}")
    for of in earlier:
        is_bad |= check_earlier(now, of, compiler)
    if not is_bad:
        print(f"{len(now)} lines, all as in {path.name}; plugins of {', '.join(of.stem for of in earlier) or 'no earlier version'} go on working")
    return is_bad


arguments = [argument for argument in sys.argv[1:] if argument != "--renew"]
sys.exit(main(*arguments, "--renew" in sys.argv))
