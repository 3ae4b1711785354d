"""A worker written from docs/wire_protocol.md alone: nothing of the project, no NumPy.

Every trajectory's mask is the pixels that were clicked.
"""

import json
import os
import struct
import sys
import threading

SIZES = {"|b1": 1, "|u1": 1, "<i4": 4}
# It has neither a mask prompt nor a crop, but others would not be for this version.
SWITCHES = {"drop_mask_prompt", "empty_mask_keeps_crop"}


def main(requests, replies, lifeline):
    threading.Thread(target=end_with, args=(lifeline,), daemon=True).start()
    send({"number": 0, "ok": True, "version": 3})
    photographs, lent = {}, []
    while True:
        header, arrays = receive(requests)
        answer, masks = {"number": header["number"], "ok": True}, None
        action = header["action"]
        if action == "load" and header["options"].get("broken"):
            answer = {**answer, "ok": False, "error": "it is broken"}
        if action == "load" and {*header["protocol"]} != SWITCHES:
            answer = {**answer, "ok": False, "error": "other switches than it knows"}
        if action == "encode":
            photographs[header["image"]] = arrays["image"][0][:2]
        if action == "predict":
            masks = masks_of(photographs[header["image"]], arrays)
        if action == "release":
            del photographs[header["image"]]
        send({**answer, "returned": lent}, masks, replies)
        lent = [entry["start"] for entry in header["arrays"] if "start" in entry]


def masks_of(shape, arrays):
    (trajectories, slots, _), yx = arrays["yx"][0], numbers(arrays["yx"][1])
    masks = bytearray(trajectories * shape[0] * shape[1])
    for row, count in enumerate(numbers(arrays["count"][1])):
        for click in range(row * slots, row * slots + count):
            y, x = yx[2 * click : 2 * click + 2]
            masks[(row * shape[0] + y) * shape[1] + x] = 1
    return [trajectories, *shape], bytes(masks)


def numbers(data):
    return struct.unpack(f"<{len(data) // 4}i", data)


def receive(requests):
    assert read(4) == b"RCLB"
    header = json.loads(read(struct.unpack("<I", read(4))[0]))
    arrays = {}
    for entry in header["arrays"]:
        size = SIZES[entry["dtype"]]
        for side in entry["shape"]:
            size *= side
        start = entry.get("start")
        data = read(size) if start is None else os.pread(requests, size, start)
        arrays[entry["name"]] = entry["shape"], data
    return header, arrays


def send(header, masks=None, replies=None):
    data = b""
    if masks:
        shape, data = masks
        entry = {"name": "masks", "dtype": "|b1", "shape": shape}
        if len(data) >= 1 << 16:
            # It keeps no account of what came back: each answer has a place of its own.
            entry["start"] = os.fstat(replies).st_size
            os.pwrite(replies, data, entry["start"])
            data = b""
        header = {**header, "arrays": [entry]}
    text = json.dumps(header).encode()
    sys.stdout.buffer.write(b"RCLB" + struct.pack("<I", len(text)) + text + data)
    sys.stdout.buffer.flush()


def read(size):
    data = sys.stdin.buffer.read(size)
    if len(data) < size:
        sys.exit()
    return data


def end_with(lifeline):
    os.read(lifeline, 1)
    os._exit(1)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
