"""Checks of the contract that JSON Schema cannot say, or not in a sentence that helps.

The generated models call them on what was written, before it is validated: a mapping with the names of the
document, or a model where one is constructed.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit


def plain_address(url: Any) -> Any:
    """Refuse what is no http address, or holds a secret; the address loses a slash at its end."""
    if not isinstance(url, str):
        return url
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("is no http address; write one such as https://host/v1")
    if parts.username is not None or parts.password is not None or parts.query:
        raise ValueError("holds credentials or a query; put the key into a variable and name it in apiKeyVariable")
    return url.rstrip("/")


def one_server(endpoint: Any) -> Any:
    """Refuse an endpoint that is no server, or two."""
    if not isinstance(endpoint, Mapping):
        return endpoint
    url, gguf = endpoint.get("baseUrl"), endpoint.get("gguf")
    if (url is None) == (gguf is None):
        raise ValueError("needs either baseUrl, of a server that runs, or gguf, a model file to serve")
    if (url is None) != (endpoint.get("model") is None):
        raise ValueError("needs model together with baseUrl, and not with gguf")
    if gguf is None and endpoint.get("ggufFingerprint") is not None:
        raise ValueError("has no use for ggufFingerprint without gguf")
    if gguf is not None and any(endpoint.get(name) is not None for name in ("apiKeyVariable", "apiKeySecret")):
        raise ValueError("has no use for apiKeyVariable with gguf: that server is its own")
    return endpoint


def known_columns(fields: Any) -> Any:
    """Refuse fields that generated records do not have."""
    if isinstance(fields, Mapping):
        unknown = sorted({value for value in fields.values() if isinstance(value, str)} - {"prompt", "completion"})
        if unknown:
            raise ValueError(f"names '{unknown[0]}'; records have prompt and completion")
    return fields


def regular_expressions(expressions: Any) -> Any:
    """Refuse what Python cannot compile."""
    if not isinstance(expressions, Sequence) or isinstance(expressions, str):
        return expressions
    for expression in expressions:
        try:
            re.compile(expression if isinstance(expression, str) else "")
        except re.error as error:
            raise ValueError(f"'{expression}' is no regular expression: {error}") from error
    return expressions
