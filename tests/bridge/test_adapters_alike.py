"""An adapter sees and may do the same in this process and in a worker."""

import os
import sys
import warnings

import numpy as np
import pytest

from rclicks_jax import errors
from rclicks_jax.segmenters import load
from rclicks_jax.types import Clicks

WAYS = pytest.mark.parametrize("way", ["{}", "bridge:adapter={}:timeout=60"])
SHAPE = (12, 16)
# Every mask is the pixels that were clicked.
BASE = """
import os, sys
import numpy as np
def load(options): return options
def encode(model, image): return image.shape[:2]
def predict(model, shape, clicks, state):
    masks = np.zeros((len(clicks.count), *shape), bool)
    for mask, yx, n in zip(masks, clicks.yx, clicks.count):
        mask[tuple(yx[:n].T)] = True
    return masks, state
plain = predict
"""


def clicks_of(count, trajectories=2):
    yx = np.array([[[1, 2], [3, 4], [5, 6]], [[7, 8], [9, 9], [0, 0]]], np.int32)
    positive = np.ones((trajectories, 3), bool)
    counts = np.full(trajectories, count, np.int32)
    return Clicks(yx[:trajectories], positive, counts)


def image_of():
    return np.full((*SHAPE, 3), 50, np.uint8)


@pytest.fixture
def opened(tmp_path):
    """Loads an adapter that is BASE and more code, in one of the ways."""
    kept = []

    def open_one(way, code, name="mine", folder="here"):
        path = tmp_path / folder / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(BASE + code)
        kept.append(load.load(way.format(path)))
        return kept[-1]

    yield open_one
    for one in kept:
        one.close()


def areas(segmenter, rounds=3, image=None):
    """Returns the areas of two trajectories' masks after each click."""
    features = segmenter.encode(image_of() if image is None else image)
    session = segmenter.start(features, [np.ones(SHAPE, bool)] * 2)
    masks = [session.predict(np.arange(2), clicks_of(n + 1)) for n in range(rounds)]
    return [each.sum(axis=(1, 2)).tolist() for each in masks]


RIGHT = [[1, 1], [2, 2], [3, 3]]


@WAYS
@pytest.mark.parametrize(
    "code",
    [
        # Needs the module in sys.modules; the annotations make dataclasses look there.
        "import dataclasses\n"
        "import __future__\n"
        "text = 'import dataclasses\\n@dataclasses.dataclass\\nclass T:\\n    x: int'\n"
        "flags = __future__.annotations.compiler_flag\n"
        "exec(compile(text, 'x', 'exec', flags), globals())\n",
        "import pickle\nclass One: pass\npickle.loads(pickle.dumps(One()))\n"
        "def load(options): return pickle.loads(pickle.dumps(One()))\n",
        "assert __name__ in sys.modules\n",
    ],
)
def test_its_module_is_known(opened, way, code):
    assert areas(opened(way, code)) == RIGHT


@WAYS
def test_two_adapters_have_each_their_own_neighbours(opened, tmp_path, way):
    for folder, value in (("one", 1), ("two", 2)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "neighbour.py").write_text(f"VALUE = {value}\n")
    code = (
        "import neighbour\n"
        "def predict(*a):\n"
        "    import neighbour as again\n"
        "    masks, state = plain(*a)\n"
        "    masks[:] = neighbour.VALUE == again.VALUE == 2\n"
        "    return masks, state\n"
    )
    one, two = (opened(way, code, folder=folder) for folder in ("one", "two"))
    assert [areas(each, 1) for each in (one, two, one)] == [
        [[0, 0]],
        [[192, 192]],
        [[0, 0]],
    ]
    assert "neighbour" not in sys.modules
    assert not [path for path in sys.path if path.startswith(str(tmp_path))]


