"""Where real people click, and how a segmenter fares when they do.

The names below are the public face, `rclicks_jax.api`; everything else is private. They
are imported when they are first used: a worker in another environment imports
`rclicks_jax.bridge` without JAX. `docs/overview.md` shows the way to every module.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rclicks_jax.api import BenchmarkSettings as BenchmarkSettings
    from rclicks_jax.api import ClickExample as ClickExample
    from rclicks_jax.api import ClickModel as ClickModel
    from rclicks_jax.api import Dataset as Dataset
    from rclicks_jax.api import ErrorRegion as ErrorRegion
    from rclicks_jax.api import ImageExample as ImageExample
    from rclicks_jax.api import InstanceExample as InstanceExample
    from rclicks_jax.api import Problem as Problem
    from rclicks_jax.api import RClicksError as RClicksError
    from rclicks_jax.api import Run as Run
    from rclicks_jax.api import Segmenter as Segmenter
    from rclicks_jax.api import SegmenterSession as SegmenterSession
    from rclicks_jax.api import click_map as click_map
    from rclicks_jax.api import click_map_batch as click_map_batch
    from rclicks_jax.api import error_region as error_region
    from rclicks_jax.api import load_click_model as load_click_model
    from rclicks_jax.api import load_segmenter as load_segmenter
    from rclicks_jax.api import open_click_tasks as open_click_tasks
    from rclicks_jax.api import open_dataset as open_dataset
    from rclicks_jax.api import plot_clicks as plot_clicks
    from rclicks_jax.api import read_run as read_run
    from rclicks_jax.api import run_benchmark as run_benchmark
    from rclicks_jax.api import sample_clicks as sample_clicks

__version__ = "0.1.0"
__all__ = [
    "BenchmarkSettings",
    "ClickExample",
    "ClickModel",
    "Dataset",
    "ErrorRegion",
    "ImageExample",
    "InstanceExample",
    "Problem",
    "RClicksError",
    "Run",
    "Segmenter",
    "SegmenterSession",
    "click_map",
    "click_map_batch",
    "error_region",
    "load_click_model",
    "load_segmenter",
    "open_click_tasks",
    "open_dataset",
    "plot_clicks",
    "read_run",
    "run_benchmark",
    "sample_clicks",
]


# Type checkers see the imports above; with this they would take any name for one.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        # It needs JAX.
        from rclicks_jax import api

        return getattr(api, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
