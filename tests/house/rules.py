"""The house's rules about sources: each takes a Tree and yields a complaint, "path:line: what is wrong", per breach."""

import re
import shutil
import subprocess
from pathlib import Path

CORE = ["base", "models", "hardware_profiles", "plan", "sim", "exec", "timeline", "tools"]
# Who may include whom, beside itself: the arrows of the design. Tests see everything.
ARROWS = {
    "base": set(),
    "models": {"base"},
    "hardware_profiles": {"models", "base"},
    "plan": {"hardware_profiles", "models", "base"},
    "sim": {"plan", "hardware_profiles", "models", "base"},
    "exec": {"plan", "hardware_profiles", "models", "base"},
    "timeline": {"plan", "hardware_profiles", "models", "base"},
    "tools": set(CORE),
    "tests": set(CORE),
}
TEXT = {".cpp", ".hpp", ".py", ".sh", ".cmake", ".txt", ".yaml", ".json", ".md", ""}
FILE_LINES_MAX = 300
FUNCTION_LINES_MAX = 70
# First folders of absolute paths that sources may name: the system's, made-up ones, and our own behind a prefix.
NAMED_PATHS = {"dev", "proc", "sys", "etc", "usr", "bin", "tmp", "no", "somewhere", "docs", "tandem", *ARROWS}
MADE_UP_PATHS = ("/home/someone",)
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
TEST_NAME = re.compile(r'^\s*(?:TEST_CASE|SCENARIO|TEMPLATE_TEST_CASE)\s*\(\s*((?:"(?:[^"\\]|\\.)*"\s*)+)', re.M)
ABSOLUTE = re.compile(r"""(?:^|(?<=[\s"'`(=]))/([A-Za-z_]+)/[\w.]+""")
UPWARD = re.compile(r"(?<![\w.])(?:\.\./)+[\w./-]*")


class Tree:
    """The text files under `root`, hidden folders and build folders left out."""

    def __init__(self, root):
        self.root = Path(root).resolve()
        self.files = {}
        for path in sorted(self.root.rglob("*")):
            parts = path.relative_to(self.root).parts
            if any(part[0] == "." or part.startswith(("build", "__pycache__")) for part in parts):
                continue
            if path.is_file() and path.suffix in TEXT:
                self.files["/".join(parts)] = path.read_text(encoding="utf-8")

    def sources(self, *suffixes):
        return {name: text for name, text in self.files.items() if name.endswith(suffixes)}


def lines_of(files):
    for name, text in files.items():
        for number, line in enumerate(text.splitlines(), 1):
            yield name, number, line


def arrows(tree):
    """Includes start at the root, name files that are there, and obey the arrows."""
    for name, number, line in lines_of(tree.sources(".cpp", ".hpp")):
        if not (match := INCLUDE.match(line)):
            continue
        folder, (mark, target) = name.split("/")[0], match.groups()
        wanted = target.split("/")[0]
        where = f"{name}:{number}"
        if ".." in target.split("/"):
            yield f"{where}: an include goes upwards: {target}"
        elif mark == "<" and wanted in ARROWS and "/" in target:
            yield f"{where}: <{target}> is ours: use quotes"
        elif mark == "<":
            continue
        elif folder not in ARROWS:
            yield f"{where}: the folder {folder} has no arrows"
        elif target not in tree.files:
            yield f"{where}: no such file from the root: {target}"
        elif wanted != folder and wanted not in ARROWS[folder]:
            yield f"{where}: {folder} may not include {target}"


def yaml_library(tree):
    """yaml-cpp stays inside the YAML reader of base, whose nodes are its own."""
    for name, number, line in lines_of(tree.sources(".cpp", ".hpp")):
        include = INCLUDE.match(line)
        reader = name.startswith("base/yaml") and name.endswith(".cpp")
        if not reader and (include and include[2].startswith("yaml-cpp/") or "YAML::" in line):
            yield f"{name}:{number}: yaml-cpp outside base's YAML reader"
        if "YAML::Node" in line or "YAML::Load" in line:
            yield f"{name}:{number}: YAML::Node loses positions and accepts duplicates"


