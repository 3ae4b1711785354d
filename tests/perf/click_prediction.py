"""Times the metrics of click models beside the original's way of computing them.

    python tests/perf/click_prediction.py

The original's way is written here from the definitions: draws one set after another,
SciPy's linear programme for WD, a KS test point by point, all pairs for PL1.
"""

import time

import cv2
import numpy as np
import page
import timing
from scipy import ndimage, stats

from rclicks_jax.data import targets
from rclicks_jax.evaluation import click_metrics, task_scoring
from rclicks_jax.evaluation import records as task_records
from rclicks_jax.jobs import processes
from rclicks_jax.metrics import click_prediction as metrics

SHAPE, CLICKS, DRAWS, BATCH = (600, 800), 50, 100, 256
SIGMAS = (5.0, 20.0)


def region(shape, number):
    """An ellipse somewhere in the image; two of three have a bite taken out."""
    height, width = shape
    y, x = 0.3 + 0.4 * (number * 0.618 % 1), 0.3 + 0.4 * (number * 0.414 % 1)
    rows, columns = np.ogrid[:height, :width]
    distance = ((rows / height - y) / 0.22) ** 2 + ((columns / width - x) / 0.2) ** 2
    return (distance < 1) & ((columns / width - x > 0.08) | (number % 3 == 0))


def clicks_on(mask, number):
    """As many as people make: most well inside, where the distance is large."""
    random = np.random.default_rng(number)
    depth = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5)
    distribution = metrics.as_distribution(depth)
    return metrics.draw_clicks(distribution, 1, CLICKS, random)[0]


def five_of(job):
    return five(*job)


def five(click_map, clicks, box):
    distribution = metrics.as_distribution(click_map)
    random = np.random.Generator(np.random.Philox(0))
    drawn = metrics.draw_clicks(distribution, DRAWS, len(clicks), random)
    return (
        metrics.pl1(drawn, clicks, box),
        metrics.wd(drawn, clicks).mean() / np.hypot(*box),
        metrics.ks(drawn, clicks),
        metrics.nss(distribution, clicks),
        metrics.pde(distribution, clicks),
    )


def five_the_originals_way(click_map, clicks, box):
    """Each of PL1, WD and KS draws its own sets, from the flat probabilities."""
    distribution = click_map / click_map.sum()
    flat = distribution.ravel().astype(np.float64)
    flat /= flat.sum()

    def drawn():
        pixels = np.random.choice(flat.size, len(clicks), p=flat)
        return np.stack(np.unravel_index(pixels, distribution.shape), axis=-1)

    def pairs(first, second):
        offsets = [abs(one - second) / box for one in first]
        return np.mean([each.sum(axis=1).mean() for each in offsets])

    there = distribution[tuple(clicks.T)]
    return (
        np.mean([pairs(drawn(), clicks) for _ in range(DRAWS)]),
        np.mean([stats.wasserstein_distance_nd(drawn(), clicks) for _ in range(DRAWS)])
        / np.hypot(*box),
        np.mean([plain_ks(drawn(), clicks) > 0.05 for _ in range(DRAWS)]),
        ((there - distribution.mean()) / (distribution.std() + 1e-9)).mean(),
        there.mean(),
    )


def plain_ks(first, second):
    """The p-value of two sets, a corner after another."""

    def largest(corners, other):
        low = high = 0.0
        for y, x in corners:
            differences = []
            for above in (np.less_equal, np.greater):
                for side in (np.less_equal, np.greater):
                    shares = [
                        (above(points[:, 0], y) & side(points[:, 1], x)).mean()
                        for points in (corners, other)
                    ]
                    differences.append(shares[0] - shares[1])
            differences[0] -= 1 / len(corners)
            low, high = min(low, *differences), max(high, *differences)
        return max(-low, high + 1 / len(corners))

    statistic = (largest(first, second) + largest(second, first)) / 2
    r = [np.corrcoef(points.T)[0, 1] for points in (first, second)]
    size = np.sqrt(len(first) * len(second) / (len(first) + len(second)))
    shared = np.sqrt(1 - (r[0] ** 2 + r[1] ** 2) / 2)
    return stats.kstwobign.sf(statistic * size / (1 + shared * (0.25 - 0.75 / size)))


