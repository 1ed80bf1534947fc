"""The documents name what exists: files, headings, commands, marts."""

import re
from pathlib import Path

import pytest
from publish.write_docs import PROJECT_FOLDER

FOLDERS = ("analyses", "data", "docs", "macros", "models", "scripts", "seeds", "tests")
DOCUMENTS = [
    *PROJECT_FOLDER.glob("*.md"),
    *(path for folder in FOLDERS for path in (PROJECT_FOLDER / folder).rglob("*.md")),
]
# the changelog names commands of before
OF_TODAY = [path for path in DOCUMENTS if path.name != "CHANGELOG.md"]

LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"^```.*?^```|`[^`\n]+`", re.MULTILINE | re.DOTALL)
MAKE = re.compile(r"\bmake ([a-z][a-z-]*)")
# a path with a folder of the project in front; <name> and ** stand for any name
PATH = re.compile(rf"(?<![\w./-])(?:{'|'.join(FOLDERS)})/[\w./*<>-]*")
# a file of others, which lies beside its mapping and is never committed
FILE_OF_OTHERS = re.compile(r"data/\w+/[\w.]+\.(?:csv|parquet|xlsx)")
NAME = re.compile(r"\b[a-z][a-z0-9]*(?:_[a-z0-9]+)+\b")
SOURCES = {".csv", ".in", ".j2", ".py", ".sql", ".yml"}
# what dependencies call their own
OF_OTHERS = {
    "add_expectation_configuration",
    "ignore_templated_areas",
    "rfm_data_orders",
    "server_side_parameters",
}


def name(path: Path) -> str:
    return path.relative_to(PROJECT_FOLDER).as_posix()


def code_of(path: Path) -> list[str]:
    """The code blocks and code spans of a document."""
    return CODE.findall(path.read_text("utf-8"))


def anchors_of(path: Path) -> set[str]:
    """The anchors of a document: its headings as GitHub names them, and its own ids."""
    text = path.read_text("utf-8")
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return slugs | set(re.findall(r'id="([^"]+)"', text))


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_links_lead_somewhere(document):
    broken = []
    for link in LINK.findall(document.read_text("utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = link.partition("#")
        path = (document.parent / target).resolve() if target else document
        if not path.exists() or (anchor and anchor not in anchors_of(path)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("document", OF_TODAY, ids=name)
def test_commands_and_paths_in_code_exist(document):
    makefile = (PROJECT_FOLDER / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))
    code = "\n".join(code_of(document))
    missing = {f"make {target}" for target in set(MAKE.findall(code)) - targets}
    for path in set(PATH.findall(code)):
        pattern = re.sub(r"<\w+>", "*", path).strip("/.")
        if not any(PROJECT_FOLDER.glob(pattern)) and not FILE_OF_OTHERS.fullmatch(path):
            missing.add(path)
    assert missing == set()


@pytest.fixture(scope="module")
def names_in_use() -> set[str]:
    """Every word of the project's sources, and the names of its files."""
    paths = [
        path
        for folder in FOLDERS
        for path in (PROJECT_FOLDER / folder).rglob("*")
        if path.suffix in SOURCES
    ]
    paths += [*PROJECT_FOLDER.glob("*.yml"), PROJECT_FOLDER / "pyproject.toml"]
    words = {path.stem for path in paths} | {path.parent.name for path in paths}
    return words.union(*(re.findall(r"\w+", path.read_text("utf-8")) for path in paths))


@pytest.mark.parametrize("document", OF_TODAY, ids=name)
def test_names_in_code_exist(document, names_in_use):
    spans = [code for code in code_of(document) if not code.startswith("```")]
    named = set(NAME.findall("\n".join(spans)))
    assert named - names_in_use - OF_OTHERS == set()


def test_every_mart_is_listed():
    marts = {path.stem for path in (PROJECT_FOLDER / "models" / "marts").rglob("*.sql")}
    readme = (PROJECT_FOLDER / "README.md").read_text("utf-8")
    section = readme.partition("\n## The marts\n")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| (\w+) \|", section, re.MULTILINE)) == marts | {"mart"}
    overview = (PROJECT_FOLDER / "models" / "overview.md").read_text("utf-8")
    [row] = [line for line in overview.splitlines() if line.startswith("| `marts` |")]
    assert set(re.findall(r"`(\w+)`", row)) == marts | {"marts"}


def test_the_example_stands_between_its_markers():
    text = (PROJECT_FOLDER / "README.md").read_text("utf-8")
    block = r"^<!-- example -->\n+(?:.+\n+)?```.*\n(?:(?!```).*\n)+```\n+<!-- /example -->$"
    assert len(re.findall(block, text, re.MULTILINE)) == 1
