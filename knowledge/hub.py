"""Whether a model hub can be reached at all: the libraries themselves try for a minute.

Knows addresses; nothing of models.
"""

from __future__ import annotations

import socket
from urllib.parse import urlsplit


def answers(endpoint: str, seconds: float = 3.0) -> bool:
    """Try to connect to a hub's address for so many seconds, > 0."""
    host = urlsplit(endpoint)
    port = host.port or (443 if host.scheme == "https" else 80)
    try:
        with socket.create_connection((host.hostname or "", port), timeout=seconds):
            return True
    except OSError:
        return False
