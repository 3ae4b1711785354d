"""Every block of code in the documentation is run, or says why it is not.

CONTRIBUTING.md tells writers how. Blocks run page by page, in a folder that has the
files that pages show, a model folder and photographs.
"""

import json
import re
import shutil

import doc_commands
import doc_pages
import numpy as np
import pytest
from commands import command
from helpers import disk, make_folder
from started import SERVER

from rclicks_jax.collection.results import pace
from rclicks_jax.networks import cards, clickability
from rclicks_jax.settings import networks

BLOCKS = [
    block
    for page in (*doc_pages.PAGES, *doc_pages.MODULES)
    for block in doc_pages.blocks_of(page)
]
SHELL = [block for block in BLOCKS if block.language in doc_pages.SHELL]
RUN = [
    block
    for block in BLOCKS
    if block.language in ("python", *doc_pages.SHELL) and block.remark != "not run"
]
# Languages of what is no program.
DATA = {"text", "json", "toml", "yaml"}
FLAG = re.compile(r"(?<![\w-])--([a-z][a-z0-9_]*(?:\.[a-z0-9_]+)?)(?![\w.])")
FOREIGN = re.compile(r"(pip|git|python|pytest|docker)\b|\S+\.py ")
COMMAND = re.compile(r"\s*(\$ |rclicks-|make |pip |python |git )")
SECONDS = re.compile(r" +\d+\.\d\d s\b")
# Flags of every command.
ALWAYS = {"help", "version"}


def unsettled(block):
    """Returns why a block could not be told to be run or not."""
    if block.language in DATA:
        lines = block.code.splitlines()
        hidden = [line for line in lines if COMMAND.match(line)]
        return f"these are commands: {hidden}" if hidden else ""
    if block.language not in ("python", *doc_pages.SHELL):
        return f"language {block.language!r}"
    if block.language == "console" and not block.code.startswith("$ "):
        return "a console block begins with $"
    if block.remark == "not run":
        return "" if len(block.text.split()) > 2 else "the reason is too short"
    if block.language == "python":
        return ""
    words = [words for words, _ in doc_commands.commands_of(block) if words]
    others = [each[0] for each in words if not each[0].startswith(doc_commands.PREFIX)]
    return f"only rclicks commands can be run, not {others}" if others else ""


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.place)
def test_a_block_is_run_or_says_why_not(block):
    assert unsettled(block) == ""


def test_a_block_that_is_neither_is_found():
    page = doc_pages.ROOT / "page.md"

    def block(language, code, remark="", text=""):
        return doc_pages.Block(page, 1, language, code, remark, text)

    assert unsettled(block("", "x\n"))
    assert unsettled(block("text", "rclicks-train --workdir=a\n"))
    assert unsettled(block("bash", "git clone x\n"))
    assert unsettled(block("bash", "rclicks-train\n", "not run", "slow"))
    assert not unsettled(block("bash", "rclicks-train\n", "not run", "takes an hour"))
    assert not unsettled(block("bash", "rclicks-train\n"))


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """A folder that has what the pages talk of."""
    folder = tmp_path_factory.mktemp("pages")
    network = networks.network("nano")
    card = cards.Card(network, 64, 5.0, "nothing", "untrained", {"sim": 0.5})
    for name in ("models/clickability", "runs/clickability/model"):
        cards.save(folder / name, clickability.init_variables(network, 3), card)
    make_folder(folder / "DIR")
    kept = doc_pages.ROOT / "tests/golden/run_folders/format2/benchmark_paper"
    shutil.copytree(kept, folder / "RUN")
    people = [pace.Times(name, 2.5, (1.5,), 1.0, "pc") for name in ("a", "b", "c")]
    (folder / "EXPORT").mkdir()
    content = pace.summary(people, "people", "live")
    (folder / "EXPORT" / "pace.json").write_text(json.dumps(content))
    for block in BLOCKS:
        if block.remark == "file":
            (folder / block.text).write_text(block.code)
    return folder


@pytest.fixture
def names():
    """What a page's Python may name: an image and an object in it."""
    image = np.random.default_rng(0).integers(0, 255, (40, 50, 3), dtype=np.uint8)
    return {"__name__": "page", "image": image, "target": disk((40, 50), (20, 15), 9)}


