"""The public face: what programs may rely on. Everything else is private.

    import rclicks_jax

    model = rclicks_jax.load_click_model("DT")
    click_map = rclicks_jax.click_map(model, image, target)

All names here are names of `rclicks_jax` as well, which imports them when they are
first used. Wrong values raise `RClicksError`, whose message says what is allowed.
"""

from rclicks_jax.api.benchmarks import BenchmarkSettings as BenchmarkSettings
from rclicks_jax.api.benchmarks import Run as Run
from rclicks_jax.api.benchmarks import read_run as read_run
from rclicks_jax.api.benchmarks import run_benchmark as run_benchmark
from rclicks_jax.api.click_maps import ClickModel as ClickModel
from rclicks_jax.api.click_maps import ErrorRegion as ErrorRegion
from rclicks_jax.api.click_maps import click_map as click_map
from rclicks_jax.api.click_maps import click_map_batch as click_map_batch
from rclicks_jax.api.click_maps import error_region as error_region
from rclicks_jax.api.click_maps import load_click_model as load_click_model
from rclicks_jax.api.click_maps import sample_clicks as sample_clicks
from rclicks_jax.api.datasets import ClickExample as ClickExample
from rclicks_jax.api.datasets import Dataset as Dataset
from rclicks_jax.api.datasets import ImageExample as ImageExample
from rclicks_jax.api.datasets import InstanceExample as InstanceExample
from rclicks_jax.api.datasets import Problem as Problem
from rclicks_jax.api.datasets import open_click_tasks as open_click_tasks
from rclicks_jax.api.datasets import open_dataset as open_dataset
from rclicks_jax.api.segmenters import Segmenter as Segmenter
from rclicks_jax.api.segmenters import SegmenterSession as SegmenterSession
from rclicks_jax.api.segmenters import load_segmenter as load_segmenter
from rclicks_jax.clicks.plots import plot_clicks as plot_clicks
from rclicks_jax.errors import RClicksError as RClicksError
