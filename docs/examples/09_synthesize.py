# SPDX-License-Identifier: Apache-2.0
"""Maps a tile to gates of no technology, block by block; needs the extra packages of `synthesis`."""

import symtrack

result = symtrack.synthesize("tiny", "generic")
for name, cost in sorted(result.blocks.items(), key=lambda item: -item[1].gates):
    print(f"{name:12} {cost.gates:8.0f} gates {cost.flip_flops:6.0f} flip-flops")
print(f"{'whole':12} {result.whole.gates:8.0f} gates {result.whole.flip_flops:6.0f} flip-flops")
