"""TPU chips: what their makers say of them, and how the compiler calls them."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Chip:
    """What one device of JAX is: a chip, or a core of a chip.

    Attributes:
        name: Name in tables.
        host: Topology of one host.
        pod: Topology of 16 chips.
        options: Further arguments of `get_topology_desc`.
        clock: Cycles a second.
        memory: Bytes of its memory.
        products: Floating-point operations a second, bfloat16.
        bandwidth: Bytes a second from and to its memory.
    """

    name: str
    host: str
    pod: str
    options: dict[str, str]
    clock: float
    memory: float
    products: float
    bandwidth: float


# docs.cloud.google.com/tpu/docs: v4, v5e, v6e. The clock of v6e is not published: at
# 1.75 GHz its four 256x256 matrix units do what the maker says, and the compiler's
# cycles for reading and writing memory give the same share of the bandwidth (80 %) as
# on the other two. JAX takes the two cores of a v4 chip as one device ("megacore").
CHIPS = {
    chip.name: chip
    for chip in (
        Chip(
            "v4", "v4:2x2x1", "v4:2x2x4", {"chip_config_name": "megacore"},
            1.05e9, 32e9, 275e12, 1.2e12,
        ),
        Chip(
            "v4 core", "v4:2x2x1", "v4:2x2x4", {}, 1.05e9, 16e9, 137.5e12, 0.6e12
        ),
        Chip("v5e", "v5e:2x2", "v5e:4x4", {}, 1.5e9, 16e9, 197e12, 0.819e12),
        Chip("v6e", "v6e:2x2", "v6e:4x4", {}, 1.75e9, 32e9, 918e12, 1.64e12),
    )
}  # fmt: skip
