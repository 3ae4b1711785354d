"""SAM by transformers with random weights, noting how long each pass takes.

The decoder is as large as the published one; the encoder is small, as no time of it is
taken. Option `times` names a file that gets a line for each call: seconds in the
network, and seconds in `predict`.
"""

import time

import torch
import transformers

from rclicks_jax.bridge.adapters import transformers_sam

THRESHOLD, LOGITS = transformers_sam.THRESHOLD, transformers_sam.LOGITS
encode = transformers_sam.encode


def load(options):
    torch.manual_seed(0)
    vision = transformers.SamVisionConfig(
        hidden_size=96,
        num_hidden_layers=2,
        num_attention_heads=2,
        global_attn_indexes=[1],
    )
    network = transformers.SamModel(transformers.SamConfig(vision_config=vision))
    network = transformers_sam.as_original(network.requires_grad_(False).eval())
    network.register_forward_pre_hook(lambda *_: _SECONDS.append(-_now()))
    network.register_forward_hook(lambda *_: _SECONDS.append(_now()))
    _FILE.append(options["times"])
    return transformers_sam.Model(network)


def predict(model, features, clicks, state):
    start = _now()
    answer = transformers_sam.predict(model, features, clicks, state)
    with open(_FILE[0], "a") as file:
        file.write(f"{sum(_SECONDS)} {_now() - start}\n")
    _SECONDS.clear()
    return answer


def _now():
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


_SECONDS, _FILE = [], []
