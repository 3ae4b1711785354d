"""What the text of a program that was compiled for a TPU says about it.

The compiler notes how many cycles it expects each instruction to take. They are its
estimates; nothing was run.
"""

import collections
import re
from collections.abc import Iterator

_HEAD = re.compile(r"(ENTRY )?%?([\w.\-]+) .*\{$")
_CYCLES = re.compile(r'"estimated_cycles":"(\d+)"')
_LOOP = re.compile(r" while\(.*condition=%?([\w.\-]+), body=%?([\w.\-]+)")
_LIMIT = re.compile(r"%?([\w.\-]+) = s32\[\].* constant\((\d+)\)")
_LESS = re.compile(r" compare\(.*, %?([\w.\-]+)\), direction=LT")
_CALL = re.compile(r" (?:call|conditional)\(.*?(?:to_apply=|computations=\{)([^}\s]+)")
_COLLECTIVE = re.compile(
    r" = (.*?) ((?:all-reduce|all-gather|reduce-scatter|all-to-all|collective-permute)"
    r"(?:-start)?)\("
)
_SOURCE = re.compile(r'op_name="([^"]*)"')
# Parts of a source that name what JAX does, not a module.
_NO_MODULE = re.compile(r"^(cond|while|body|branch_\d+_fun|closed_call)$|\(")
_ARRAY = re.compile(r"\b(pred|[a-z]+?(\d+))\[([\d,]*)\]")
# An instruction the compiler did not estimate has the largest integer.
_UNKNOWN = 1 << 62


class Program:
    """A compiled program as text: computations, and the instructions of each."""

    def __init__(self, text: str) -> None:
        """Splits the text of an optimised HLO module."""
        self._parts: dict[str, list[str]] = {}
        self._entry = ""
        lines: list[str] = []
        for line in text.splitlines():
            head = None if line.startswith(" ") else _HEAD.match(line)
            if head:
                lines = self._parts.setdefault(head[2], [])
                self._entry = head[2] if head[1] else self._entry
            else:
                lines.append(line)

    def instructions(self) -> Iterator[tuple[str, int]]:
        """Yields each instruction that is run, and how often."""
        return self._run(self._entry, 1)

    def _run(self, name: str, times: int) -> Iterator[tuple[str, int]]:
        for line in self._parts[name]:
            yield line, times
            if loop := _LOOP.search(line):
                yield from self._run(loop[2], times * self._trips(loop[1]))
            elif call := _CALL.search(line):
                for part in call[1].split(","):
                    yield from self._run(part.strip("% "), times)

    def _trips(self, condition: str) -> int:
        """Returns how often a loop of `scan` or `map` runs, which counts from 0.

        It is 1 where that depends on data.
        """
        lines = "\n".join(self._parts[condition])
        limits = dict(_LIMIT.findall(lines))
        less = _LESS.search(lines)
        return int(limits.get(less[1], 1)) if less else 1

    def cycles(self) -> int:
        """Sums the estimates of all instructions."""
        total = 0
        for line, times in self.instructions():
            found = _CYCLES.search(line)
            if found and int(found[1]) < _UNKNOWN:
                total += times * int(found[1])
        return total

    def cycles_of_modules(self, depth: int) -> collections.Counter[str]:
        """Sums the estimates by the module of the network that asked for them.

        Args:
            depth: Names of modules, one in the other, that are told apart.
        """
        sums: collections.Counter[str] = collections.Counter()
        for line, times in self.instructions():
            found, source = _CYCLES.search(line), _SOURCE.search(line)
            if found and int(found[1]) < _UNKNOWN:
                names = source[1].split("/")[1:-1] if source else []
                names = [name for name in names if not _NO_MODULE.search(name)]
                sums["/".join(names[:depth])] += times * int(found[1])
        return sums

    def collectives(self) -> tuple[int, int]:
        """Returns how many there are, and the bytes of their results on a device."""
        count, total = 0, 0
        for line, times in self.instructions():
            if found := _COLLECTIVE.search(line):
                count += times
                # What has started also names its operands.
                halves = 2 if found[2].endswith("-start") else 1
                total += times * _bytes(found[1]) // halves
        return count, total


def _bytes(shapes: str) -> int:
    total = 0
    for kind, bits, sizes in _ARRAY.findall(shapes):
        size = 1 if kind == "pred" else int(bits) // 8
        for length in filter(None, sizes.split(",")):
            size *= int(length)
        total += size
    return total
