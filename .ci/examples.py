"""Lists the public items of the library and the emulator that have no example.

An item is a type, a constant, a function or a method that is declared `pub`. `unreachable_pub` is
a lint of the workspace, so that `pub` means public. An example is a code block in the item's own
documentation that compiles. The example of a type also covers what it calls: `new`, constants, and
getters, which are methods whose only argument is `self`.
"""

import re
import sys
from pathlib import Path

ITEM = re.compile(r"( *)pub (?:const |async )*(fn|struct|enum|const|type|trait) (\w+)(.*)")
IMPL = re.compile(r"impl(?:<[^>]*>)? (?:(\w+)(?:<[^>]*>)?) \{|impl.* for ")
# Code blocks with one of these attributes are not examples.
NO_EXAMPLE = {"text", "json", "toml", "sh", "console", "ignore", "yaml", "yml"}

# Files whose public items are hidden from the documentation.
HIDDEN = {"fuzzing.rs", "cli.rs"}


def examples(lines):
    """Returns the code blocks of a doc comment that are Rust."""
    code = []
    block = None
    for line in lines:
        if line.startswith("```"):
            if block is None:
                block = []
                attributes = set(re.split(r"[ ,]+", line[3:].strip()))
            else:
                if not attributes & NO_EXAMPLE:
                    code.append("\n".join(block))
                block = None
        elif block is not None:
            block.append(line)
    return code


def without_tests(text):
    at = text.find("#[cfg(test)]\nmod ")
    return text if at < 0 else text[:at]


def items(path):
    """Yields line, kind, owner, name, rest of the line, and examples of each public item."""
    docs = []
    owner = None
    for number, line in enumerate(without_tests(path.read_text()).split("\n"), 1):
        stripped = line.strip()
        if stripped.startswith("///"):
            docs.append(stripped[3:].removeprefix(" "))
            continue
        if stripped.startswith(("#[", "//")):
            continue
        if line.startswith("impl"):
            match = IMPL.match(line)
            owner = match.group(1) if match else None
        elif line.startswith("}"):
            owner = None
        match = ITEM.match(line)
        if match:
            indent, kind, name, rest = match.groups()
            yield number, kind, owner if indent else None, name, rest, examples(docs)
        docs = []


def main():
    found = []
    of_types = {}
    for root in ("src", "tests/emulator/src"):
        for path in sorted(Path(root).rglob("*.rs")):
            if path.name in HIDDEN:
                continue
            for number, kind, owner, name, rest, code in items(path):
                found.append((path, number, kind, owner, name, rest, code))
                if kind in ("struct", "enum"):
                    of_types[root, name] = "\n".join(code)
    missing = 0
    for path, number, kind, owner, name, rest, code in found:
        root = "src" if path.parts[0] == "src" else "tests/emulator/src"
        is_getter = kind == "fn" and rest.startswith(("(&self)", "(self)"))
        if owner and (is_getter or kind == "const" or name == "new"):
            call = rf"(\.|::){name}\b"
            if re.search(call, of_types.get((root, owner), "")):
                continue
        if not code:
            full = f"{owner}::{name}" if owner else name
            print(f"{path}:{number}: no example: {kind} {full}")
            missing += 1
    print(f"{len(found)} public items, {missing} without an example")
    return missing != 0


sys.exit(main())
