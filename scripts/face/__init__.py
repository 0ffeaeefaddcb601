"""symtrack: RTL-backed hardware co-design of dynamic symmetric point tracking for analog in-memory training."""

from typing import Any


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from symtrack.version import version

        return version()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
