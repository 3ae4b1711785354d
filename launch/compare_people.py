"""`rclicks-evaluate --compare_clicks`: two sets of people, without click models."""

from absl import flags
from rclicks_jax.launch import defaults, evaluation_tables

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


def was_asked(config: EvaluateConfig, workdir: str) -> bool:
    """Compares two sets of people if that was asked; tells whether it was."""
    if _COMPARED.value and hosts.is_first():
        means, published = publishing.agreement(
            _COMPARED.value, config.data, config.split, workdir
        )
        defaults.show(means)
        if evaluation_tables.AGAINST.value:
            publish.write_tables(workdir, [published])
            defaults.show(published)
    return bool(_COMPARED.value)
