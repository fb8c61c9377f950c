"""What ``docs/requirements.md`` says is built, held against what the tests cite.

``python -m tests.architecture.requirements`` lists what does not agree and exits with 1;
with ``--write`` it first sets the column *built* to ``yes`` for what is cited and to ``not yet``
for the rest. ``part`` is set by hand, for what is cited and not yet whole, and stays.
"""

import re
import sys
from collections.abc import Iterator

from tests.architecture.sources import ROOT, marked

PAGE = ROOT / "docs" / "requirements.md"
ROW = re.compile(r"^\| (?P<id>[A-Z]+-?\w+) \| (?P<text>.+) \| (?P<built>yes|part|not yet) \|$")


def rows() -> Iterator[tuple[str, str, bool]]:
    """(ID, sentence, built at least in part) of each row, in the order of the page."""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        match = ROW.match(line)
        if match:
            yield match["id"], match["text"], match["built"] != "not yet"


def cited() -> dict[str, set[str]]:
    """ID -> the test files that cite it."""
    return marked("requirement")


def unknown() -> list[str]:
    """Cited IDs that the page does not have."""
    known = {id_ for id_, _, _ in rows()}
    return sorted(
        f"{id_} ({', '.join(sorted(files))})" for id_, files in cited().items() if id_ not in known
    )


def cited_but_not_yet() -> list[str]:
    citations = cited()
    return [id_ for id_, _, built in rows() if id_ in citations and not built]


def built_but_uncited() -> list[str]:
    citations = cited()
    return [id_ for id_, _, built in rows() if built and id_ not in citations]


def write() -> None:
    """Set the column by what the tests cite."""
    citations = cited()

    def said(line: str) -> str:
        match = ROW.match(line)
        if not match:
            return line
        built = "not yet"
        if match["id"] in citations:
            built = "part" if match["built"] == "part" else "yes"
        return f"| {match['id']} | {match['text']} | {built} |"

    lines = PAGE.read_text(encoding="utf-8").splitlines()
    PAGE.write_text("\n".join(map(said, lines)) + "\n", encoding="utf-8")


def main(arguments: list[str]) -> int:
    if "--write" in arguments:
        write()
    findings = {
        "Cited, but not on the page": unknown(),
        "Cited, but the page says not yet": cited_but_not_yet(),
        "The page says yes, but no test cites it": built_but_uncited(),
    }
    for title, ids in findings.items():
        print(f"{title}: {', '.join(ids) or 'none'}")
    built = sum(built for _, _, built in rows())
    print(f"{built} of {sum(1 for _ in rows())} requirements are built, whole or in part.")
    return 1 if any(findings.values()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
