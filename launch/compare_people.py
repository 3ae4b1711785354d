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
    from rclicks_jax.evaluation import click_agreement, publishing
    from rclicks_jax.jobs import engine, store
    from rclicks_jax.results import publish

    def show() -> None:
        folder = store.RunFolder(workdir)
        means, published = publishing.of_people(folder)
        defaults.show(means)
        if evaluation_tables.AGAINST.value:
            publish.write_tables(folder.path, [published])
            defaults.show(published)

    limits = engine.Limits(config.shard, config.max_failed)
    outcome = click_agreement.run(
        compared,
        config.data,
        config.split,
        workdir,
        max_side=config.max_side,
        limits=limits,
    )
    what = f"the tasks failed: see {workdir}/tasks.csv"
    return commands.concluded(outcome, show, config.max_failed, what)
