"""Jobs for PyTorch's side of a comparison, one a process.

    python tests/perf/torch_jobs.py < job.json > result.json

Runs in an environment of its own. `jobs.py` says what a job is.
"""

import time

import jobs
import numpy as np
import timing
import torch
import torch_network

LAYOUTS = {"last": torch.channels_last, "first": torch.contiguous_format}


def prepared(job):
    """Returns the network, and image, masks and click map of one batch."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    layout = LAYOUTS[job["layout"]]
    net = torch_network.ClickabilityNetwork(job["config"])
    weights = jobs.load(job["weights"])
    net.load_state_dict(
        {key: torch.from_numpy(array) for key, array in weights.items()}, strict=True
    )
    net = net.to(device, memory_format=layout)
    image, masks, click_map = (
        torch.from_numpy(array).to(device) for array in jobs.load_batch(job)
    )
    image, masks = (
        array.permute(0, 3, 1, 2).contiguous(memory_format=layout)
        for array in (image, masks)
    )
    return net, image, masks, click_map


def predictor(job, net):
    """Returns the network as a function, compiled and in bfloat16 if asked for."""
    run = torch.compile(net) if job.get("compile") else net
    half = job.get("dtype") == "bfloat16"

    def predict(image, masks):
        with torch.autocast(image.device.type, torch.bfloat16, enabled=half):
            return run(image, masks)

    return predict


def trainer(job, net, image, masks, click_map):
    """Returns a function that takes one step and returns its loss."""
    optimizer = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}[job["optimizer"]](
        net.parameters(), job["rate"]
    )
    predict = predictor(job, net.train())

    def step():
        optimizer.zero_grad()
        loss = torch_network.mean_kld(predict(image, masks), click_map)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def timed(job, function):
    start = time.perf_counter()
    function()
    first = time.perf_counter() - start
    times = timing.measure(function, job["repeats"], patience=job["patience"])
    memory = timing.peak_memory()
    if torch.cuda.is_available():
        memory = torch.cuda.max_memory_allocated()
    return {
        "seconds": times.seconds,
        "others": times.others,
        "compile": first if job.get("compile") else None,
        "memory": memory,
    }


def time_forward(job):
    net, image, masks, _ = prepared(job)
    predict = predictor(job, net.eval())

    @torch.inference_mode()
    def run():
        predict(image, masks)
        if torch.cuda.is_available():
            torch.cuda.synchronize()

    return timed(job, run)


def check(job):
    """Saves predictions, and returns the losses of the first steps."""
    net, image, masks, click_map = prepared(job)
    with torch.inference_mode():
        np.save(job["output"], net.eval()(image, masks).cpu().numpy())
    step = trainer(job, net, image, masks, click_map)
    return {"losses": [step() for _ in range(job["repeats"])]}


JOBS = {
    "describe": lambda job: {"versions": f"torch {torch.__version__}"},
    "forward": time_forward,
    "train": lambda job: timed(job, trainer(job, *prepared(job))),
    "check": check,
}


if __name__ == "__main__":
    torch.manual_seed(0)
    jobs.serve(JOBS)
