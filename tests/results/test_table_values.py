"""Every number of a run's tables and of the paper's, beside loops over its records."""

import math
import statistics

import numbers_by_hand as by_hand
import pytest

from rclicks_jax.metrics import intervals
from rclicks_jax.results import aggregate, comparison, paper_tables, tables
from rclicks_jax.settings import protocols

PAPER = protocols.PAPER
mean = statistics.fmean
# Users and samples of each object: some have one alone, or neither.
FIRST_CLICKS = [(3, 3), (0, 0), (2, 2), (4, 0), (0, 2), (1, 1), (5, 5), (2, 2)]
REPEATS = {"birds": 3, "cats": 1}
IMAGES = {
    "birds": by_hand.image_records(
        "birds", objects=8, repeats=3, first_clicks=FIRST_CLICKS
    ),
    "cats": by_hand.image_records("cats", objects=9, repeats=1, robot="random"),
}
ROWS = {name: by_hand.ok_rows(images) for name, images in IMAGES.items()}
EVERY = [
    "base_noc", "sample_noc", "sample_noc_std", "delta_sb", "delta_gr", "delta_hh",
    "base_nof", "sample_nof", "base_auc", "sample_auc", "sample_auc_std",
    "sample_boundary_auc", "nsr",
]  # fmt: skip
FIRST = [
    f"{of}_{what}" for of in ("user", "sampled") for what in ("iou", "iou_std", "nsr")
]
PARTED = [
    "base_noc", "sample_noc", "sample_noc_std", "delta_sb", "delta_gr", "base_auc",
    "sample_auc", "nsr",
]  # fmt: skip


@pytest.fixture(scope="module")
def results():
    return aggregate.collect(image for made in IMAGES.values() for image in made)


def by_dataset(results, protocol=PAPER):
    """Runs as comparisons take them."""
    return comparison.Run("mine", protocol, {one.dataset: one for one in results})


def objects(dataset, protocol=PAPER):
    """Returns the measures of each object by hand."""
    return [by_hand.of_object(row, protocol, REPEATS[dataset]) for row in ROWS[dataset]]


def same(found, expected):
    """Compares a cell with a number, whether it has an interval or not."""
    found = found.mean if isinstance(found, intervals.Interval) else found
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)


def same_means(row, of_objects, keys):
    for key in keys:
        known = [one[key] for one in of_objects if key in one]
        if known:
            same(row[key], mean(known))
        else:
            assert row.get(key) is None


def test_the_records_have_what_can_go_wrong():
    """Every kind of end there is, so that each rule of counting is put to the test."""
    tracks = [t for rows in ROWS.values() for row in rows for t in row.trajectories]
    whole = [track for track in tracks if len(track.union) == by_hand.CLICKS]
    exact = [t for t in whole if 10 * t.intersection[-1] == 9 * t.union[-1]]
    assert exact
    failures = {
        protocol.name: [by_hand.is_failure(track, protocol) for track in whole]
        for protocol in (PAPER, protocols.STRICT)
    }
    assert sum(failures["paper"]) > sum(failures["strict"]) > 0


@pytest.mark.parametrize("protocol", [PAPER, protocols.STRICT])
def test_summary(results, protocol):
    rows = tables.summary(results, protocol).rows
    assert [row["dataset"] for row in rows] == ["birds", "cats"]
    for row in rows:
        ok = len(ROWS[row["dataset"]])
        assert (row["ok"], row["skipped"], row["failed"]) == (ok, 1, 1)
        same_means(row, objects(row["dataset"], protocol), [*EVERY, *FIRST])


def strategies_of(dataset):
    """Returns the trajectories of each strategy, by what tables call it."""
    found = {}
    for row in ROWS[dataset]:
        for track in row.trajectories:
            label = f"G{track.group}" if track.strategy == "group" else track.strategy
            if label not in ("user", "sampled_user"):
                found.setdefault(label, []).append(track)
    return found


def test_noc_at_each_threshold(results):
    rows = {
        (r["dataset"], r["strategy"]): r for r in tables.thresholds(results, PAPER).rows
    }
    expected = {(d, s): t for d in ROWS for s, t in strategies_of(d).items()}
    assert set(rows) == set(expected)
    for key, tracks in expected.items():
        for percent in (80, 85, 90, 95):
            value = mean(by_hand.noc(track, percent) for track in tracks)
            same(rows[key][f"noc{percent}"], value)


def test_curves(results):
    rows = {
        (row["dataset"], row["strategy"], row["click"]): row
        for row in tables.curves(results, PAPER).rows
    }
    expected = {(d, s): t for d in ROWS for s, t in strategies_of(d).items()}
    assert len(rows) == by_hand.CLICKS * len(expected)
    for key, tracks in expected.items():
        for click in range(by_hand.CLICKS):
            row = rows[*key, click + 1]
            same(row["iou"], mean(by_hand.ious(track)[click] for track in tracks))
            edges = [by_hand.boundary_ious(track)[click] for track in tracks]
            same(row["boundary_iou"], mean(edges))


