"""A study on the sample photographs, for a look at what participants see."""

import importlib.util
import pathlib
import tempfile
from collections.abc import Callable, Sequence

from rclicks_jax import errors
from rclicks_jax.collection import actions
from rclicks_jax.collection.study import study_files
from rclicks_jax.collection.web import server

# A person sees each photograph once, so a demo is short.
_SETTINGS = (
    'study.title="Where would you click?"',
    'study.platforms=["open"]',
    "study.minutes=2",
    "study.per_person=8",
    'assignment.devices=["pc", "mobile", "tablet", "pen", "keyboard"]',
    "assignment.block=4",
    "assignment.clicks=1000",
    "practice.count=2",
    "control.count=0",
    "control.every=0",
    'display.modes=["Object_CutOut", "Silhouette_Mask", "Highlighted_Instance"]',
)


def run(
    folder: str,
    options: server.Options,
    click_models: Sequence[str],
    network: Callable[[], str],
) -> int:
    """Makes a study unless it is there, serves it, and shows what came out.

    Args:
        folder: Folder of the study; a new temporary one if empty.
        options: How it is served.
        click_models: Click models that the report compares with the clicks.
        network: Returns the folder of one more, or nothing. It is called after the
            server has ended, since it may import JAX.

    Returns:
        The exit status.
    """
    if importlib.util.find_spec("skimage") is None:
        raise errors.RClicksError(
            "The demo needs the sample photographs: "
            "pip install 'rclicks-jax[collect,sample]'"
        )
    path = pathlib.Path(folder or tempfile.mkdtemp(prefix="rclicks-demo-"))
    is_new = not (path / study_files.SETTINGS).exists()
    status = actions.init(
        str(path), "sample" if is_new else "", _SETTINGS if is_new else ()
    )
    if status:
        return status
    print(f"The demo's study is {path}.")
    server.serve(path, options)
    models = [*click_models, *filter(None, (network(),))]
    actions.write_report(str(path), "", models)
    print(f"rclicks-collect export --out={path}-clicks {path} writes the clicks.")
    return 0
