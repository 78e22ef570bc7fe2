"""check_tree.py ROOT RULE: applies one of the house's rules to the sources under ROOT; prints each breach."""

import sys

from rules import RULES, Tree


def main(root, wanted):
    rule = {rule.__name__: rule for rule in RULES}[wanted]
    tree = Tree(root)
    if not tree.sources(".cpp"):
        sys.exit(f"no sources under {root}")
    complaints = list(rule(tree))
    print(*complaints, sep="\n")
    sys.exit(f"{rule.__doc__}\n{len(complaints)} breaches" if complaints else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