def json_library(tree):
    """nlohmann's full header costs 1.7 s: headers take json_fwd.hpp."""
    for name, number, line in lines_of(tree.sources(".hpp")):
        include = INCLUDE.match(line)
        if include and include[2].startswith("nlohmann/") and include[2] != "nlohmann/json_fwd.hpp":
            yield f"{name}:{number}: {include[2]} in a header"


def header_heads(tree):
    """A header starts with #pragma once and a comment that says what it is."""
    for name, text in tree.sources(".hpp").items():
        head = text.split("\n", 2)
        if head[0] != "#pragma once":
            yield f"{name}:1: want #pragma once"
        elif len(head) < 2 or not re.match(r"// \S+ \S+", head[1]):
            yield f"{name}:2: want a comment that says what the header is"


def file_lengths(tree):
    """A file of the core can be read in one sitting."""
    for name, text in tree.sources(".cpp", ".hpp").items():
        if name.split("/")[0] in CORE and (count := len(text.splitlines())) > FILE_LINES_MAX:
            yield f"{name}:{count}: {count} lines, more than {FILE_LINES_MAX}"


def function_lengths(tree):
    """No function scrolls; skipped without Universal Ctags."""
    if not has_ctags():
        return
    names = [name for name in tree.sources(".cpp", ".hpp") if name.split("/")[0] in CORE]
    command = ["ctags", "--language-force=C++", "--kinds-C++=f", "--fields=+ne", "--sort=no", "-f", "-", "-L", "-"]
    listed = subprocess.run(command, input="\n".join(names), cwd=tree.root, capture_output=True, text=True, check=True)
    for row in listed.stdout.splitlines():
        fields = row.split("\t")
        marks = dict(field.split(":", 1) for field in fields[3:] if ":" in field)
        length = int(marks.get("end", 0)) - int(marks.get("line", 0)) + 1
        if length > FUNCTION_LINES_MAX:
            yield f"{fields[1]}:{marks['line']}: {fields[0]} has {length} lines, more than {FUNCTION_LINES_MAX}"


def has_ctags():
    program = shutil.which("ctags")
    return program and "Universal" in subprocess.run([program, "--version"], capture_output=True, text=True).stdout


def tabs(tree):
    """Sources have no tabs."""
    for name, number, line in lines_of(tree.files):
        if "\t" in line:
            yield f"{name}:{number}: a tab"


def outside_paths(tree):
    """Nothing names a place outside the project, but for the system's own and made-up ones."""
    for name, number, line in lines_of(tree.files):
        for match in ABSOLUTE.finditer(line):
            path = match[0]
            if match[1] not in NAMED_PATHS and not path.startswith(MADE_UP_PATHS):
                yield f"{name}:{number}: a path outside the project: {path}"
        bare = re.sub(r'"[^"$]*"', '""', line) if name.endswith((".cpp", ".py")) else line
        for match in UPWARD.finditer(bare):
            target = (tree.root / name).parent / match[0]
            if not target.exists() or not target.resolve().is_relative_to(tree.root):
                yield f"{name}:{number}: a path that leads nowhere in the project: {match[0]}"


def test_names(tree):
    """CTest would lose a test in silence: CMake splits names at a semicolon, and joins them behind an open bracket."""
    for name, text in tree.sources(".cpp").items():
        for match in TEST_NAME.finditer(text):
            title = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', match[1]))
            where = f"{name}:{text.count(chr(10), 0, match.start()) + 1}"
            depth = 0
            for character in title:
                depth += {"[": 1, "]": -1}.get(character, 0)
                if depth < 0:
                    break
            if depth != 0:
                yield f"{where}: unbalanced brackets in a test's name: {title}"
            if ";" in title:
                yield f"{where}: a semicolon in a test's name: {title}"


RULES = [arrows, yaml_library, json_library, header_heads, file_lengths, function_lengths, tabs, outside_paths, test_names]
