"""A page as its elements, for tests of what it holds."""

import html.parser

VOID = {"meta", "input", "br", "img", "link", "hr"}


class Element:
    """An element: its tag, attributes, and the text inside it."""

    def __init__(self, tag, attributes, parent):
        self.tag, self.attributes, self.parent = tag, attributes, parent
        self.text, self.children = "", []

    def __getitem__(self, name):
        return self.attributes.get(name)

    def inside(self, tag):
        """Returns the elements of a tag below this one, in order."""
        found = []
        for child in self.children:
            found += [child] if child.tag == tag else []
            found += child.inside(tag)
        return found


class _Parser(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.root = self.at = Element("", {}, None)

    def handle_starttag(self, tag, attrs):
        made = Element(tag, dict(attrs), self.at)
        self.at.children.append(made)
        if tag not in VOID:
            self.at = made

    def handle_startendtag(self, tag, attrs):
        self.at.children.append(Element(tag, dict(attrs), self.at))

    def handle_endtag(self, tag):
        assert tag == self.at.tag, f"</{tag}> closes <{self.at.tag}>"
        self.at = self.at.parent

    def handle_data(self, data):
        one = self.at
        while one is not None:
            one.text += data
            one = one.parent


def parse(page):
    """Returns the root of a page; elements must be closed in order."""
    parser = _Parser()
    parser.feed(page)
    assert parser.at is parser.root, f"<{parser.at.tag}> is not closed"
    return parser.root


def check(page):
    """Asserts what holds for every page; returns its root.

    Ids are unique and what points to one finds it; pictures, charts and inputs say what
    they are; tables' headings can be pressed; nothing is fetched.
    """
    root = parse(page)
    every = [one for tag in _tags(root) for one in root.inside(tag)]
    ids = [one["id"] for one in every if one["id"]]
    assert len(ids) == len(set(ids)), sorted({x for x in ids if ids.count(x) > 1})
    for one in every:
        for name in ("href", "xlink:href", "src"):
            target = one[name]
            if target and target.startswith("#"):
                assert target[1:] in ids, target
            elif target:
                assert target.startswith("data:image/"), target[:60]
        for name in (one["aria-labelledby"] or "").split():
            assert name in ids, name
        if one.tag == "img":
            assert one["alt"]
        if one.tag == "input":
            assert one["aria-label"]
        if one.tag == "svg":
            said = one["aria-label"] or one["aria-labelledby"]
            assert one["aria-hidden"] == "true" or (one["role"] == "img" and said)
    for table in root.inside("table"):
        if table["class"] == "sortable":
            for head in table.inside("thead")[0].inside("th"):
                assert head["aria-sort"] == "none"
                assert head.inside("button")
    page.encode()
    return root


def _tags(root):
    found = set()
    for child in root.children:
        found |= {child.tag} | _tags(child)
    return found
