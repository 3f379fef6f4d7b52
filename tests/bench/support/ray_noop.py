"""No-op trials with Ray Tune: actors are reused, nothing is checkpointed; prints the seconds they took as JSON."""

import json
import sys
import tempfile
import time

import ray
from ray import tune


class NoOp(tune.Trainable):
    """Reports one result and is done."""

    def step(self) -> dict[str, object]:
        return {"loss": 0.0, "done": True}

    def reset_config(self, new_config: dict[str, object]) -> bool:
        return True


def main(trials: int, parallel: int) -> None:
    ray.init(num_cpus=parallel, include_dashboard=False, logging_level="ERROR", log_to_driver=False)
    with tempfile.TemporaryDirectory() as storage:
        tuner = tune.Tuner(
            NoOp,
            param_space={"seed": tune.uniform(0, 1)},
            tune_config=tune.TuneConfig(num_samples=trials, max_concurrent_trials=parallel, reuse_actors=True),
            run_config=tune.RunConfig(storage_path=storage, verbose=0),
        )
        started = time.perf_counter()
        results = tuner.fit()
        seconds = time.perf_counter() - started
    if len(results) != trials or results.errors:
        raise SystemExit(f"{len(results)} of {trials} trials ended, {len(results.errors)} with errors")
    print(json.dumps({"seconds": seconds}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
