"""Golden model: configuration, fixed point, periphery, devices, products, training, metrics."""

import hashlib
import os
import pickle
from contextlib import suppress
from pathlib import Path

# Numba keeps compiled kernels per file and does not see when a kernel of another file, compiled into them, changes.
# A cache folder named by a hash of all sources of the model makes a stale kernel impossible. Studies have no kernels.
_SOURCES = Path(__file__).parent
_FILES = sorted(path for path in _SOURCES.rglob("*.py") if path.parent.name != "study")
_DIGEST = hashlib.sha256(b"\0".join(path.read_bytes() for path in _FILES)).hexdigest()[:12]
_FOLDER = _SOURCES.parent / "build" / "numba" / _DIGEST
os.environ.setdefault("NUMBA_CACHE_DIR", str(_FOLDER))


def _drop_cut_off(folder: Path) -> None:
    """Remove compiled kernels that are not whole pickles, as a full disk leaves them: numba would stop at them."""
    for file in folder.rglob("*.nb[ic]"):
        with suppress(OSError):
            if not file.read_bytes().endswith(pickle.STOP):
                file.unlink()


_drop_cut_off(_FOLDER)
