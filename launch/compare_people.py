"""`rclicks-evaluate --compare_clicks`: two sets of people, without click models."""

from absl import flags
from rclicks_jax.launch import commands, defaults, evaluation_tables

from rclicks_jax.config import EvaluateConfig
from rclicks_jax.evaluation import choices

_COMPARED = flags.DEFINE_enum(
    "compare_clicks",
    None,
    list(choices.COMPARED),
    "Two sets of real clicks on the same tasks, instead of click models. "
    + "; ".join(f"{k}: {text}" for k, text in choices.COMPARED.items())
    + ".",
)


def asked() -> str | None:
    """Returns which sets of people are compared with each other, if any."""
    return _COMPARED.value


def compare(compared: str, config: EvaluateConfig, workdir: str) -> int:
    """Compares two sets of people, and prints how alike; returns the exit status."""
    from rclicks_jax import hosts
    from rclicks_jax.evaluation import publishing
    from rclicks_jax.results import publish

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
