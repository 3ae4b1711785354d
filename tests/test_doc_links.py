"""Links of the documentation lead to files and to headings that are there."""

import pathlib
import re

import doc_pages
import pytest


def broken(page, text, root=doc_pages.ROOT):
    """Returns the links of a page, relative ones, that lead nowhere."""
    found = []
    for link in doc_pages.links_of(text):
        if "://" in link or link.startswith("mailto:"):
            continue
        place, _, anchor = link.partition("#")
        target = (page.parent / place).resolve() if place else page
        if not (target.is_relative_to(root) and target.exists()):
            found.append(link)
        elif anchor:
            of_target = text if target == page else target.read_text()
            if anchor not in doc_pages.anchors_of(of_target):
                found.append(link)
    return found


@pytest.mark.parametrize("page", doc_pages.PAGES, ids=doc_pages.name)
def test_links_lead_somewhere(page):
    assert broken(page, page.read_text()) == []


def test_what_leads_nowhere_is_found(tmp_path):
    (tmp_path / "other.md").write_text("# ΔSB, and `code`\n## Twice\n## Twice\n")
    page = tmp_path / "page.md"
    good = "[a](other.md#δsb-and-code) [b](other.md#twice-1) [c](#here) [d](https://e)"
    bad = '[a](other.md#twice-2) [b](none.md) [c](#there)\n<img src="none.png">'
    beyond = f"[d](../{pathlib.Path(__file__).name})"
    in_code = "`[a](b)`\n```text\n[c](d)\n# There\n```\n"
    text = f"# Here\n{good}\n{bad}\n{beyond}\n{in_code}"
    page.write_text(text)
    assert broken(page, text, tmp_path) == [
        "other.md#twice-2",
        "none.md",
        "#there",
        "none.png",
        f"../{pathlib.Path(__file__).name}",
    ]


def test_every_page_is_in_the_navigation_of_the_site():
    text = (doc_pages.ROOT / "mkdocs.yml").read_text()
    named = set(re.findall(r"^ +- (?:.+: )?(\S+\.md)$", text, re.MULTILINE))
    docs = doc_pages.ROOT / "docs"
    pages = {str(page.relative_to(docs)) for page in docs.glob("**/*.md")}
    notebooks = {f"{notebook.stem}.md" for notebook in docs.glob("*.ipynb")}
    of_root = {"index.md", "CHANGELOG.md", "CONTRIBUTING.md"}
    assert named == pages | notebooks | of_root
