"""Made-up records, and the tables' numbers by the paper's definitions, slowly.

Nothing here calls the project's metrics: a number is what loops over the rows say.
"""

import random
import statistics

from rclicks_jax.benchmark import records
from rclicks_jax.types import Trajectory

CLICKS = 20
IMAGES = 6
SECONDS = {"encode": 0.5, "predict": 1.25, "simulate": 0.25, "score": 2.0}
mean = statistics.fmean
deviation = statistics.pstdev


def _trajectory(draw, strategy, group=0, repeat=0, clicks=CLICKS):
    """Reaches 90 % at some click, exactly or with room, and may lose it again."""
    # Low groups take longer, so that groups differ by more than chance.
    slow = strategy == "group" and group < 4
    solved = draw.choice([13, 19, 20, 99] if slow else [1, 2, 3, 5, 8, 13, 19, 20, 99])
    found = Trajectory(strategy, group, repeat, [], [], [], [], [])
    for click in range(1, clicks + 1):
        # Of multiples of 100 pixels, whole percents are exact.
        union, edge = 100 * draw.randint(3, 12), 100 * draw.randint(1, 4)
        percent = draw.choice([90, 90, 94, 97]) if click == solved else (
            draw.randint(40, 99) if click > solved else draw.randint(5, 89)
        )  # fmt: skip
        found.clicks.append((click, click, True))
        found.intersection.append(union // 100 * percent)
        found.union.append(union)
        found.boundary_intersection.append(edge // 100 * draw.randint(0, 100))
        found.boundary_union.append(edge)
    return found


def image_records(dataset, *, objects, repeats, robot="", first_clicks=()):
    """Makes records of a dataset; one more object was skipped and one failed.

    Args:
        dataset: Its name.
        objects: That are ok; object `i` is on image `i % IMAGES`.
        repeats: Draws of each group.
        robot: A strategy beside the baseline.
        first_clicks: Of each object, how many users and how many samples.
    """
    draw = random.Random(dataset)
    rows = []
    for number in range(objects):
        tracks = [_trajectory(draw, "baseline")]
        tracks += [
            _trajectory(draw, "group", group, repeat)
            for group in range(1, 11)
            for repeat in range(repeats)
        ]
        tracks += [_trajectory(draw, robot)] if robot else []
        users, samples = first_clicks[number] if first_clicks else (0, 0)
        tracks += [_trajectory(draw, "user", one + 1, 0, 1) for one in range(users)]
        tracks += [
            _trajectory(draw, "sampled_user", one + 1, 0, 1) for one in range(samples)
        ]
        rows.append(
            records.InstanceRecord(
                f"{dataset}/{number:02}",
                "ok",
                area=draw.choice([500, 1023, 1024, 9215, 9216, 20_000]),
                input_device="mouse" if users else "",
                trajectories=tuple(tracks),
                category=draw.choice(["cat", "dog"]),
                image_pixels=100_000,
            )
        )
    rows.append(records.InstanceRecord(f"{dataset}/no", "skipped", "empty mask"))
    rows.append(records.InstanceRecord(f"{dataset}/bad", "failed", "no answer"))
    return [
        records.ImageRecord(dataset, f"photo{i}", 1, 1, SECONDS, tuple(rows[i::IMAGES]))
        for i in range(IMAGES)
    ]


def ok_rows(images):
    """Returns the objects that are ok, image by image."""
    return [row for image in images for row in image.instances if row.status == "ok"]


def of_strategy(row, strategy, repeat=0):
    return [t for t in row.trajectories if (t.strategy, t.repeat) == (strategy, repeat)]


def ious(track):
    """Returns IoU in percent after each click."""
    pairs = zip(track.intersection, track.union, strict=True)
    return [100 * both / either for both, either in pairs]


def boundary_ious(track):
    pairs = zip(track.boundary_intersection, track.boundary_union, strict=True)
    return [100 * both / either for both, either in pairs]


def noc(track, percent=90):
    """Returns the first click at which a threshold was reached, or the last."""
    for number in range(CLICKS):
        if 100 * track.intersection[number] >= percent * track.union[number]:
            return number + 1
    return CLICKS


def is_failure(track, protocol):
    for number in range(CLICKS):
        if 100 * track.intersection[number] >= 90 * track.union[number]:
            return number == CLICKS - 1 and protocol.nof_counts_last_click
    return True


def area_under(heights):
    """Returns the mean height of a curve by trapezoids."""
    steps = [(heights[i] + heights[i + 1]) / 2 for i in range(len(heights) - 1)]
    return sum(steps) / len(steps)


def change(value, reference):
    return 100 * (value - reference) / reference


def spreads(numbers, areas):
    """Returns what tells groups apart, of NoC and of IoU-AuC by group, G1 first."""
    return {
        "sample_noc_std": deviation(numbers),
        "delta_gr": change(numbers[0], numbers[9]),
        "delta_hh": mean(change(numbers[i], numbers[i + 5]) for i in range(5)),
        "sample_auc_std": deviation(areas),
        "nsr": 100 * deviation(areas) / mean(areas),
    }


def of_draw(row, protocol, repeat):
    """Returns the measures of one draw of every group of an object."""
    tracks = sorted(of_strategy(row, "group", repeat), key=lambda t: t.group)
    (robot,) = of_strategy(row, "baseline")
    numbers = [noc(track) for track in tracks]
    areas = [area_under(ious(track)) for track in tracks]
    return {
        "sample_noc": mean(numbers),
        "delta_sb": change(mean(numbers), noc(robot)),
        "sample_nof": 100 * mean(is_failure(track, protocol) for track in tracks),
        "sample_auc": mean(areas),
        "sample_boundary_auc": mean(area_under(boundary_ious(t)) for t in tracks),
        **spreads(numbers, areas),
    }


def of_object(row, protocol, repeats):
    """Returns every measure of an object that was played as the paper does."""
    (robot,) = of_strategy(row, "baseline")
    draws = [of_draw(row, protocol, repeat) for repeat in range(repeats)]
    found = {key: mean(draw[key] for draw in draws) for key in draws[0]}
    found["base_noc"] = noc(robot)
    found["base_nof"] = 100 * is_failure(robot, protocol)
    found["base_auc"] = area_under(ious(robot))
    return found | of_first_clicks(row)


def of_first_clicks(row):
    """Returns the measures of IoU after each first click alone."""
    found = {}
    for strategy, key in (("user", "user"), ("sampled_user", "sampled")):
        after = [ious(track)[0] for track in of_strategy(row, strategy)]
        if after:
            found[f"{key}_iou"] = mean(after)
            found[f"{key}_iou_std"] = deviation(after)
            # The original adds 1e-9 to the mean of fractions, over users alone.
            found[f"{key}_nsr"] = 100 * deviation(after) / (mean(after) + 100e-9)
    return found
