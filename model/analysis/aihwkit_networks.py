# SPDX-License-Identifier: Apache-2.0
"""Networks of `model.analysis.network_speed` and layers of `layer_speed` in aihwkit: run where that is installed.

``python aihwkit_networks.py IMAGES.npz BL`` answers every line of its input, a JSON object with work, batch and steps
or, for updates, what a layer is, by one with the processor milliseconds of a sample or an update. It needs torch and
aihwkit, and nothing of symtrack.
"""

import json
import sys
import time
from typing import Any


def main() -> None:
    """Answer until the input ends."""
    import aihwkit
    import numpy as np
    import torch
    from aihwkit.nn import AnalogConv2d, AnalogLinear, AnalogSequential
    from aihwkit.optim import AnalogSGD
    from aihwkit.simulator.configs import SingleRPUConfig, SoftBoundsReferenceDevice, UnitCellRPUConfig
    from aihwkit.simulator.configs.compounds import DynamicTransferCompound
    from aihwkit.simulator.parameters.training import UpdateParameters
    from torch import nn

    torch.set_num_threads(1)
    torch.manual_seed(1)
    data = np.load(sys.argv[1])
    images, labels = torch.tensor(data["images"]), torch.tensor(data["labels"])

    def device(offset: float) -> Any:
        bounds = {"dw_min": 0.001, "w_max": 0.6, "w_min": -0.6, "dw_min_std": 0.3}
        return SoftBoundsReferenceDevice(
            **bounds, subtract_symmetry_point=True, reference_mean=offset, reference_std=0.1 if offset else 0.0
        )

    def config() -> Any:
        agad = DynamicTransferCompound(
            unit_cell_devices=[device(0.3), device(0.0)],
            units_in_mbatch=True,
            in_chop_prob=0.05,
            fast_lr=0.5,
            auto_scale=True,
            transfer_lr=1.0,
            auto_granularity=1000,
        )
        return UnitCellRPUConfig(device=agad, update=UpdateParameters(desired_bl=int(sys.argv[2])))

    def linear(inputs: int, outputs: int) -> Any:
        return AnalogLinear(inputs, outputs, True, rpu_config=config())

    def convolution(inputs: int, outputs: int) -> Any:
        return AnalogConv2d(inputs, outputs, 5, rpu_config=config())

    def perceptron() -> Any:
        hidden = (nn.Flatten(), linear(784, 256), nn.Sigmoid(), linear(256, 128), nn.Sigmoid())
        return AnalogSequential(*hidden, linear(128, 10), nn.LogSoftmax(1))

    def lenet5() -> Any:
        first = (convolution(1, 16), nn.Tanh(), nn.MaxPool2d(2))
        second = (convolution(16, 32), nn.Tanh(), nn.MaxPool2d(2), nn.Flatten())
        return AnalogSequential(*first, *second, linear(512, 128), nn.Tanh(), linear(128, 10), nn.LogSoftmax(1))

    def updates(rows: int, columns: int, bl: int, density: float, row_density: float, batch: int, calls: int) -> float:
        """Milliseconds of an update of a tile, forth and back; a pair meets as often as in ours."""
        key = rows, columns, bl, density, row_density, batch
        if key not in tiles:
            update = UpdateParameters(desired_bl=bl, update_management=False, update_bl_management=False)
            one = SingleRPUConfig(device=device(0.0), update=update)
            tile = one.tile_class(rows, columns, one)
            tile.set_learning_rate(0.001 * bl)
            rng = np.random.default_rng(1)
            vectors = [
                torch.tensor(
                    rng.uniform(-1, 1, (2, batch, n)) * (rng.random((2, batch, n)) < share), dtype=torch.float32
                )
                for n, share in ((columns, density), (rows, row_density))
            ]
            tiles[key] = tile, *vectors
        tile, x, delta = tiles[key]
        start = time.process_time()
        for call in range(calls):
            tile.update(x[call % 2], delta[call % 2] * (1 - call % 4 // 2 * 2))
        return 1e3 * (time.process_time() - start) / (calls * batch)

    tiles: dict[Any, Any] = {}
    networks: dict[str, Any] = {}
    made = {"perceptron": perceptron, "lenet5": lenet5}
    print(json.dumps({"aihwkit": aihwkit.__version__, "torch": torch.__version__}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        name, batch = asked.pop("work"), asked["batch"]
        if name == "update":
            print(json.dumps({"ms": updates(**asked)}), flush=True)
            continue
        if name not in networks:
            network = made[name]()
            optimizer = AnalogSGD(network.parameters(), lr=0.05)
            optimizer.regroup_param_groups(network)
            networks[name] = [network, optimizer, 0]
        network, optimizer, done = networks[name]
        start = time.process_time()
        for step in range(done, done + asked["steps"]):
            chosen = torch.arange(step * batch, (step + 1) * batch) % len(images)
            optimizer.zero_grad()
            loss = nn.functional.nll_loss(network(images[chosen][:, None]), labels[chosen])
            loss.backward()
            optimizer.step()
        elapsed = time.process_time() - start
        networks[name][2] = done + asked["steps"]
        print(json.dumps({"ms": 1e3 * elapsed / (asked["steps"] * batch)}), flush=True)


if __name__ == "__main__":
    main()