def with_both():
    """Returns the objects of `birds` that have users and samples."""
    return [
        row
        for row in ROWS["birds"]
        if by_hand.of_strategy(row, "user") and by_hand.of_strategy(row, "sampled_user")
    ]


def first_iou_of_the_robot(rows):
    robots = [by_hand.of_strategy(row, "baseline")[0] for row in rows]
    return mean(by_hand.ious(robot)[0] for robot in robots)


def test_users(results):
    (row,) = tables.users(results, PAPER).rows
    rows = with_both()
    assert len(rows) == 5
    assert (row["dataset"], row["input_device"]) == ("birds", "mouse")
    assert (row["objects"], row["of"]) == (5, 8)
    same_means(row, [by_hand.of_first_clicks(one) for one in rows], FIRST)
    same(row["base"], first_iou_of_the_robot(rows))


def test_instances(results):
    found = {row["instance_id"]: row for row in tables.instances(results, PAPER).rows}
    assert len(found) == sum(map(len, ROWS.values()))
    for dataset, images in IMAGES.items():
        for image in images:
            for one in by_hand.ok_rows([image]):
                row = found[one.instance_id]
                assert (row["image_id"], row["area"]) == (image.image_id, one.area)
                expected = by_hand.of_object(one, PAPER, REPEATS[dataset])
                for key in EVERY + FIRST:
                    # Where others have a number, one that is not defined is NaN.
                    same_or_unknown(row.get(key, math.nan), expected.get(key))


def same_or_unknown(found, expected):
    if expected is None:
        assert math.isnan(found)
    else:
        same(found, expected)


def size_of(row):
    return "small" if row.area < 1024 else "medium" if row.area < 9216 else "large"


def share_of(row):
    percent = 100 * row.area / row.image_pixels
    return "below 1 %" if percent < 1 else "1 to 10 %" if percent < 10 else "above 10 %"


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("size", size_of),
        ("share", share_of),
        ("category", lambda row: row.category),
    ],
)
def test_parts(results, name, part):
    (make,) = [made for made in tables.MAKERS if made.__name__ == f"by_{name}"]
    found = {(row["dataset"], row[name]): row for row in make(results, PAPER).rows}
    expected = {}
    for dataset, rows in ROWS.items():
        for row, of_object in zip(rows, objects(dataset), strict=True):
            expected.setdefault((dataset, part(row)), []).append(of_object)
    assert set(found) == set(expected)
    assert len({key for _, key in found}) > 1
    for key, of_objects in expected.items():
        assert found[key]["objects"] == len(of_objects)
        same_means(found[key], of_objects, PARTED)


def clicks_of_draws(row):
    """Returns the number of clicks of each group, G1 first, of each draw."""
    return [
        [
            by_hand.noc(track)
            for track in sorted(
                by_hand.of_strategy(row, "group", repeat), key=lambda t: t.group
            )
        ]
        for repeat in range(3)
    ]


def test_repeats(results):
    """Variances by the book: of draws with r - 1, of groups less what draws explain."""
    (row,) = tables.repeats(results, PAPER).rows
    assert (row["dataset"], row["repeats"]) == ("birds", 3)
    of_objects = [clicks_of_draws(one) for one in ROWS["birds"]]
    of_draws = [mean(mean(one[draw]) for one in of_objects) for draw in range(3)]
    same(row["mean"], mean(of_draws))
    same(row["error"], statistics.stdev(of_draws) / 3**0.5)
    within, between = [], []
    for one in of_objects:
        groups = list(zip(*one, strict=True))
        within += [statistics.variance(draws) for draws in groups]
        between.append(statistics.pvariance([mean(draws) for draws in groups]))
    same(row["draws"], mean(within) ** 0.5)
    # The mean of 10 groups takes a tenth of the chance with it.
    explained = mean(within) / 3 * 9 / 10
    assert mean(between) > explained
    same(row["groups"], (mean(between) - explained) ** 0.5)


def test_averaged_draws(results):
    rows = {row["measure"]: row for row in tables.averaged_draws(results, PAPER).rows}
    titles = {
        "± groups": "sample_noc_std", "ΔGR %": "delta_gr", "ΔHH %": "delta_hh",
        "± groups, AuC": "sample_auc_std", "NSR %": "nsr",
    }  # fmt: skip
    assert set(rows) == set(titles)
    averaged = []
    for one in ROWS["birds"]:
        clicks = [mean(draws) for draws in zip(*clicks_of_draws(one), strict=True)]
        areas = [
            mean(
                by_hand.area_under(by_hand.ious(track))
                for track in one.trajectories
                if (track.strategy, track.group) == ("group", group)
            )
            for group in range(1, 11)
        ]
        averaged.append(by_hand.spreads(clicks, areas))
    for title, key in titles.items():
        assert rows[title]["repeats"] == 3
        same(rows[title]["of_a_draw"], mean(one[key] for one in objects("birds")))
        same(rows[title]["of_averaged"], mean(one[key] for one in averaged))


