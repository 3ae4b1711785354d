"""Keys and shapes of weights that a golden file was made with."""

import json


def shapes_in(golden):
    """Returns the shapes by key, of lines such as `neck.0.weight [32, 64]`."""
    lines = (str(line).split(" ", 1) for line in golden["keys"])
    return {key: json.loads(shape) for key, shape in lines}
