"""Runs further tests against the survivors of cargo-mutants, and prints a table.

mutants.py FOLDER MODULE=FILTERS... where FOLDER/MODULE/mutants.out is the output of cargo-mutants,
FOLDER/tree the copy of the repository, and FILTERS those of `cargo test --test it`.
"""

import json
import pathlib
import subprocess
import sys

HEAD = ["module", "ran", "unit tests", "`it`", "examples", "timeouts", "unviable", "missed"]


def judge(tree, change, filters):
    """Returns the tests that fail with a change: `it`, or the examples in the documentation."""
    patch = ["patch", "--quiet", "--strip=0", f"--input={change['diff']}"]
    subprocess.run(patch, cwd=tree, check=True)
    try:
        verdict = judge_it(tree, filters)
        has_examples = "/// ```\n" in (tree / change["file"]).read_text()
        if verdict == "missed" and has_examples and examples_fail(tree, change["file"]):
            return "examples"
        return verdict
    finally:
        subprocess.run([*patch, "--reverse"], cwd=tree, check=True)


def examples_fail(tree, file):
    """Runs the examples in the documentation of a file."""
    command = ["timeout", "180", "cargo", "test", "--quiet", "--doc", "--", file]
    result = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
    return "test result: FAILED" in result.stdout


def judge_it(tree, filters):
    """Returns `it` if an integration test fails, or else `missed` or `timeout`."""
    command = ["cargo", "test", "--quiet", "--test=it"]
    null = subprocess.DEVNULL
    # A failed build is no failed test.
    subprocess.run([*command, "--no-run"], cwd=tree, stderr=null, check=True)
    # One by one, since most changes fail the tests that are named first.
    for tests in filters:
        run = ["timeout", "180", *command, "--", tests]
        status = subprocess.run(run, cwd=tree, stdout=null, stderr=null, check=False).returncode
        if status != 0:
            return "timeout" if status == 124 else "it"
    return "missed"


def main():
    folder = pathlib.Path(sys.argv[1])
    survivors = []
    rows = []
    for argument in sys.argv[2:]:
        module, filters = argument.split("=", 1)
        output = folder / module / "mutants.out"
        outcomes = [
            outcome
            for outcome in json.loads((output / "outcomes.json").read_text())["outcomes"]
            if outcome["scenario"] != "Baseline"
        ]
        if judge_it(folder / "tree", filters.split()) != "missed":
            sys.exit(f"{module}: tests fail without a change")
        counts = {"it": 0, "examples": 0, "timeout": 0, "missed": 0}
        for outcome in outcomes:
            if outcome["summary"] != "MissedMutant":
                continue
            mutant = outcome["scenario"]["Mutant"]
            name = mutant["name"]
            change = {"file": mutant["file"], "diff": output / outcome["diff_path"]}
            verdict = judge(folder / "tree", change, filters.split())
            print(verdict, name, file=sys.stderr)
            counts[verdict] += 1
            if verdict == "missed":
                survivors.append(name)
        summaries = [outcome["summary"] for outcome in outcomes]
        rows.append(
            [
                module,
                len(summaries),
                summaries.count("CaughtMutant"),
                counts["it"],
                counts["examples"],
                summaries.count("Timeout") + counts["timeout"],
                summaries.count("Unviable"),
                counts["missed"],
            ]
        )
    total = [sum(column) for column in list(zip(*rows))[1:]]
    print("| " + " | ".join(HEAD) + " |")
    print("| --- " + "| ---: " * (len(HEAD) - 1) + "|")
    for row in [*rows, ["all", *total]]:
        print("| " + " | ".join(map(str, row)) + " |")
    viable = total[0] - total[5]
    if viable:
        print(f"\n{100 * (viable - total[6]) / viable:.1f} % of {viable} are detected.")
    for name in survivors:
        print(name)


main()
