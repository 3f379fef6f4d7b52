"""Whether the Hugging Face hub can be asked, decided once and quickly.

Without a network the hub's client retries for minutes before it fails. A trial on a machine without
one has to say so in seconds.
"""

import os
import sys
from typing import Final

import httpx

_TRUE: Final = {"1", "true", "yes", "on"}
_PROBE_SECONDS: Final = 5.0

_reachable: bool | None = None


def hub_offline() -> bool:
    """Whether only the local hub cache may be used: by HF_HUB_OFFLINE, or because the hub is unreachable.

    The first call may take up to 5 s; if the hub does not answer, the libraries are switched to offline
    mode for the rest of the process.
    """
    global _reachable
    if os.environ.get("HF_HUB_OFFLINE", "").lower() in _TRUE:
        switch_offline()
        return True
    if _reachable is None:
        _reachable = _probe()
        if not _reachable:
            switch_offline()
    return not _reachable


def switch_offline() -> None:
    """Make the hub's libraries use their local cache alone, also those that are imported already."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    # Both read the variable when they are imported, which in a forked trial was long ago.
    constants = sys.modules.get("huggingface_hub.constants")
    if constants is not None:
        constants.HF_HUB_OFFLINE = True  # type: ignore[attr-defined]
    config = sys.modules.get("datasets.config")
    if config is not None:
        config.HF_HUB_OFFLINE = True  # type: ignore[attr-defined]


def _probe() -> bool:
    endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co")
    try:
        httpx.head(endpoint, timeout=_PROBE_SECONDS, follow_redirects=False)
    except httpx.HTTPError:
        return False
    return True
