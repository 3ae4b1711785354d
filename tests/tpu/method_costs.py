"""What methods in JAX cost: programs of the table, products, and seconds of cores."""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

from tpu import table

# Of an object: the baseline and ten groups, 20 clicks each, on a photograph of its own.
TRAJECTORIES, CLICKS = 11, 20
ANSWERS = TRAJECTORIES * CLICKS
# A v4-32 has four hosts of 240 threads each, as far as is known.
HOSTS, THREADS = 4, 240
# Of an H200: products a second of bfloat16 at the maker's peak, and the share of it
# that large products reach.
PEAK, SHARE = 790e12, 0.4


class Products(NamedTuple):
    """Products and sums of a method, 10^9.

    Counted on the authors' networks; one multiplication with its addition is two.

    Attributes:
        encode: Of a photograph.
        answer: Of a trajectory and click, with its mirror image if there is one.
    """

    encode: float
    answer: float


class Programs(NamedTuple):
    """Programs of the table, by name and what is in their shape.

    Attributes:
        encode: Of photographs; None if there is none.
        answer: Of trajectories.
    """

    encode: tuple[str, str] | None
    answer: tuple[str, str]


@dataclasses.dataclass(frozen=True)
class Method:
    """A method and a size.

    Attributes:
        name: What the table calls it.
        products: What it computes.
        programs: Its programs, or those of `like`.
        like: Products of the method whose programs these are, if it has none in the
            table: its times are theirs by products.
        further: Passes of the first click after the first pass.
        bridge: Seconds of cores of an object through the bridge with PyTorch, from
            measured calls; None if it was not measured.
    """

    name: str
    products: Products
    programs: Programs
    like: Products | None = None
    further: int = 0
    bridge: float | None = None

    @property
    def answers(self) -> int:
        """Passes for an object."""
        return ANSWERS + TRAJECTORIES * self.further

    def seconds(self, rows: Sequence[table.Row], chip: str = "v4") -> float:
        """Returns the seconds of an object on one chip."""
        of_programs = self.like or self.products
        answer, batch = table.estimate(rows, chip, *self.programs.answer)
        total = (
            self.answers * answer / batch * self.products.answer / of_programs.answer
        )
        if self.programs.encode is not None:
            encode, batch = table.estimate(rows, chip, *self.programs.encode)
            total += encode / batch * self.products.encode / of_programs.encode
        return total

    def h200(self) -> float:
        """Returns the seconds of an object on an H200, if products alone count."""
        products = self.products.encode + self.answers * self.products.answer
        return products * 1e9 / PEAK / SHARE


_SAM = Programs(("SAM encoder", "`vit_b`"), ("SAM decoder", "64 of 8"))
_SAM2 = Programs(("SAM 2 encoder", "`hiera_b+`"), ("SAM 2 decoder", "64 of 8"))
_SAM_HQ = Programs(("SAM-HQ encoder", "`vit_b`"), ("SAM-HQ decoder", "64 of 8"))
_MOBILE_SAM = Programs(("MobileSAM encoder", "`vit_t`"), ("SAM decoder", "64 of 8"))
_SIMPLECLICK = Programs(None, ("SimpleClick", "`vit_base`"))
_SEGNEXT = Programs(("SegNext encoder", "`vitb_sax2`"), ("SegNext", "`vitb_sax2`"))
_RITM_H18 = Programs(None, ("RITM", "`h18_itermask`"))
_RITM_H32 = Programs(None, ("RITM", "`h32_itermask`"))
_SAM_B, _SAM2_B, _BASE = Products(972, 3.8), Products(647, 3.8), Products(0, 323)
_SAX2, _H18 = Products(933, 318), Products(0, 61)

METHODS = (
    Method("SAM `vit_b`", _SAM_B, _SAM),
    Method("SAM `vit_l`", Products(2986, 3.8), _SAM, _SAM_B),
    Method("SAM `vit_h`", Products(5961, 3.8), _SAM, _SAM_B),
    Method("MobileSAM", Products(78, 3.8), _MOBILE_SAM),
    Method("SAM-HQ `vit_b`", Products(980, 8.7), _SAM_HQ),
    Method(
        "SAM 2.1 `hiera_t`",
        Products(292, 3.8),
        _SAM2,
        _SAM2_B,
        bridge=6.06 + ANSWERS * 2.08 / 11,
    ),
    Method("SAM 2.1 `hiera_s`", Products(360, 3.8), _SAM2, _SAM2_B),
    Method("SAM 2.1 `hiera_b+`", _SAM2_B, _SAM2),
    Method("SAM 2.1 `hiera_l`", Products(1823, 3.8), _SAM2, _SAM2_B),
    Method("SimpleClick `vit_xtiny`", Products(0, 29), _SIMPLECLICK, _BASE),
    Method("SimpleClick `vit_base`", _BASE, _SIMPLECLICK, bridge=ANSWERS * 22.33 / 4),
    Method("SimpleClick `vit_large`", Products(0, 1051), _SIMPLECLICK, _BASE),
    Method("SimpleClick `vit_huge`", Products(0, 2800), _SIMPLECLICK, _BASE),
    Method("CFR-ICL", Products(0, 2800), _SIMPLECLICK, _BASE, further=1),
    Method("SegNext `vitb_sax1`", Products(933, 208), _SEGNEXT, _SAX2),
    Method("SegNext `vitb_sax2`", _SAX2, _SEGNEXT),
    Method("RITM `h18s_itermask`", Products(0, 35), _RITM_H18, _H18),
    Method("RITM `h18_itermask`", _H18, _RITM_H18),
    Method("RITM `h32_itermask`", Products(0, 165), _RITM_H32),
)
