"""Proves on a small made-up tree that each rule of the house can fail, and that a good tree passes them all."""

import os
import sys
import tempfile
from pathlib import Path

from known_tests import lost_tests
from rules import RULES, Tree, has_ctags

GOOD = {
    "base/error.hpp": "#pragma once\n// The kinds of error.\n",
    "base/yaml_parse.cpp": '#include <yaml-cpp/parser.h>\n#include "base/error.hpp"\nYAML::Parser parser;\n',
    "models/model.hpp": '#pragma once\n// A model graph.\n#include "base/error.hpp"\n',
    "plan/plan.hpp": '#pragma once\n// A plan file.\n#include "models/model.hpp"\n',
    "sim/simulate.hpp": '#pragma once\n// Virtual time.\n#include "plan/plan.hpp"\n',
    "exec/run.hpp": '#pragma once\n// Real time.\n#include "plan/plan.hpp"\n',
    "timeline/ride.hpp": '#pragma once\n// One ride.\n#include <nlohmann/json_fwd.hpp>\n',
    "tools/main.cpp": '#include "sim/simulate.hpp"\n#include "exec/run.hpp"\nint main() { return 0; }\n',
    "tools/console.hpp": "#pragma once\n// Where commands write.\n",
    "tests/sim/simulate.cpp": '#include "sim/simulate.hpp"\nTEST_CASE("a span [0, 3] lasts 3") {}\nconst char* p = "/dev/full";\n',
    "docs/map.md": "See [the tool](../tools/main.cpp).\n",
}
LONG_BODY = "".join(f"  step({i});\n" for i in range(70))

# (rule, file, what is added to it or stands in it): each breaks that rule, and only that one.
BREACHES = [
    ("arrows", "models/model.hpp", '#include "plan/plan.hpp"\n'),
    ("arrows", "sim/simulate.hpp", '#include "exec/run.hpp"\n'),
    ("arrows", "exec/run.hpp", '#include "sim/simulate.hpp"\n'),
    ("arrows", "timeline/ride.hpp", '#include "sim/simulate.hpp"\n'),
    ("arrows", "plan/plan.hpp", '#include "tools/console.hpp"\n'),
    ("arrows", "plan/plan.hpp", "#include <tools/console.hpp>\n"),
    ("arrows", "plan/plan.hpp", '#include "../models/model.hpp"\n'),
    ("arrows", "plan/plan.hpp", '#include "model.hpp"\n'),
    ("arrows", "attic/old.cpp", '#include "base/error.hpp"\n'),
    ("yaml_library", "models/model.hpp", "#include <yaml-cpp/yaml.h>\n"),
    ("yaml_library", "plan/plan.hpp", "void read(const YAML::Parser& parser);\n"),
    ("yaml_library", "base/yaml_parse.cpp", "YAML::Node node;\n"),
    ("json_library", "timeline/ride.hpp", "#include <nlohmann/json.hpp>\n"),
    ("header_heads", "base/id.hpp", "// An id.\n#pragma once\n"),
    ("header_heads", "base/id.hpp", "#pragma once\n\nenum class Id {};\n"),
    ("file_lengths", "plan/plan.hpp", "\n" * 300),
    ("function_lengths", "tools/main.cpp", "void walk() {\n" + LONG_BODY + "}\n"),
    ("tabs", "tools/main.cpp", "\tint x;\n"),
    ("tabs", "docs/map.md", "a\tb\n"),
    ("outside_paths", "tools/main.cpp", "// See /" + "elsewhere/notes.md.\n"),
    ("outside_paths", "docs/map.md", "See ../notes/design.md.\n"),
    ("outside_paths", "docs/map.md", "See ../../notes.md.\n"),
    ("test_names", "tests/sim/simulate.cpp", 'TEST_CASE("a bracket [ left open") {}\n'),
    ("test_names", "tests/sim/simulate.cpp", 'TEST_CASE("brackets ][ reversed") {}\n'),
    ("test_names", "tests/sim/simulate.cpp", 'TEST_CASE("first; "\n          "then") {}\n'),
]


def broken_rules(files):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = Path(folder) / name
            os.makedirs(path.parent, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        tree = Tree(folder)
        return {rule.__name__ for rule in RULES if list(rule(tree))}


def expect(what, got, want):
    if got != want:
        sys.exit(f"{what}: broke {sorted(got) or 'no rule'}, want {sorted(want) or 'none'}")


def main():
    expect("the good tree", broken_rules(GOOD), set())
    for rule, name, text in BREACHES:
        if rule == "function_lengths" and not has_ctags():
            continue
        expect(f"{name} with {text[:50]!r}", broken_rules({**GOOD, name: GOOD.get(name, "") + text}), {rule})
    untried = {rule.__name__ for rule in RULES} - {rule for rule, _, _ in BREACHES}
    expect("the rules that no breach tries", untried, set())
    expect("two tests that are known", set(lost_tests({"sim: a", "sim: b"}, {"sim: a", "sim: b"})), set())
    expect("a test that is lost", set(lost_tests({"sim: a"}, {"sim: a", "sim: b"})), {"CTest does not know: sim: b"})
    expect("a test that is not there", set(lost_tests({"sim: a"}, set())), {"no program has: sim: a"})


if __name__ == "__main__":
    main()