@WAYS
@pytest.mark.parametrize(
    ("where", "line"),
    [
        ("encode(model, image)", "image[:] = 0"),
        ("predict(model, f, clicks, state)", "clicks.yx[:] = 0"),
        ("predict(model, f, clicks, state)", "clicks.count[:] = 1"),
    ],
)
@pytest.mark.parametrize("large", [False, True])
def test_what_it_is_given_can_only_be_read(opened, way, where, line, large):
    segmenter = opened(way, f"def {where}:\n    {line}\n")
    image = np.full((200, 300, 3), 50, np.uint8) if large else image_of()
    told = rf"read-only\n.*mine\.py:\d+, in .*{line[:5]}[\s\S]*change a copy"
    with pytest.raises(errors.SegmenterError, match=told):
        areas(segmenter, image=image)
    assert (image == 50).all()


def test_what_a_library_writes_past_numpy_does_not_reach_the_photograph(opened):
    code = (
        "import ctypes\n"
        "def encode(model, image):\n"
        "    ctypes.memset(image.ctypes.data, 0, image.nbytes)\n"
        "    return image.shape[:2]\n"
    )
    image = image_of()
    assert areas(opened("{}", code), image=image) == RIGHT
    assert (image == 50).all()


@WAYS
@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "return masks",
            r"returned an array of shape \(2, 12, 16\) instead of \(masks, ",
        ),
        (
            "return masks, state, 3",
            r"returned a tuple of 3 instead of \(masks, state\)",
        ),
        ("return None", r"returned None instead of \(masks, state\)"),
        ("yield masks, state", "returned a value of type generator instead of"),
        ("return (m for m in masks), state", "returned object instead of bool"),
        ("return [[10**30]], state", "returned object instead of bool"),
        ("return [[1, 2], [3]], state", "returned a list of 2 that is not an array"),
        ("return masks.astype('f2'), state", "returned float16 instead of bool"),
        ("return masks.astype('u1'), state", "returned uint8 instead of bool"),
        ("return masks[:1], state", r"shape \(1, 12, 16\) instead of \(2, 12, 16\)"),
        (
            "raise ValueError('no way')",
            r"ValueError: no way\n +.*mine.py:\d+, in predict",
        ),
        ("sys.exit(0)", "failed: SystemExit: 0\n"),
        ("raise MemoryError('too large')", "failed: MemoryError: too large\n"),
        (
            "raise RuntimeError('RESOURCE_EXHAUSTED: 9 GB')",
            "Error: RESOURCE_EXHAUSTED: 9",
        ),
        ("raise RuntimeError('CUDA out of memory')", "CUDA out of memory"),
        ("raise Stop('enough')", "failed: Stop: enough"),
        ("raise Mute()", r"failed: Mute: its message cannot be shown \(KeyError\)"),
        (r"raise ValueError('\ud800\x1b[31m')", r"ValueError: \\ud800\\x1b\[31m\n"),
        ("raise ValueError('z' * 50_000_000)", r"z\.\.\. \(50000000 characters\)"),
        ("predict(model, shape, clicks, state)", "failed: RecursionError: "),
    ],
)
def test_what_goes_wrong_is_told_in_the_same_words(opened, way, code, message):
    kinds = (
        "class Stop(BaseException): pass\n"
        "class Mute(Exception):\n"
        "    def __str__(self): return {}['']\n"
    )
    body = f"    masks, state = plain(model, shape, clicks, state)\n    {code}\n"
    code = f"{kinds}def predict(model, shape, clicks, state):\n{body}"
    segmenter = opened(way, code)
    with pytest.raises(
        errors.SegmenterError, match=rf"predict of mine\.py .*{message}"
    ):
        areas(segmenter)
    with pytest.raises(errors.SegmenterError) as again:
        areas(segmenter)
    assert len(str(again.value)) < 8000
    str(again.value).encode()


