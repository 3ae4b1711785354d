"""Messages of entry, consent, leaving and the end of a session."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from rclicks_jax.collection import words
from rclicks_jax.collection.messages import fields
from rclicks_jax.collection.messages.fields import DeviceFacts


class Enter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A person opens the page.

    Attributes:
        platform: fields.Name of a platform of `platforms.toml`.
        parameters: Parameters of the page's address, as they came.
        language: Language that the browser prefers, such as `en-GB`.
        session: Session token that this browser kept; empty for none.
        visit: Random id of the opened page: the one that was opened last goes on.
        device: Screen and pointers.
    """

    v: fields.Version = fields.VERSION
    platform: fields.Name = "open"
    parameters: dict[fields.Name, fields.Text] = {}
    language: Annotated[str, Meta(max_length=35)] = ""
    session: Annotated[str, Meta(max_length=200)] = ""
    visit: fields.Visit = ""
    device: DeviceFacts


class Entered(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where a session stands: the answer to `enter`, `consent`, `device` and `begin`.

    Attributes:
        session: Session token; the browser keeps it and sends it as bearer.
        phase: The page to show: `consent`, `device` (this device is not wanted, or its
            window is too small: `problem` says why), `instructions`, `tasks`,
            `finished`, `withdrawn`.
        language: Language that was chosen.
        languages: All languages of the study, by code, in their own words.
        direction: `ltr` or `rtl`.
        consent_version: Version of the consent text that the browser shows.
        title: Title of the study.
        contact: Whom participants may write to.
        minutes: How long the study takes, as it says.
        tasks: Number of tasks of a person, practice apart.
        devices: Devices that the study wants.
        test: Whether this is a look at the study, which is never counted.
        problem: Key of a text that says what is wrong with the device; empty if
            nothing.
        pace: How tasks go, so that the page can explain them.
    """

    v: int = fields.VERSION
    session: str
    phase: words.Phase
    language: str
    languages: dict[str, str]
    direction: Literal["ltr", "rtl"]
    consent_version: str
    title: str
    contact: str
    minutes: int
    tasks: int
    devices: tuple[str, ...]
    test: bool = False
    problem: str = ""
    pace: words.Pace = "timed"


class Texts(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the pages say in a language. A page that refuses to go on needs it too.

    Attributes:
        language: The language.
        direction: `ltr` or `rtl`.
        texts: Texts by key; several paragraphs are a list.
    """

    v: int = fields.VERSION
    language: str
    direction: Literal["ltr", "rtl"]
    texts: dict[str, str | tuple[str, ...]]


class Consent(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A person agrees, or does not.

    Attributes:
        version: Version of the text that was shown.
        language: Language in which it was shown.
        agreed: Whether the person agrees; else the session ends, screened out.
    """

    v: fields.Version = fields.VERSION
    version: fields.Name
    language: fields.Name
    agreed: bool


class Begin(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A person has read the instructions and begins."""

    v: fields.Version = fields.VERSION


class FinishQuery(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """Asks for the end of a session whose last task is answered."""

    v: fields.Version = fields.VERSION


class Withdraw(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A person leaves the study.

    Attributes:
        erase: Whether what the person did is erased too; else it is kept and not used.
    """

    v: fields.Version = fields.VERSION
    erase: bool


class Withdrawn(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A person has left.

    Attributes:
        erased: Number of events that were erased.
        url: Address to go to; empty for none.
        code: Code for the platform; empty for none.
    """

    v: int = fields.VERSION
    erased: int
    url: str
    code: str


class Problem(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Why a request was refused.

    Attributes:
        problem: Key of a text that the page shows: `problem_KEY`.
        detail: A sentence for developers; no secret, and nothing of other people.
        retry: Whether the same request may work later.
    """

    v: int = fields.VERSION
    problem: words.Problem
    detail: str
    retry: bool


class Limits(msgspec.Struct, frozen=True):
    """Limits of requests that a server sets.

    Attributes:
        body: Bytes of a body.
        seconds: Time in which a body must have come.
    """

    body: int = 8192
    seconds: float = 10.0


LIMITS = Limits()
