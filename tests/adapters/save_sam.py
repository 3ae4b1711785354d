"""Saves SAM with seeded weights, for runs without published ones.

ENV/bin/python save_sam.py FOLDER          the small one of the case `transformers_sam`
ENV/bin/python save_sam.py FOLDER vit_b    as large as published, and FOLDER/vit_b.pth,
                                           the same weights for the original package
"""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]


def main(folder, size="small"):
    """Saves the networks."""
    if size == "small":
        from cases import transformers_sam

        transformers_sam.network(original=False).save_pretrained(folder)
        return
    import compare_sam
    import stand_ins
    import torch

    compare_sam.of_transformers("sam", size).save_pretrained(folder)
    stand_ins.install()
    weights = compare_sam.of_checkout("sam", size).state_dict()
    torch.save(weights, pathlib.Path(folder, f"{size}.pth"))


if __name__ == "__main__":
    main(*sys.argv[1:])
