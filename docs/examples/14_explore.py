# SPDX-License-Identifier: Apache-2.0
"""Looks for the designs that are best in accuracy, pulses, cycles and gates, and writes a page of them."""

import symtrack


def main():
    run = symtrack.Experiment("digits", network=[8], batch=8, reference_mean=0.2)
    vary = ["adc_bits", "lanes", "chopper_period", "bl_max", "read_bound"]
    found = symtrack.explore(run, folder="build/explored", epochs=1, trials=8, vary=vary, jobs=2)
    table = found.to_frame()
    print(table[table.front][["trial", "accuracy", "pulses", "cycles", "gates", *vary]].to_string(index=False))
    files = found.save("build/explore")
    print(files[0])
    config = found.tiles(found.front[0])[0]  # of the first layer of the design with the best accuracy
    print(len(symtrack.generate_verilog(config).files))


if __name__ == "__main__":
    main()
