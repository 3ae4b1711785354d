"""What pages hold: blocks of code, links, anchors, words in backticks."""

import dataclasses
import pathlib
import re
import textwrap

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("datasets/*/*.md")]
)
# Modules whose docstrings show code.
MODULES = sorted(
    path
    for path in ROOT.glob("rclicks_jax/**/*.py")
    if re.search(r"^ +```", path.read_text(), re.MULTILINE)
)
# Of blocks of shell commands. In `console`, commands begin with `$`.
SHELL = ("bash", "console")
_FENCE = re.compile(r"\s*```(\w*)")
_REMARK = re.compile(r"<!-- (not run|file): (.+) -->")
_HEADING = re.compile(r"#{1,6} (.*)")
_LINK = re.compile(r"\]\(\s*<?([^)\s>]+)[^)]*\)|\b(?:src|href)=\"([^\"]+)\"")
_IN_CODE = re.compile(r"(`+)(.+?)\1", re.DOTALL)


@dataclasses.dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        page: Its page or module.
        line: Number of its first line.
        language: What stands behind the fence.
        code: All between the fences.
        remark: Kind of the comment in the line above: `not run`, `file`, or nothing.
        text: Why it is not run, or the name of the file.
    """

    page: pathlib.Path
    line: int
    language: str
    code: str
    remark: str
    text: str

    @property
    def place(self):
        return f"{name(self.page)}:{self.line}"


def name(page):
    return str(page.relative_to(ROOT))


def parts(text):
    """Splits a page into its lines outside of blocks, and its blocks.

    Returns:
        The lines, empty where a block is; and for each block its first line's number,
        its language, its lines and the line above it.
    """
    prose, blocks, opened = [], [], False
    for number, line in enumerate(text.splitlines(), 1):
        fence = _FENCE.match(line)
        if fence and not opened:
            above = prose[-1] if prose else ""
            blocks.append((number + 1, fence[1], [], above))
        elif opened and not fence:
            blocks[-1][2].append(line)
        opened ^= bool(fence)
        prose.append("" if opened or fence else line)
    assert not opened, "a block does not end"
    return prose, blocks


def blocks_of(page):
    found = []
    for line, language, lines, above in parts(page.read_text())[1]:
        remark = _REMARK.fullmatch(above.strip())
        kind, text = remark.groups() if remark else ("", "")
        code = textwrap.dedent("\n".join(lines) + "\n")
        found.append(Block(page, line, language, code, kind, text))
    return found


def write_file(page, folder):
    """Writes the file that a page of docs/ shows into a folder; returns its path."""
    blocks = blocks_of(ROOT / "docs" / page)
    (block,) = [block for block in blocks if block.remark == "file"]
    path = folder / block.text
    path.write_text(block.code)
    return path


def links_of(text):
    """Returns what a page links to, outside of code."""
    prose = _IN_CODE.sub("", "\n".join(parts(text)[0]))
    return [match[1] or match[2] for match in _LINK.finditer(prose)]


def anchors_of(text):
    """Returns the anchors of a page's headings, as GitHub and the site make them."""
    anchors = set()
    for line in parts(text)[0]:
        if heading := _HEADING.fullmatch(line):
            shown = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading[1]).strip()
            plain = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
            anchor, count = plain, 0
            while anchor in anchors:
                count += 1
                anchor = f"{plain}-{count}"
            anchors.add(anchor)
    return anchors


def words_in_code(text):
    """Returns what stands in backticks, outside of blocks."""
    prose = "\n".join(parts(text)[0])
    return [" ".join(match[2].split()) for match in _IN_CODE.finditer(prose)]
