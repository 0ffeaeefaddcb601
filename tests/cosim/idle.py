"""A job that plays no cycle."""

from cosim.bench import Bench


def nothing(bench: Bench) -> None:
    """Return at once."""
