"""The Temporal worker around `advance`."""

import asyncio
import logging
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from temporalio import activity
from temporalio.client import Client
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError
from temporalio.runtime import LogForwardingConfig, LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter
from temporalio.worker import Worker

from lamina_trainer.contract.document import parse_document
from lamina_trainer.contract.search import AdvanceStudyInput
from lamina_trainer.errors import EXIT_CRASHED, EXIT_SUCCEEDED, InvalidError
from lamina_trainer.tuner.advance import advance
from lamina_trainer.tuner.check import check
from lamina_trainer.tuner.errors import StorageError
from lamina_trainer.tuner.logs import log_in_lines
from lamina_trainer.tuner.studies import CONCURRENT, Storage

_log = logging.getLogger(__name__)

_ADVANCE_STUDY: Final = "advance_study"

_CONNECT_SECONDS: Final = 60.0
_GRACE: Final = timedelta(seconds=30)


@dataclass(frozen=True)
class Server:
    """Where the work comes from."""

    address: str
    namespace: str
    task_queue: str


class Activities:
    """The one activity, over a storage."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    @activity.defn(name=_ADVANCE_STUDY)
    def advance_study(self, payload: RawValue) -> dict[str, Any]:
        """Advance a study. Fails as `Invalid`, for good, or as `StorageUnavailable`, which is worth a retry."""
        try:
            wanted = parse_document(AdvanceStudyInput, payload.payload.data)
            check(wanted)
            with self._storage.study(wanted.study.name) as storage:
                return advance(storage, wanted).model_dump(mode="json", by_alias=True)
        except InvalidError as error:
            raise ApplicationError(str(error), type="Invalid", non_retryable=True) from None
        except StorageError as error:
            raise ApplicationError(str(error), type="StorageUnavailable") from None


def run_worker(server: Server, storage: Storage, parent: int | None) -> int:
    """Work until SIGTERM or SIGINT, then let activities in progress end; returns the exit code.

    With the process id of a parent, end at once when it has died.
    """
    log_in_lines()
    if parent is not None:
        _exit_with(parent)
    try:
        asyncio.run(_work(server, storage))
    except (RuntimeError, OSError) as error:
        _log.error("the tuner ends: %s", error)
        return EXIT_CRASHED
    return EXIT_SUCCEEDED


async def _work(server: Server, storage: Storage) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    client = await _connect(server, stop)
    if client is None:
        return
    with ThreadPoolExecutor(CONCURRENT) as executor:
        worker = Worker(
            client,
            task_queue=server.task_queue,
            activities=[Activities(storage).advance_study],
            activity_executor=executor,
            max_concurrent_activities=CONCURRENT,
            graceful_shutdown_timeout=_GRACE,
        )
        running = asyncio.create_task(worker.run())
        stopping = asyncio.create_task(stop.wait())
        _log.info(
            "tuner on task queue %s, namespace %s of %s, studies in %s",
            server.task_queue,
            server.namespace,
            server.address,
            storage.describe(),
        )
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not running.done():
            _log.info("stopping")
            await worker.shutdown()
        await running


async def _connect(server: Server, stop: asyncio.Event) -> Client | None:
    """Connect, as soon as the server is there; None if the process is to stop before."""
    forwarding = LogForwardingConfig(logging.getLogger("temporalio.core"))
    telemetry = LoggingConfig(TelemetryFilter(core_level="WARN", other_level="ERROR"), forwarding=forwarding)
    runtime = Runtime(telemetry=TelemetryConfig(logging=telemetry))
    give_up_at = time.monotonic() + _CONNECT_SECONDS
    while not stop.is_set():
        try:
            return await Client.connect(server.address, namespace=server.namespace, runtime=runtime)
        except RuntimeError as error:
            if time.monotonic() > give_up_at:
                raise
            _log.warning("no Temporal server at %s yet: %s", server.address, error)
            await asyncio.sleep(1)
    return None


def _exit_with(parent: int) -> None:
    """End when the parent has died: any moment is as good as another to be killed."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        _log.info("the process that started the tuner has ended, and so does the tuner")
        os._exit(EXIT_CRASHED)

    threading.Thread(target=watch, daemon=True, name="parent").start()
