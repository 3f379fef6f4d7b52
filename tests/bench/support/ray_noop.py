"""No-op trials with Ray Tune: actors are reused, nothing is checkpointed; prints as JSON how long they took.

`seconds` is all of it; `steadySeconds` runs from the end of the first trial to the end of the last, so that the start
of the actors (imports, once for each of them) is left out.
"""

import json
import os
import sys
import tempfile
import time

import ray
from ray import tune


class NoOp(tune.Trainable):
    """Reports one result and is done; everything that a trial could save is nothing."""

    def step(self) -> dict[str, object]:
        return {"loss": 0.0, "done": True}

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        return None

    def load_checkpoint(self, checkpoint: object) -> None:
        return None

    def reset_config(self, new_config: dict[str, object]) -> bool:
        return True


class Ends(tune.Callback):
    """When trials ended."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def on_trial_complete(self, *_args: object, **_more: object) -> None:
        self.times.append(time.perf_counter())


def main(trials: int, parallel: int) -> None:
    cpus = os.cpu_count() or 1
    ray.init(
        num_cpus=cpus,
        include_dashboard=False,
        logging_level="ERROR",
        log_to_driver=False,
        _node_ip_address="127.0.0.1",
    )
    ends = Ends()
    with tempfile.TemporaryDirectory() as storage:
        tuner = tune.Tuner(
            tune.with_resources(NoOp, {"cpu": cpus / parallel}),
            param_space={"seed": tune.uniform(0, 1)},
            tune_config=tune.TuneConfig(num_samples=trials, max_concurrent_trials=parallel, reuse_actors=True),
            run_config=tune.RunConfig(storage_path=storage, verbose=0, callbacks=[ends]),
        )
        started = time.perf_counter()
        results = tuner.fit()
        seconds = time.perf_counter() - started
    if len(ends.times) != trials or results.errors:
        raise SystemExit(f"{len(ends.times)} of {trials} trials ended, {len(results.errors)} with errors")
    print(json.dumps({"seconds": seconds, "steadySeconds": ends.times[-1] - ends.times[0]}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
