"""Files of people's trajectories, made by hand."""

import json


def line(person, instance_id, acts, *, frame, areas=None, **changes):
    """Returns a trajectory.

    Args:
        person: Who.
        instance_id: The object.
        acts: Clicks `(y, x, positive)`, and names of other acts.
        frame: Height and width.
        areas: Intersection and union after each act; none are known if None.
        **changes: Of other values.
    """
    made = []
    for act in acts:
        is_click = not isinstance(act, str)
        values = {"act": "click" if is_click else act, "seconds": 1.25}
        made.append(values | dict(zip(("y", "x", "positive"), act, strict=True))
                    if is_click else values)  # fmt: skip
    areas = areas or [(None, None)] * len(acts)
    return {
        "person": person, "full_stem": instance_id, "mode": "Object_CutOut",
        "device": "pc", "wave": 1, "height": frame[0], "width": frame[1],
        "acts": made, "intersection": [area[0] for area in areas],
        "union": [area[1] for area in areas],
        "machine_seconds": [None] * len(acts), "ended": "done", **changes,
    }  # fmt: skip


def write(path, lines, **changes):
    """Writes a file of trajectories; returns its path as text."""
    head = {"format": 1, "kind": "trajectories", "source": "people",
            "segmenter": "random_walker", **changes}  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(each) + "\n" for each in [head, *lines]))
    return str(path)