@pytest.mark.parametrize(
    "page", sorted({block.page for block in RUN}), ids=doc_pages.name
)
def test_blocks_run(page, stage, names, monkeypatch):
    monkeypatch.chdir(stage)
    for block in [block for block in RUN if block.page == page]:
        if block.language == "python":
            # Line numbers of an error are those of the page.
            code = "\n" * (block.line - 1) + block.code
            exec(compile(code, str(page), "exec"), names)
            continue
        for words, printed in doc_commands.commands_of(block):
            program, *arguments = words
            name = program.removeprefix(doc_commands.PREFIX).replace("-", "_")
            said = command(name, *arguments)
            if printed:
                assert SECONDS.sub("", said.strip()) == SECONDS.sub("", printed.strip())
    if page.name == "README.md":
        check_readme(names)


def check_readme(names):
    """Makes sure that the README's Python gives what the page says."""
    click_map, target = names["click_map"], names["target"]
    assert (click_map.shape, click_map.dtype) == (target.shape, np.float32)
    assert names["clicks_yx"].shape == (20, 2)
    assert target[tuple(names["clicks_yx"].T)].all()


@pytest.fixture(scope="module")
def shown():
    """Commands of ours that are shown and not run: place, program and arguments."""
    found = [(path.name, *words) for words, path in doc_commands.examples_of_help()]
    assert len(found) > 15
    for block in [block for block in SHELL if block not in RUN]:
        for words, _ in doc_commands.commands_of(block):
            if own := doc_commands.own(words):
                found.append((block.place, *own))
    return found


@pytest.fixture(scope="module")
def checked(shown, stage, tmp_path_factory):
    """What `problems_of` says, by program; a process for each."""
    nothing = tmp_path_factory.mktemp("nothing")
    by_program = {program: [] for program in doc_commands.programs()}
    for place, program, *arguments in shown:
        folder = nothing if place.endswith(".py") else stage
        by_program[program].append((folder, arguments))
    with SERVER.Pool(2, maxtasksperchild=1) as pool:
        told = pool.starmap(doc_commands.problems_of, by_program.items(), chunksize=1)
    return dict(zip(by_program, told, strict=True))


def test_what_commands_name_is_known(shown, checked):
    told = {program: iter(problems) for program, (problems, _) in checked.items()}
    wrong = [
        f"{place}: {problem}"
        for place, program, *_ in shown
        if (problem := next(told[program]))
    ]
    assert wrong == []


def test_flags_in_backticks_exist(checked):
    known = {name for _, names in checked.values() for name in names} | ALWAYS
    wrong = [
        f"{doc_pages.name(page)}: --{flag}"
        for page in doc_pages.PAGES
        # The changelog names flags of before.
        if page.name != "CHANGELOG.md"
        for words in doc_pages.words_in_code(page.read_text())
        for flag in FLAG.findall(words)
        if not (FOREIGN.match(words) or known & {flag, flag.removeprefix("no")})
    ]
    assert wrong == []


def test_a_command_that_cannot_be_is_found(stage):
    bad = [
        ["--workdir=a", "--no_such_flag"],
        ["--workdir=a", "--config=no_such_variant"],
        ["--workdir=a", "--config.no_such_setting=1"],
        ["--workdir=a", "--config.groups=0"],
        ["--workdir=a", "--data=NoSuchData:DIR"],
        ["--workdir=a", "--segmenter=no_such_segmenter"],
        ["--workdir=a", "--segmenter=ritm:no_such_option=1:checkpoint=a:checkout=b"],
        ["--workdir=a", "--click_model=XX"],
        ["--config=tiny"],
    ]
    good = ["--workdir=a", "--config=tiny", "--segmenter=brightness.py:tolerance=3"]
    with SERVER.Pool(1) as pool:
        several = [(stage, arguments) for arguments in (*bad, good)]
        job = ("rclicks-benchmark", several)
        *problems, nothing = pool.apply(doc_commands.problems_of, job)[0]
    assert all(problems), problems
    assert nothing == ""


@pytest.mark.parametrize("block", SHELL, ids=lambda block: block.place)
def test_what_is_around_our_commands_exists(block):
    for words, _ in doc_commands.commands_of(block):
        if words and doc_commands.own(words) != words:
            assert not doc_commands.problem_of(words)
