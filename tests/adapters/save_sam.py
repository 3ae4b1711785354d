"""Saves the seeded SAM of the case `transformers_sam`, for runs without weights.

ENV/bin/python save_sam.py FOLDER
"""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

from cases import transformers_sam

if __name__ == "__main__":
    transformers_sam.network(original=False).save_pretrained(sys.argv[1])