def one_task():
    """Rows: name, ours in ms, the original's in ms or None."""
    mask = region(SHAPE, 1)
    clicks, box = clicks_on(mask, 1), task_scoring.box_of(mask)
    smooth = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 20)
    ours, theirs = (
        five(smooth, clicks, box),
        five_the_originals_way(smooth, clicks, box),
    )
    assert np.allclose(ours, theirs, rtol=0.1, atol=0.05), (ours, theirs)
    what = f"{SHAPE[0]}x{SHAPE[1]} map, {CLICKS} clicks, {DRAWS} draws"
    peer = timing.median_ms(lambda: five_the_originals_way(smooth, clicks, box), 3)
    yield (
        f"the paper's five metrics, {what}",
        timing.median_ms(lambda: five(smooth, clicks, box), 15),
        peer,
    )
    truth = click_metrics.truth(clicks, box, mask, 1e-9)
    yield (
        "all eleven",
        timing.median_ms(lambda: click_metrics.measure(smooth, truth, DRAWS, (0,)), 15),
        None,
    )


def batch_of_tasks():
    small, whole = [], []
    for number in range(BATCH):
        mask = region(SHAPE, number)
        clicks, box = clicks_on(mask, number), task_scoring.box_of(mask)
        click_map = mask.astype(np.float32)
        small.append((click_map, clicks, box))
        maps, seeds = {"UD": click_map}, {"UD": (0, number)}
        task = task_scoring.TaskWithMaps(clicks, box, mask, maps, seeds, DRAWS, 1e-9)
        whole.append((task_records.TaskRecord("perf", str(number)), task))
    count = processes.cores()
    for name, function, jobs in (
        ("the five", five_of, small),
        ("all eleven", task_scoring.measure, whole),
    ):
        ends = [time.perf_counter() for _ in processes.results(function, jobs, count)]
        spent = 1000 * (ends[-1] - ends[0]) / (BATCH - 1)
        what = f"{name}, a task of {BATCH}, {count} processes that have started"
        yield what, spent, None


def click_maps():
    shape = (1500, 2000)
    mask = region(shape, 1).astype(np.float32)
    clicks = clicks_on(mask, 1)
    for sigma in SIGMAS:
        peer = timing.median_ms(lambda s=sigma: blurred_whole(clicks, mask, s), 3)
        ours = timing.median_ms(lambda s=sigma: targets.click_map(clicks, mask, s), 7)
        name = f"click map, {shape[0]}x{shape[1]}, {CLICKS} clicks, sigma {sigma:g}"
        yield name, ours, peer


def blurred_whole(clicks, mask, sigma):
    """Blurs the whole image of clicks, and the whole mask."""
    density = np.zeros(mask.shape, np.float32)
    np.add.at(density, tuple(clicks.T), 1)
    deviation = targets.sigma_pixels(sigma, mask.shape)
    size = int(np.ceil(7 * deviation)) | 1
    border = cv2.BORDER_CONSTANT
    blurred = cv2.GaussianBlur(density, (size, size), deviation, borderType=border)
    softened = ndimage.gaussian_filter(mask, targets.click_radius(mask.shape))
    return softened * (blurred / blurred.max())


def table():
    yield page.machine()
    yield ""
    yield "| what | ours, ms | the original's way, ms | ratio |"
    yield "|---|---:|---:|---:|"
    for part in (one_task, batch_of_tasks, click_maps):
        for name, ours, peer in part():
            compared = f"{peer:.0f} | {peer / ours:.0f}" if peer else "– | –"
            yield f"| {name} | {ours:.1f} | {compared} |"


def main():
    page.put("click prediction", page.printed(table()))


if __name__ == "__main__":
    main()
