"""Words for the clicks of a run in pages: only real clicks are called people's."""

from typing import NamedTuple

from rclicks_jax.types import JsonObject

SYNTHETIC = "synthetic"
_SAMPLE = "sample"
# Click models that are formulas.
_RULES = ("UD", "DT")


class ClickWords(NamedTuple):
    """Words for the clicks that a click model simulates.

    Attributes:
        name: Name of the click model; empty if no group was played.
        phrase: Words for the clicks that fit after "under".
        expects: Beginning of a sentence about where clicks are expected.
        explained: Explanation of clicking groups.
    """

    name: str
    phrase: str
    expects: str
    explained: str


def of_run(described: JsonObject) -> ClickWords:
    """Returns the words for the clicks of a run.

    Args:
        described: Description of its click model; empty if the run used none.
    """
    if not described:
        return ClickWords("", "the clicks of robots", "", "")
    name = model_name(described)
    short = name.partition(" (")[0]
    expected = "a click model of people" if learnt(described) else short
    explained = (
        "Clicking groups click in different places: each of G1 to G10 has a tenth of "
        f"the clicks that {expected} expects, from unlikely places (G1) to the "
        "likeliest (G10)."
    )
    phrase = f"simulated clicks of {name}"
    return ClickWords(name, phrase, f"{short} expects", explained)


def model_name(described: JsonObject) -> str:
    """Returns the name of a click model in pages, with what identifies it."""
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


def of_sample(described: JsonObject) -> bool:
    """Tells whether a click model was trained on the sample dataset."""
    names = str(described.get("data", "")).partition(":")[0]
    return _SAMPLE in names.split(", ")


def learnt(described: JsonObject) -> bool:
    """Tells whether a click model has learnt from clicks of people."""
    synthetic = of_sample(described) or SYNTHETIC in str(described.get("data", ""))
    return described.get("name") == "CM" and not synthetic


def warning(described: JsonObject, subject: str = "the click model") -> str:
    """Returns the warning about a click model; empty if there is none.

    Args:
        described: Description of the click model; empty if the run used none.
        subject: Words for the click model in the sentence.
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
    """Returns the sentence that numbers say nothing about people, with the reason."""
    return f"The numbers of this run say nothing about people: {reason}."
