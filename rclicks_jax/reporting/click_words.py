"""What pages call the clicks of a run, which are people's only where people clicked."""

from collections.abc import Mapping
from typing import Any, NamedTuple

SYNTHETIC = "synthetic"
_SAMPLE = "sample"
# Click models that are formulas.
_RULES = ("UD", "DT")


class ClickWords(NamedTuple):
    """Words for the clicks that a click model simulates.

    Attributes:
        name: Of the click model; empty if no group was played.
        phrase: Names the clicks, as in "under ...".
        expects: Begins a sentence that says where clicks are expected.
        explained: What clicking groups are.
    """

    name: str
    phrase: str
    expects: str
    explained: str


def of_run(described: Mapping[str, Any]) -> ClickWords:
    """Returns the words for a run.

    Args:
        described: What it recorded of its click model; empty if it used none.
    """
    if not described:
        return ClickWords("", "the clicks of robots", "", "")
    name = model_name(described)
    short = name.partition(" (")[0]
    expected = "a click model of people" if learnt(described) else short
    explained = (
        "Clicking groups click elsewhere: each group of G1 to G10 holds a tenth of the "
        f"clicks that {expected} expects, from unlikely places (G1) to the likeliest "
        "(G10)."
    )
    phrase = f"simulated clicks of {name}"
    return ClickWords(name, phrase, f"{short} expects", explained)


def model_name(described: Mapping[str, Any]) -> str:
    """Returns what a page calls a click model: how it is told from others."""
    name = str(described.get("name", ""))
    if name == "CM" and of_sample(described):
        network = described.get("variant", name)
        return f"the toy click model ({network}, trained on the sample dataset)"
    parts = [str(described[key]) for key in ("variant", "source") if key in described]
    if "sigma" in described:
        parts.append(f"sigma {described['sigma']:g}")
    if described.get("data"):
        parts.append(f"trained on {str(described['data']).partition(':')[0]}")
    return f"{name} ({', '.join(parts)})" if parts else name


def of_sample(described: Mapping[str, Any]) -> bool:
    """Tells whether a click model was trained on the sample dataset."""
    names = str(described.get("data", "")).partition(":")[0]
    return _SAMPLE in names.split(", ")


def learnt(described: Mapping[str, Any]) -> bool:
    """Tells whether a click model has learnt from clicks of people."""
    made_up = of_sample(described) or SYNTHETIC in str(described.get("data", ""))
    return described.get("name") == "CM" and not made_up


def warning(described: Mapping[str, Any], subject: str = "the click model") -> str:
    """Returns what a page warns of a click model; empty if nothing.

    Args:
        described: What a run recorded of it; empty if it used none.
        subject: What the sentence calls it.
    """
    if not described or learnt(described):
        return ""
    start = f"{subject[:1].upper()}{subject[1:]}"
    if described.get("name") in _RULES:
        return (
            f"{start} is {described['name']}, a rule: it has learnt nothing from "
            "people."
        )
    if described.get("name") != "CM":
        return f"{start} is {model_name(described)}: it has not learnt from clicks."
    if of_sample(described):
        return (
            f"{start} is a toy, a small network trained on synthetic clicks of the "
            "sample dataset: its numbers say nothing about people."
        )
    return no_claim(f"{subject} was trained on synthetic clicks")


def no_claim(reason: str) -> str:
    """Says that numbers tell nothing of people, and why."""
    return f"No claim about people can rest on this run: {reason}."
