"""Writes checkpoints of small networks as they are published, and spoils them."""

import copy

import torch


def writer(path, content_of, **options):
    """Returns a function that writes a checkpoint and returns the options to load it.

    Args:
        path: The file.
        content_of: Makes what is written; the function's argument may change it.
        **options: Of the adapter, beside `checkpoint`.
    """

    def write(change=lambda content: None):
        content = content_of()
        change(content)
        torch.save(content, path)
        return {**options, "checkpoint": str(path)}

    return write


def of_isegm(network):
    """Returns a checkpoint of `isegm`: how a network is built, and its weights."""
    return {
        "config": copy.deepcopy(network._config),
        "state_dict": dict(network.state_dict()),
    }


def _weights_of(content):
    """Returns the weights in a checkpoint, whatever they are in."""
    for key in ("state_dict", "model"):
        if key in content:
            return content[key]
    return content


def without(name):
    """Returns a change that drops a weight."""

    def change(content):
        del _weights_of(content)[name]

    return change


def resized(name, *shape):
    """Returns a change that gives a weight another shape."""

    def change(content):
        _weights_of(content)[name] = torch.zeros(shape)

    return change


def with_more(name):
    """Returns a change that adds a weight."""

    def change(content):
        _weights_of(content)[name] = torch.zeros(1)

    return change


def of_class(name):
    """Returns a change that has a checkpoint of `isegm` ask for another class."""

    def change(content):
        content["config"]["class"] = name

    return change


def without_config(content):
    """Drops how the network of a checkpoint of `isegm` is built."""
    del content["config"]


# What is wrong with a checkpoint of any method of `isegm`, and what is said of it.
WRONG_ISEGM = [
    (of_class("subprocess.Popen"), "asks for subprocess.Popen"),
    (without_config, "must be a dictionary with config and state_dict"),
]
# Options that every adapter of a checkout refuses.
WRONG_OPTIONS = [
    ({"checkpoint": ""}, "option checkpoint is missing"),
    ({"checkpoint": "nowhere.pth"}, "there is no such file"),
    ({"checkpiont": "a"}, "unknown options: checkpiont"),
    ({"protocol": "strict"}, "unknown options: protocol"),
    ({"batch": "0"}, "a whole number from 1"),
    ({"device": "abacus"}, "option device is 'abacus'"),
]