def test_timing(results):
    for row in tables.timing(results, PAPER).rows:
        tracks = [t for one in ROWS[row["dataset"]] for t in one.trajectories]
        clicks = sum(len(track.clicks) for track in tracks)
        assert (row["encodes"], row["images"]) == (by_hand.IMAGES, by_hand.IMAGES)
        assert row["clicks"] == clicks
        for part, seconds in by_hand.SECONDS.items():
            same(row[part], 1000 * by_hand.IMAGES * seconds / clicks)


def mean_of(dataset, key):
    return mean(one[key] for one in objects(dataset))


def with_spread(value, spread):
    return f"{value:.2f} ± {spread:.2f}"


def cells(make, results, protocol=PAPER):
    """Returns the cells of each dataset of a table in the paper's form."""
    (row,) = make([by_dataset(results, protocol)]).rows
    assert row.pop("method") == "mine"
    found = {name: {} for name in ROWS}
    for key, cell in row.items():
        dataset, _, name = key.partition("_")
        found[dataset][name] = cell
    return found


def test_paper_tables_4_and_9(results):
    efficiency = cells(paper_tables.efficiency, results)
    for dataset, row in cells(paper_tables.noc, results).items():
        assert row["objects"] == len(ROWS[dataset])
        noc, spread = mean_of(dataset, "sample_noc"), mean_of(dataset, "sample_noc_std")
        assert row["sample_noc"] == with_spread(noc, spread)
        for key in ("base_noc", "delta_sb", "delta_gr", "delta_hh"):
            same(row[key], mean_of(dataset, key))
        shared = ("objects", "sample_noc", "delta_sb", "delta_gr")
        assert efficiency[dataset] == {key: row[key] for key in shared}


def differences(row, of_robot, of_draws):
    """Checks what is absolute: means over draws of each group, G1 first, as counted."""
    groups = [mean(draws) for draws in zip(*of_draws, strict=True)]
    same(row["base"], of_robot)
    same(row["delta_sb"], mean(groups) - of_robot)
    same(row["delta_gr"], groups[0] - groups[9])


def tracks_of_draws(dataset):
    """Returns, by draw and group, the trajectories of all objects."""
    return [
        [
            [
                track
                for row in ROWS[dataset]
                for track in by_hand.of_strategy(row, "group", repeat)
                if track.group == group
            ]
            for group in range(1, 11)
        ]
        for repeat in range(REPEATS[dataset])
    ]


@pytest.mark.parametrize("protocol", [PAPER, protocols.STRICT])
def test_paper_table_10(results, protocol):
    for dataset, row in cells(paper_tables.nof, results, protocol).items():

        def count(tracks):
            return sum(by_hand.is_failure(track, protocol) for track in tracks)

        assert row["objects"] == len(ROWS[dataset])
        draws = [list(map(count, draw)) for draw in tracks_of_draws(dataset)]
        differences(row, count(strategies_of(dataset)["baseline"]), draws)
        spread = mean(statistics.pstdev(draw) for draw in draws)
        assert row["sample"] == with_spread(mean(map(mean, draws)), spread)


def test_paper_table_11(results):
    def area(tracks):
        return mean(by_hand.area_under(by_hand.ious(track)) for track in tracks)

    for dataset, row in cells(paper_tables.iou_auc, results).items():
        assert row["objects"] == len(ROWS[dataset])
        draws = [list(map(area, draw)) for draw in tracks_of_draws(dataset)]
        differences(row, area(strategies_of(dataset)["baseline"]), draws)
        spread = mean_of(dataset, "sample_auc_std")
        assert row["sample"] == with_spread(mean(map(mean, draws)), spread)
        same(row["nsr"], mean_of(dataset, "nsr"))


def test_paper_table_12(results):
    found = cells(paper_tables.first_click, results)
    rows = with_both()
    of_objects = [by_hand.of_first_clicks(row) for row in rows]
    birds = found["birds"]
    assert birds["objects"] == 5
    for of in ("user", "sampled"):
        iou, spread, nsr = (
            mean(one[f"{of}_{what}"] for one in of_objects)
            for what in ("iou", "iou_std", "nsr")
        )
        assert birds[f"{of}_iou"] == with_spread(iou, spread)
        same(birds[f"{of}_nsr"], nsr)
    same(birds["base"], first_iou_of_the_robot(rows))
    # Where nobody clicked, the robot is of all objects.
    assert set(found["cats"]) == {"objects", "base"}
    assert found["cats"]["objects"] == 9
    same(found["cats"]["base"], first_iou_of_the_robot(ROWS["cats"]))
