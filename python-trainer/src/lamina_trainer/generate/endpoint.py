"""Client of an OpenAI-compatible server: retries what may pass, and names the fix for what will not."""

import logging
import os
import random
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Final, Self

import httpx

from lamina_trainer.contract.generation import Limits, RemoteEndpoint
from lamina_trainer.errors import InvalidError, StoppedError, TrainerError
from lamina_trainer.generate.journal import Answer
from lamina_trainer.generate.prompts import Request
from lamina_trainer.generate.rate_limiter import RateLimiter

_log = logging.getLogger(__name__)

_AGAIN: Final = frozenset({408, 409, 425, 429})
_ABOUT_THIS_REQUEST: Final = frozenset({400, 413, 422})
_PATHS: Final = {"chat": "chat/completions", "completions": "completions"}


class UnavailableError(TrainerError):
    """The endpoint does not answer now; what it has answered is kept, and the same command continues."""


class RefusedError(TrainerError):
    """The endpoint will not answer this one request."""


class OpenAiClient:
    """Asks for one completion at a time; may be used by several threads."""

    def __init__(self, endpoint: RemoteEndpoint, limits: Limits, stop: threading.Event) -> None:
        self._endpoint = endpoint
        self._limits = limits
        self._stop = stop
        self._rate_limiter = RateLimiter(limits.requests_per_minute, stop)
        self._key = _key_of(endpoint)
        self._http = httpx.Client(
            base_url=f"{endpoint.base_url}/",
            headers={} if self._key is None else {"authorization": f"Bearer {self._key}"},
            timeout=httpx.Timeout(limits.timeout_seconds, connect=min(10.0, limits.timeout_seconds)),
            limits=httpx.Limits(max_connections=limits.concurrency),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._http.close()

    def ask(self, request: Request, leaving: Callable[[], None]) -> Answer:
        """Get an answer; `leaving` is called before each try.

        Raises RefusedError for an answer about this request alone, InvalidError for one about all of them
        (key, model, address), UnavailableError when the tries are used up, StoppedError after a stop.
        """
        trouble = ""
        for attempt in range(1, self._limits.attempts + 1):
            if not self._rate_limiter.wait():
                raise StoppedError("Asked to stop.")
            leaving()
            wait = None
            try:
                response = self._http.post(_PATHS[self._endpoint.api], json=request.body)
            except httpx.TransportError as error:
                trouble = f"{type(error).__name__}: {self._plain(str(error))}"
            else:
                if response.status_code == 200:
                    answer = _answer_of(response)
                    if answer is not None:
                        return answer
                    trouble = f"it answered with something else than a completion: {self._excerpt(response)}"
                else:
                    trouble = self._trouble(response)
                    wait = _retry_after(response.headers.get("retry-after"))
            self._back_off(attempt, wait, throttled=wait is not None, trouble=trouble)
        raise UnavailableError(
            f"{self._endpoint.base_url} gave no answer in {self._limits.attempts} tries ({trouble}). "
            "See that it runs and that endpoint.baseUrl is right; the answers so far are kept, and the same "
            "command continues."
        )

    def _trouble(self, response: httpx.Response) -> str:
        """What a status that may pass says; raises for one that will not."""
        status, said = response.status_code, self._excerpt(response)
        variable = self._endpoint.api_key_variable
        if status in {401, 403}:
            fix = (
                "name the variable that holds a key in endpoint.apiKeyVariable"
                if variable is None
                else f"check the key in the variable {variable}"
            )
            raise InvalidError(f"{self._endpoint.base_url} refuses access ({status}): {said}; {fix}.")
        if status == 404:
            raise InvalidError(
                f"{self._endpoint.base_url} does not know the model '{self._endpoint.model}' or the address "
                f"(404): {said}; {self._known_models()}."
            )
        if status in _ABOUT_THIS_REQUEST:
            raise RefusedError(f"{status}: {said}")
        if status == 429 and "insufficient_quota" in response.text:
            raise InvalidError(f"The quota at {self._endpoint.base_url} is used up: {said}; raise it or wait.")
        if status in _AGAIN or status >= 500:
            return f"{status}: {said}"
        raise InvalidError(
            f"{self._endpoint.base_url} answered {status}: {said}; check endpoint.baseUrl, which ends in /v1 mostly."
        )

    def _back_off(self, attempt: int, asked: float | None, *, throttled: bool, trouble: str) -> None:
        if asked is not None and asked > self._limits.longest_wait_seconds:
            raise UnavailableError(
                f"{self._endpoint.base_url} asks for a pause of {asked:.0f} s, longer than "
                "limits.longestWaitSeconds; the answers so far are kept, and the same command continues later."
            )
        if attempt == self._limits.attempts:
            return
        wait = self._limits.first_retry_seconds * 2 ** (attempt - 1) * random.uniform(0.75, 1.25)  # noqa: S311
        wait = min(wait, self._limits.longest_wait_seconds) if asked is None else asked
        _log.info("Again in %.1f s, because %s", wait, trouble)
        if throttled:
            self._rate_limiter.pause(wait)
        else:
            self._stop.wait(wait)

    def _known_models(self) -> str:
        try:
            models = [str(item["id"]) for item in self._http.get("models").json()["data"]]
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            return "check endpoint.baseUrl, which ends in /v1 mostly, and endpoint.model"
        return f"its models are: {', '.join(models[:20])}"

    def _excerpt(self, response: httpx.Response) -> str:
        try:
            error = response.json()["error"]
            said = str(error["message"] if isinstance(error, dict) else error)
        except (ValueError, KeyError, TypeError):
            said = response.text
        return " ".join(self._plain(said).split())[:300] or "without a word"

    def _plain(self, text: str) -> str:
        return text if not self._key else text.replace(self._key, "•••")


def _key_of(endpoint: RemoteEndpoint) -> str | None:
    if endpoint.api_key_variable is None:
        return None
    key = os.environ.get(endpoint.api_key_variable, "").strip()
    if not key:
        raise InvalidError(
            f"The variable {endpoint.api_key_variable}, which endpoint.apiKeyVariable names, is not set; "
            f"set it to the key of {endpoint.base_url}."
        )
    return key


def _answer_of(response: httpx.Response) -> Answer | None:
    """The completion in an answer, or nothing where there is none, as from a proxy or a broken connection."""
    try:
        body = response.json()
        choice = body["choices"][0]
        text = choice["message"]["content"] if "message" in choice else choice["text"]
        usage = body.get("usage") or {}
        return Answer(
            text="" if text is None else str(text),
            finish=choice.get("finish_reason"),
            prompt_tokens=_count(usage.get("prompt_tokens")),
            completion_tokens=_count(usage.get("completion_tokens")),
            model=body.get("model"),
        )
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        return None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and value >= 0 else None


def _retry_after(value: str | None) -> float | None:
    """Seconds that a Retry-After header asks for, in either of its two forms."""
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
