"""Compiles the programs of accelerators for TPUs, on a machine without one.

    TPU_LIBRARY_PATH=.../libtpu.so python tests/tpu/compile_programs.py
    ... --nano           # small ones, to see that all compile; nothing is written
    ... --only=draws     # those whose row has this text; other rows stay as they are
    ... --modules=3      # also prints the cycles of modules, named by this many names

Writes a table into docs/performance.md. Ends with an error if a program does not
compile or does not fit into the memory of its chip.
"""

import os
import pathlib
import sys
import time

# Before JAX is imported. libtpu would ask a server of the cloud where it is, let no
# second process use it, and write logs into the temporary folder.
os.environ |= {
    "JAX_PLATFORMS": "cpu",
    "TPU_SKIP_MDS_QUERY": "1",
    "TPU_ACCELERATOR_TYPE": "v4-8",
    "TPU_WORKER_HOSTNAMES": "localhost",
    "ALLOW_MULTIPLE_LIBTPU_LOAD": "1",
    "TPU_LOG_DIR": "disabled",
    "TPU_STDERR_LOG_LEVEL": "3",
}
sys.path.insert(1, str(pathlib.Path(__file__).resolve().parents[1] / "perf"))

import chips
import jax
import page
import program_text
import programs
import table
from absl import app, flags
from jax.experimental import topologies

NANO = flags.DEFINE_bool("nano", False, "Compile small programs.")
ONLY = flags.DEFINE_string("only", "", "Part of the rows to compile.")
MODULES = flags.DEFINE_integer("modules", 0, "Names of modules whose cycles to print.")


def version_of(library: pathlib.Path) -> str:
    """Returns name and version of libtpu, of the folder beside the installed one."""
    (folder,) = library.parents[1].glob("libtpu-*.dist-info")
    return folder.stem.replace("-", " ")


def topology_of(case: programs.Case):
    """Returns the devices of a case: a pod of 16 chips, or a host."""
    chip = chips.CHIPS[case.chip]
    name = chip.pod if case.devices == 16 else chip.host
    return topologies.get_topology_desc(
        platform="tpu", topology_name=name, **chip.options
    ).devices


def name_of(row: programs.Case | table.Row) -> str:
    """Names a program with what it works on and where."""
    return f"{row.program}, {row.shape}, {row.chip} x {row.devices}"


def compiled(case: programs.Case) -> table.Row:
    """Compiles a program and reads what it needs."""
    start = time.perf_counter()
    program = case.lower(topology_of(case)).compile()
    seconds = time.perf_counter() - start
    chip, text = chips.CHIPS[case.chip], program_text.Program(program.as_text())
    sizes, costs = program.memory_analysis(), program.cost_analysis()
    needs = (
        sizes.argument_size_in_bytes
        + sizes.output_size_in_bytes
        - sizes.alias_size_in_bytes
        + sizes.temp_size_in_bytes
        + sizes.generated_code_size_in_bytes
    )
    collectives, moved = text.collectives()
    if MODULES.value:
        for name, cycles in text.cycles_of_modules(MODULES.value).most_common(40):
            print(f"{cycles / 1e6:9.3f} {name}")
    return table.Row(
        program=case.program,
        shape=case.shape,
        chip=case.chip,
        devices=case.devices,
        memory=needs / 1e9,
        chip_memory=chip.memory / 1e9,
        estimate=1e3 * text.cycles() / chip.clock,
        products=1e3 * costs["flops"] / chip.products,
        traffic=1e3 * costs["bytes accessed"] / chip.bandwidth,
        collectives=collectives,
        collective_bytes=moved / 1e6,
        code=sizes.generated_code_size_in_bytes / 1e6,
        seconds=seconds,
    )


def main(argv):
    del argv
    library = pathlib.Path(os.environ.get("TPU_LIBRARY_PATH", ""))
    if not library.is_file():
        sys.exit("TPU_LIBRARY_PATH must name a libtpu.so; `make tpu` installs it.")
    cases = programs.nano_programs() if NANO.value else programs.programs()
    rows, failures = [], []
    for case in cases:
        name = name_of(case)
        if ONLY.value not in name:
            continue
        try:
            row = compiled(case)
        # Whatever the compiler says of one program, the others are compiled too.
        except Exception as error:
            failures.append(f"{name}: does not compile: {error}")
            print(failures[-1], flush=True)
            continue
        print(table.line(row), flush=True)
        rows.append(row)
        if row.memory > row.chip_memory:
            failures.append(
                f"{name}: needs {row.memory:.1f} GB, the chip has {row.chip_memory:.0f}"
            )
    if not rows and not failures:
        sys.exit(f"No program has {ONLY.value!r} in its row.")
    if failures:
        sys.exit("\n".join(["Programs that no TPU would run:", *failures]))
    print(f"{len(rows)} programs compile and fit.")
    if NANO.value:
        return
    newest = {name_of(row): row for row in [*table.read(page.PAGE.read_text()), *rows]}
    rows = [newest[name] for name in map(name_of, cases) if name in newest]
    versions = f"jax {jax.__version__}, {version_of(library)}"
    page.put("tpu programs", [versions, "", *table.lines(rows)], by="make tpu")


if __name__ == "__main__":
    app.run(main)
