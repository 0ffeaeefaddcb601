# SPDX-License-Identifier: Apache-2.0
"""Workers that share the trials of an exploration by a storage of Optuna, and results by a folder.

    path of a file                      a journal of Optuna with its lock; every worker appends to it
    sqlite:///FILE, postgresql://...    a database that SQLAlchemy knows
    grpc://HOST:PORT                    a proxy of such a storage (optuna.storages.run_grpc_proxy_server)

Each worker asks for a trial, runs it, tells its result, and takes the next, until there are all. Asking and telling is
under a lock in the folder, so that there are as many trials as were asked for and none is told twice. Who runs a trial
has a claim (`Store.claim`), which ends with the process: a trial that is not told and not claimed is one of a worker
that was killed, and the next that looks for work takes it, before it asks for a new one.
"""

from __future__ import annotations

import hashlib
import json
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import optuna
from filelock import FileLock
from optuna.distributions import distribution_to_json
from optuna.trial import TrialState

from symtrack.model.study.case import Case, key
from symtrack.model.study.exploration import Exploration, Plan, Run
from symtrack.model.study.store import CLAIMS

LOCK = "exploration"
PAUSE = 0.5  # seconds between two looks for work while all that is left is in work elsewhere
ANSWER = 20  # seconds that a proxy may take to answer
GRPC = "grpc"
ALLOWED = "must be the path of a journal file, the URL of a database such as sqlite:///FILE, or grpc://HOST:PORT"


def lock(folder: Path) -> FileLock:
    """The lock of all workers that share the folder of a store; held while they ask and tell."""
    (folder / CLAIMS).mkdir(parents=True, exist_ok=True)
    return FileLock(folder / CLAIMS / LOCK)


def open_storage(text: str, folder: Path) -> optuna.storages.BaseStorage:
    """The storage that a text names, of workers that share the folder of a store: one of them makes a new one.

    Raises
    ------
    ValueError
        There is no such storage, or what it needs is not installed.
    """
    named = f"storage = {text!r}"
    if "://" not in text:
        if not text or Path(text).is_dir() or not Path(text).absolute().parent.is_dir():
            raise ValueError(f"{named}: {ALLOWED}, and its folder must be there")
        from optuna.storages.journal import JournalFileBackend

        try:
            return optuna.storages.JournalStorage(JournalFileBackend(text))
        except OSError as error:
            raise ValueError(f"{named}: must be a file that can be written to ({error.strerror})") from None
        except ValueError:
            raise ValueError(f"{named}: must be a journal of Optuna, or a new file") from None
    if text.startswith(f"{GRPC}://"):
        return _proxy(text, named)
    try:
        with lock(folder):  # tables are made by one
            return optuna.storages.RDBStorage(text, engine_kwargs={"connect_args": _patience(text)})
    except Exception as error:  # SQLAlchemy and drivers have their own
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(f"{named}: {ALLOWED}, that can be reached ({reason})") from None


def _patience(url: str) -> dict[str, float]:
    """SQLite refuses after five seconds unless told otherwise, which many workers exceed."""
    return {"timeout": 60.0} if url.startswith("sqlite") else {}


def _proxy(text: str, named: str) -> optuna.storages.BaseStorage:
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or port is None:
        raise ValueError(f"{named}: {ALLOWED}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        try:
            proxy = optuna.storages.GrpcStorageProxy(host=host, port=port)
            proxy.wait_server_ready(timeout=ANSWER)
        except ImportError:
            raise ValueError(f"{named}: must be another one unless grpcio and protobuf are installed") from None
        except ConnectionError:
            raise ValueError(f"{named}: must be a proxy that answers within {ANSWER} seconds") from None
    return proxy


def name_of(plan: Plan, content: str) -> str:
    """The name of an exploration in a storage: equal for workers that were told the same, of other ones another.

    ``content`` says what `Plan.make` makes, such as the key of a run.
    """
    ranges = {name: distribution_to_json(one) for name, one in plan.ranges.items()}
    told = [content, ranges, list(plan.objectives), plan.epochs, plan.steps, plan.sampler, plan.seed]
    return f"symtrack-{hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]}"


class Worker:
    """One of the processes, or one with several processes of its own, that share an exploration.

    Parameters
    ----------
    exploration
        With a storage and a store that the others have, too.
    together
        Trials that it runs at once.
    """

    def __init__(self, exploration: Exploration, together: int = 1) -> None:
        self.exploration, self.together = exploration, together
        self._lock = lock(exploration.store.folder)

    def work(self, run: Run, told: Callable[[int], None] = lambda count: None) -> None:
        """Work until all trials are told; ``run`` brings the results of cases into the store, ``told`` hears of the
        number of trials that are over.
        """
        while True:
            with ExitStack() as claims:
                with self._lock:
                    left = self._tell()
                    chosen = self._choose(left, claims)
                told(len(self.exploration.frozen) - len(left))
                if chosen:
                    run(chosen)
                elif left:
                    time.sleep(PAUSE)
                else:
                    return

    def _tell(self) -> list[int]:
        """Tell all results that are there; the numbers of the trials that have none yet."""
        exploration = self.exploration
        exploration.store.refresh()
        running = exploration.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        left = []
        for one in running:
            if set(one.params) != set(exploration.plan.ranges):  # its worker was killed while it asked
                exploration.study.tell(one.number, state=TrialState.FAIL)
            elif not exploration.tell(one.number):
                left.append(one.number)
        return left

    def _choose(self, left: Sequence[int], claims: ExitStack) -> list[Case]:
        """Runs for this worker: first of trials that nobody has claimed, then of new ones. ``claims`` gets its own."""
        exploration, chosen = self.exploration, list[Case]()

        def take(number: int) -> None:
            case = exploration.case(number)
            if case is not None and claims.enter_context(exploration.store.claim(f"{key(case)}-{LOCK}")):
                chosen.append(case)

        for number in left:
            if len(chosen) < self.together:
                take(number)
        while len(chosen) < self.together and len(exploration.frozen) < exploration.plan.trials:
            take(exploration.ask())
        return chosen