@WAYS
@pytest.mark.parametrize(
    ("threshold", "factor", "message"),
    [
        (
            "0.5",
            "4",
            "returned float32 from 0 to 4 instead of probabilities.*LOGITS = T",
        ),
        ("0.5", "-4", "returned float32 from -4 to -?0 instead of probabilities"),
        ("0.5", "np.nan", "returned NaN instead of probabilities"),
        ("'0.5'", "1", "has a THRESHOLD of '0.5': it must be a number"),
    ],
)
def test_probabilities_are_checked(opened, way, threshold, factor, message):
    code = (
        f"THRESHOLD = {threshold}\n"
        "def predict(*a):\n"
        "    masks, state = plain(*a)\n"
        f"    return masks.astype('f4') * np.float32({factor}), state\n"
    )
    with pytest.raises(errors.SegmenterError, match=message):
        areas(opened(way, code))


@WAYS
@pytest.mark.parametrize("kind", ["f2", "f8", ">f8", "i4"])
def test_probabilities_come_as_single_precision(opened, way, kind):
    code = (
        "THRESHOLD = 0.5\n"
        "def predict(*a):\n"
        f"    masks, state = plain(*a)\n    return masks.astype({kind!r}), state\n"
    )
    segmenter = opened(way, code)
    session = segmenter.start(segmenter.encode(image_of()), [np.ones(SHAPE, bool)] * 2)
    masks, soft = session.predict_with_probabilities(np.arange(2), clicks_of(2))
    assert soft.dtype == np.float32
    np.testing.assert_array_equal(soft, masks)
    assert masks.sum() == 4


@WAYS
def test_a_mask_of_other_bytes_counts_as_one(opened, way):
    code = (
        "def predict(*a):\n"
        "    masks, state = plain(*a)\n"
        "    return (masks.astype('u1') * 255).view(bool), state\n"
    )
    assert areas(opened(way, code)) == RIGHT


@WAYS
def test_an_answer_stays_when_its_memory_is_used_again(opened, way):
    code = (
        f"KEPT = np.zeros((2, *{SHAPE}), bool)\n"
        "def predict(*a):\n"
        "    masks, state = plain(*a)\n    KEPT[:] = masks\n    return KEPT, state\n"
    )
    assert areas(opened(way, code)) == RIGHT


@WAYS
@pytest.mark.parametrize(
    ("state", "message"),
    [
        (
            "{'round': 3}",
            r"2 trajectories, of which 1 go on, but state\['round'\] is of",
        ),
        (
            "[masks[0], masks[1]]",
            r"but state\[0\] has shape \(12, 16\): a state is None",
        ),
        ("{'a': (np.zeros(()),)}", r"but state\['a'\]\[0\] has shape \(\)"),
    ],
)
def test_a_state_without_rows_is_told_when_they_are_needed(opened, way, state, message):
    code = f"def predict(*a):\n    masks, _ = plain(*a)\n    return masks, {state}\n"
    segmenter = opened(way, code)
    session = segmenter.start(segmenter.encode(image_of()), [np.ones(SHAPE, bool)] * 2)
    session.predict(np.arange(2), clicks_of(1))
    with pytest.raises(
        errors.SegmenterError, match=rf"returned a state for .*{message}"
    ):
        session.predict(np.arange(1), clicks_of(2, 1))


