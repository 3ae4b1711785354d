"""`rclicks-evaluate --compare_clicks`: two sets of people, without click models."""

from absl import flags
from rclicks_jax.launch import commands, defaults, evaluation_tables

from rclicks_jax import hosts
from rclicks_jax.config import EvaluateConfig
from rclicks_jax.evaluation import click_agreement, publishing
from rclicks_jax.results import publish

_COMPARED = flags.DEFINE_enum(
    "compare_clicks",
    None,
    list(click_agreement.COMPARED),
    "Two sets of real clicks on the same tasks, instead of click models: "
    + "; ".join(f"{k}: {text}" for k, text in click_agreement.COMPARED.items()),
)


def asked() -> str | None:
    """Returns which sets of people are compared with each other, if any."""
    return _COMPARED.value


def compare(compared: str, config: EvaluateConfig, workdir: str) -> int:
    """Compares two sets of people, and prints how alike; returns the exit status."""
    if not hosts.is_first():
        return 0
    made = publishing.agreement(
        compared, config.data, config.split, workdir, config.max_side
    )
    defaults.show(made.means)
    if evaluation_tables.AGAINST.value:
        publish.write_tables(workdir, [made.against_published])
        defaults.show(made.against_published)
    what = f"the tasks failed: see {workdir}/tasks.csv"
    return commands.status_of(made.failed_share, config.max_failed, what)
