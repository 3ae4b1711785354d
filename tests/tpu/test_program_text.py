"""What is read from the text of a compiled program."""

from tpu import program_text, table

TEXT = """HloModule jit_f, is_scheduled=true

%add (x: f32[], y: f32[]) -> f32[] {
  ROOT %sum = f32[] add(%x, %y)
}

%body (state: (s32[], f32[8])) -> (s32[], f32[8]) {
  %twice = f32[8]{0:T(128)} fusion(%x), kind=kLoop, calls=%fused, \
backend_config={"estimated_cycles":"100"}
  %all-reduce.1 = (f32[8]{0}, bf16[2,3]{1,0:T(8,128)(2,1)}) all-reduce(%x)
  ROOT %state = (s32[], f32[8]) tuple(%i, %twice)
}

%condition (state: (s32[], f32[8])) -> pred[] {
  %n = s32[]{:T(128)} constant(5)
  ROOT %more = pred[] compare(%i, %n), direction=LT, metadata={}
}

%fused (x: f32[8]) -> f32[8] {
  ROOT %inner = f32[8] add(%x, %x), backend_config={"estimated_cycles":"7"}
}

ENTRY %main (x: f32[8]) -> f32[8] {
  %once = f32[8] fusion(%x), calls=%fused, backend_config={"estimated_cycles":"1000"}
  %unknown = f32[8] copy(%x), backend_config={"estimated_cycles":"9223372036854775807"}
  %loop = (s32[], f32[8]) while(%init), condition=%condition, body=%body
  %start = ((f32[4]), (f32[4])) all-gather-start(%x), dimensions={0}
  ROOT %result = f32[8] get-tuple-element(%loop), index=1
}
"""


def test_cycles_of_a_loop_count_as_often_as_it_runs():
    assert program_text.Program(TEXT).cycles() == 1000 + 5 * 100


def test_cycles_are_summed_by_module():
    text = TEXT.replace(
        '"estimated_cycles":"100"}',
        '"estimated_cycles":"100"}, '
        'metadata={op_name="jit(f)/Net/while/body/block/fc1/dot_general"}',
    )
    sums = program_text.Program(text).cycles_of_modules(2)
    assert sums == {"Net/block": 500, "": 1000}


def test_collectives_count_as_often_as_they_run_with_the_bytes_of_their_results():
    assert program_text.Program(TEXT).collectives() == (6, 5 * (8 * 4 + 6 * 2) + 4 * 4)


def test_a_table_is_read_as_it_was_written():
    rows = [
        table.Row(
            "draws",
            "10 of 8x8",
            "v4 core",
            8,
            1.25,
            16.0,
            2.5,
            0.5,
            0.25,
            3,
            1.5,
            7.0,
            9.0,
        )
    ]
    page = "\n".join(["before", *table.lines(rows), "<!-- end -->", "| after |"])
    assert table.read(page) == rows