def test_an_interrupt_interrupts(opened):
    segmenter = opened("{}", "def encode(*a): raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        segmenter.encode(image_of())


def surroundings():
    return {
        "folder": os.getcwd(),
        "environment": dict(os.environ),
        "path": list(sys.path),
        "argv": list(sys.argv),
        "errors": np.geterr(),
        "printing": np.get_printoptions(),
        "filters": list(warnings.filters),
        "recursion": sys.getrecursionlimit(),
        "streams": [sys.stdin, sys.stdout, sys.stderr],
        "modules": {
            name: sys.modules.get(name) for name in ("json", "colorsys", "cv2")
        },
    }


@WAYS
def test_what_it_changes_is_its_own_and_lasts(opened, tmp_path, way, capfd):
    import colorsys  # noqa: F401

    code = (
        "import warnings\n"
        "def load(options):\n"
        f"    os.chdir({str(tmp_path)!r})\n"
        "    os.environ['RCLICKS_TRIED'] = 'yes'\n"
        "    sys.path.append('/no/such'); sys.argv[:] = ['x']\n"
        "    np.seterr(all='raise'); np.set_printoptions(precision=2)\n"
        "    warnings.simplefilter('error'); sys.setrecursionlimit(1234)\n"
        "    sys.modules.pop('colorsys', None); sys.stdout.close(); os.close(1)\n"
        "def predict(*a):\n"
        f"    assert os.getcwd() == {str(tmp_path)!r}\n"
        "    assert os.environ['RCLICKS_TRIED'] == 'yes' and '/no/such' in sys.path\n"
        "    assert sys.argv == ['x'] and sys.getrecursionlimit() == 1234\n"
        "    assert np.geterr()['divide'] == 'raise'\n"
        "    assert 'colorsys' not in sys.modules\n"
        "    assert np.get_printoptions()['precision'] == 2\n"
        "    try: warnings.warn('an error now')\n"
        "    except UserWarning: return plain(*a)\n"
    )
    before = surroundings()
    assert areas(opened(way, code)) == RIGHT
    assert surroundings() == before
    print("still here", flush=True)
    assert "still here" in capfd.readouterr().out


@WAYS
def test_it_asks_in_vain_and_what_it_prints_is_kept(opened, way, capfd):
    code = (
        "import subprocess\n"
        "def load(options):\n"
        "    print('300 keys are missing')\n"
        "    subprocess.run(['echo', 'from a program'])\n"
        "    assert sys.stdin.read() == ''\n"
        "    assert subprocess.run(['cat'], capture_output=True).stdout == b''\n"
        "def predict(*a):\n"
        "    print('answered', flush=True)\n    return plain(*a)\n"
    )
    segmenter = opened(way, code)
    assert segmenter.printed == "300 keys are missing\nfrom a program"
    assert areas(segmenter) == RIGHT
    shown = capfd.readouterr()
    assert shown.out == ""
    assert "300 keys are missing\nfrom a program\n" in shown.err


# JAX warns of any fork of a process in which it was imported.
@pytest.mark.filterwarnings("ignore:os.fork")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@WAYS
@pytest.mark.parametrize("where", ["", "def load(options): ", "def encode(m, image): "])
def test_a_copy_of_the_process_does_not_go_on_as_it(opened, tmp_path, way, where):
    log = tmp_path / "log"
    last = "; return image.shape[:2]" if "encode" in where else ""
    code = (
        f"{where}os.fork(){last}\n"
        "def predict(*a):\n"
        f"    with open({str(log)!r}, 'a') as file: print(os.getpid(), file=file)\n"
        "    return plain(*a)\n"
    )
    assert areas(opened(way, code)) == RIGHT
    assert len(set(log.read_text().split())) == 1
    assert len(log.read_text().split()) == 3


def test_leaving_the_process_is_a_failure_of_the_call(opened):
    segmenter = opened("{}", "def predict(*a): os._exit(0)\n")
    with pytest.raises(errors.SegmenterError, match=r"SystemExit: os\._exit\(0\)"):
        areas(segmenter)


@pytest.mark.parametrize(
    ("way", "told"),
    [
        ("{}", r"bridge:adapter=FILE\.py:python=/path/to/env/bin/python"),
        ("bridge:adapter={}", "has no module no_torch"),
    ],
)
@pytest.mark.parametrize("where", ["", "def load(options): "])
def test_a_missing_package_says_where_else_to_run(opened, way, told, where):
    with pytest.raises(errors.SegmenterError, match=f"no_torch[\\s\\S]*{told}"):
        opened(way, f"{where}import no_torch\n")
