# SPDX-License-Identifier: Apache-2.0
"""Fits of device families in several processes, each kept as soon as it is there, so that a run can go on.

A family is fitted by one process from the recording alone, and a fit is the same whether it was fitted here, in a
worker or by an earlier run: what the number of processes is does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path
from typing import Any

from symtrack.cosim.tools.journal import Journal, key_of
from symtrack.cosim.tools.processes import Pool
from symtrack.model.devices.fitting import fit as fitting
from symtrack.model.devices.fitting.data import Recording
from symtrack.model.devices.fitting.fit import Fit, chosen, digest, fit_family, restored
from symtrack.model.source_files import source_digest

_SHOWN_EVERY_S = 0.5  # of the time left


def key(recording: Recording) -> str:
    """The key of the fits of a recording in a journal."""
    return key_of("fit", digest(recording), source_digest(Path(fitting.__file__)))


def fit_families(
    recording: Recording,
    families: Sequence[str],
    *,
    jobs: int = 1,
    journal: Journal | None = None,
    advance: Callable[[int], None] = lambda amount: None,
) -> list[Fit]:
    """Fits of several families as `model.devices.fitting.fit.fit` has them, best first.

    Parameters
    ----------
    jobs : number of processes; with 1, the fits are made in this one.
    journal : gets every fit when it is there, and has those of earlier runs, with the key of the recording.
    advance : is told of every family that has been fitted now, and of 0 now and then.

    Raises
    ------
    ValueError
        No array can be built of any of them.
    """
    kept: dict[str, Any] = {entry["family"]: entry["fit"] for entry in (journal.entries if journal else [])}
    left = [family for family in families if family not in kept]

    def keep(family: str, saved: dict[str, Any]) -> None:
        kept[family] = saved
        if journal:
            journal.append({"family": family, "fit": saved})
        advance(1)

    if min(jobs, len(left)) < 2:
        for family in left:
            advance(0)
            keep(family, _fitted(recording, family))
    else:
        with Pool(min(jobs, len(left))) as pool:
            work: dict[Future[dict[str, Any]], str] = {
                pool.submit(_fitted, recording, family): family for family in left
            }
            while work:
                done, _ = wait(work, _SHOWN_EVERY_S, FIRST_COMPLETED)
                advance(0)
                for future in done:
                    keep(work.pop(future), future.result())
    return chosen({family: restored(recording, kept[family]) for family in families})


def _fitted(recording: Recording, family: str) -> dict[str, Any]:
    """What a worker does."""
    return fit_family(recording, family).saved()
