"""Golden model: configuration, fixed point, periphery, devices, products, training, metrics."""

import hashlib
import os
from pathlib import Path

# Numba keeps compiled kernels per file and does not see when a kernel of another file, compiled into them, changes.
# A cache folder named by a hash of all sources of the model makes a stale kernel impossible. Studies have no kernels.
_SOURCES = Path(__file__).parent
_FILES = sorted(path for path in _SOURCES.rglob("*.py") if path.parent.name != "study")
_DIGEST = hashlib.sha256(b"\0".join(path.read_bytes() for path in _FILES)).hexdigest()[:12]
os.environ.setdefault("NUMBA_CACHE_DIR", str(_SOURCES.parent / "build" / "numba" / _DIGEST))
