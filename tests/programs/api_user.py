# pyright: strict
"""A user's program that uses all of the public face; type checkers pass it as strict.

    python api_user.py WORKDIR

Prints what the click model DT and a simulated segmenter do on the sample dataset.
"""

import pathlib
import sys

import numpy as np
from numpy.typing import NDArray

import rclicks_jax
from rclicks_jax import BenchmarkSettings, ClickModel, Dataset, ImageExample, Run


def first_clicks(model: ClickModel, example: ImageExample) -> list[NDArray[np.int32]]:
    """Returns five first clicks on each object of an image, `i32[5 2]` each."""
    targets = [instance.gt_mask for instance in example.instances]
    images = [example.image] * len(targets)
    maps = rclicks_jax.click_map_batch(model, images, targets)
    return [
        rclicks_jax.sample_clicks(click_map, target, 5, group=10, seed=1)
        for click_map, target in zip(maps, targets, strict=True)
    ]


def later_click(model: ClickModel, example: ImageExample) -> tuple[int, int, bool]:
    """Returns the next click where the upper half of an object is segmented."""
    instance: rclicks_jax.InstanceExample = example.instances[0]
    previous_mask = instance.gt_mask.copy()
    previous_mask[int(np.argwhere(previous_mask).mean(axis=0)[0]) :] = False
    region: rclicks_jax.ErrorRegion = rclicks_jax.error_region(
        instance.gt_mask, previous_mask
    )
    click_map = rclicks_jax.click_map(
        model, example.image, instance.gt_mask, previous_mask
    )
    ((y, x),) = rclicks_jax.sample_clicks(click_map, region.mask, 1)
    assert region.mask[y, x]
    return int(y), int(x), region.positive


def segment(example: ImageExample, y: int, x: int) -> NDArray[np.bool_]:
    """Returns the mask that answers a click."""
    segmenter: rclicks_jax.Segmenter
    with rclicks_jax.load_segmenter("oracle:after=1") as segmenter:
        session: rclicks_jax.SegmenterSession = segmenter.start(
            example.image, example.instances[0].gt_mask
        )
        mask = session.click(y, x, positive=True)
        session.close()
    return mask


def benchmark(workdir: pathlib.Path) -> Run:
    """Runs a small benchmark, and reads it again."""
    settings: BenchmarkSettings = {
        "split": "val",
        "segmenter": "noisy",
        "click_model": "DT",
        "groups": (10,),
        "max_images": 1,
        "pictures": 0,
    }
    run = rclicks_jax.run_benchmark(workdir, **settings)
    assert not run.stopped
    assert not run.left
    return rclicks_jax.read_run(run.folder)


def main() -> None:
    """Uses everything."""
    dataset: Dataset[ImageExample] = rclicks_jax.open_dataset("sample", split="val")
    problems: tuple[rclicks_jax.Problem, ...] = dataset.problems
    example = dataset[0]
    model = rclicks_jax.load_click_model("DT", batch=0)
    clicks = first_clicks(model, example)
    y, x, positive = later_click(model, example)
    mask = segment(example, y, x)
    figure = rclicks_jax.plot_clicks(example.image, clicks_yx=clicks[0])
    tasks: Dataset[rclicks_jax.ClickExample] = rclicks_jax.open_click_tasks("sample")
    print(
        figure.get_figwidth(),
        len(dataset),
        len(problems),
        len(clicks),
        positive,
        mask.sum(),
    )
    print(tasks[0].click_type, dataset.notes, [task.image_id for task in tasks][:1])
    run = benchmark(pathlib.Path(sys.argv[1]))
    print(run.counts["ok"], len(run.clicks()), list(run.tables()), run.problems())
    print(len(run.objects()), run.write_report())
    try:
        rclicks_jax.load_click_model("dt")
    except rclicks_jax.RClicksError as error:
        print(error)


if __name__ == "__main__":
    main()
