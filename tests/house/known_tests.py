"""known_tests.py CTEST BUILD FOLDER=PROGRAM...: CTest runs each test that the programs list, and no other."""

import json
import os
import re
import subprocess
import sys


def lost_tests(known, listed):
    yield from (f"CTest does not know: {name}" for name in sorted(listed - known))
    yield from (f"no program has: {name}" for name in sorted(known - listed))


def listed_tests(folder, program):
    # Catch2's exit code of this is the number of tests.
    output = subprocess.run([program, "--list-test-names-only"], capture_output=True, text=True).stdout
    return {f"{folder}: {line}" for line in output.splitlines() if line}


def known_tests(ctest, build, programs):
    """By the name that CTest hands to the program, since a pattern that matches no test would pass."""
    output = subprocess.run([ctest, "--test-dir", build, "--show-only=json-v1"], capture_output=True, text=True, check=True)
    folders = {program: folder for folder, program in programs.items()}
    for test in json.loads(output.stdout)["tests"]:
        command = test.get("command", [""])
        if command[0] in folders:
            yield f"{folders[command[0]]}: " + re.sub(r"\\([,\[\]])", r"\1", command[1])
        elif test["name"].endswith("_NOT_BUILT"):
            yield test["name"]


def main(ctest, build, *pairs):
    programs = dict(pair.split("=", 1) for pair in pairs)
    if missing := [program for program in programs.values() if not os.path.exists(program)]:
        sys.exit(f"build all tests first; missing: {', '.join(missing)}")
    listed = set().union(*(listed_tests(*pair) for pair in programs.items()))
    if not listed:
        sys.exit("the programs list no tests")
    complaints = list(lost_tests(set(known_tests(ctest, build, programs)), listed))
    print(f"{len(listed)} tests", *complaints, sep="\n")
    sys.exit(1 if complaints else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
