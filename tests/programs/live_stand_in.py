"""A stand-in for the process of a live segmenter, without JAX, that fails as told.

Its option `segmenter` is a folder: `log` gets a line for each request, and the lines of
`troubles` say what goes wrong: `predict die` lets the next `predict` end the process.
"""

import os
import pathlib
import struct
import sys
import time

import numpy as np

from rclicks_jax.bridge import worker


class StandIn:
    """Takes the pixels that were clicked for the object."""

    def answer(self, header, arrays):
        """Notes a request, perhaps fails, and answers."""
        if header["action"] == "load":
            self.folder = pathlib.Path(header["options"]["segmenter"])
            self.shapes = {}
        action, key = header["action"], header.get("assignment", "")
        count = len(arrays.get("yx", ()))
        with open(self.folder / "log", "a") as log:
            log.write(" ".join(filter(None, (action, key, str(count or "")))) + "\n")
        self.fail(action)
        if action == "load":
            return {"versions": {}}, {}
        if action == "encode":
            content = pathlib.Path(header["gt_mask"]).read_bytes()
            # Of a PNG: width and height.
            self.shapes[key] = struct.unpack(">II", content[16:24])[::-1]
            return {}, {}
        if action == "release":
            del self.shapes[key]
            return {}, {}
        mask = np.zeros(self.shapes[key], bool)
        mask[tuple(arrays["yx"].T)] = arrays["positive"]
        return {}, {"mask": mask}

    def fail(self, action):
        """Does what the next line of `troubles` for this action says."""
        path = self.folder / "troubles"
        lines = path.read_text().splitlines() if path.exists() else []
        line = next((line for line in lines if line.split()[0] == action), None)
        if line is None:
            return
        lines.remove(line)
        path.write_text("\n".join(lines))
        trouble = line.split()[1]
        if trouble == "die":
            os._exit(3)
        if trouble == "raise":
            raise ValueError("told to fail")
        time.sleep(float(trouble))


if __name__ == "__main__":
    worker.run(sys.argv[1:], lambda empty: StandIn())
