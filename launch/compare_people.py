"""`rclicks-evaluate --compare_clicks`: two sets of people, without click models."""

from absl import flags
from rclicks_jax.launch import endings, evaluation_tables, flag_helpers

from rclicks_jax.evaluation import choices
from rclicks_jax.settings.evaluation import EvaluateConfig

_COMPARED = flags.DEFINE_enum(
    "compare_clicks",
    None,
    list(choices.COMPARED),
    "Two sets of real clicks on the same tasks, instead of click models. "
    + "; ".join(f"{k}: {text}" for k, text in choices.COMPARED.items())
    + ".",
)


def sides() -> str | None:
    """Returns the name of the two sets of people that are compared; None for none."""
    return _COMPARED.value


def compare(compared: str, config: EvaluateConfig, workdir: str) -> int:
    """Compares two sets of people, and prints how alike; returns the exit status."""
    from rclicks_jax.evaluation import click_agreement, outputs
    from rclicks_jax.jobs import engine, store
    from rclicks_jax.reporting import table_files

    def show() -> None:
        folder = store.RunFolder(workdir)
        means, published = outputs.compare_people(folder)
        flag_helpers.show(means)
        if evaluation_tables.AGAINST.value:
            table_files.write_tables(folder.path, [published])
            flag_helpers.show(published)

    limits = engine.Limits(config.shard, config.max_failed)
    outcome = click_agreement.run(
        compared,
        config.data,
        config.split,
        workdir,
        max_side=config.max_side,
        limits=limits,
    )
    failures = f"the tasks failed: see {workdir}/tasks.csv"
    return endings.conclude(outcome, show, config.max_failed, failures)
