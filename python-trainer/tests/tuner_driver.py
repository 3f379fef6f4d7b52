"""A search as a workflow, as small as can be: suggestions in parallel, scored at once by a formula."""

from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy


def quadratic(parameters: dict[str, Any]) -> float:
    """Zero at x = 2, y = −3 with the choice `right`, which the other choice is a whole unit away from."""
    return (parameters["x"] - 2) ** 2 + (parameters["y"] + 3) ** 2 + (parameters["choice"] != "right")


@workflow.defn
class Search:
    """Ask, score, tell, until as many have finished as are wanted."""

    def __init__(self) -> None:
        self._told = 0

    @workflow.query
    def told(self) -> int:
        """How many ends the tuner has taken in."""
        return self._told

    @workflow.run
    async def run(self, study: dict[str, Any], queue: str, count: int, together: int, seconds: int) -> dict[str, Any]:
        answers: list[dict[str, Any]] = []
        told: list[dict[str, Any]] = []
        while True:
            asked = list(range(len(answers), min(count, len(answers) + together)))
            # Everything so far is told every time: most of it has been told before.
            answer = await workflow.execute_activity(
                "advance_study",
                {"study": study, "told": told, "reports": [], "asked": asked},
                task_queue=queue,
                result_type=dict,
                start_to_close_timeout=timedelta(seconds=seconds),
                retry_policy=RetryPolicy(
                    initial_interval=timedelta(milliseconds=100), maximum_interval=timedelta(seconds=1)
                ),
            )
            self._told = len(told)
            answers += answer["suggestions"]
            told = [
                {"number": each["number"], "state": "complete", "values": [quadratic(each["parameters"])]}
                for each in answers
            ]
            if not asked:
                return {"answers": answers, "finished": answer["finished"]}
