# SPDX-License-Identifier: Apache-2.0
"""Trains a network of one's own on data of one's own, writes its weights into fresh devices, and lets them age."""

from pathlib import Path

from sklearn.datasets import load_breast_cancer

import symtrack

X, y = load_breast_cancer(return_X_y=True)
data = symtrack.Dataset.classification(X, y, test=0.2, scale="minmax", name="breast cancer")
folder = Path("build/examples")
folder.mkdir(parents=True, exist_ok=True)
callbacks = [symtrack.CSVLogger(folder / "log.csv"), symtrack.EarlyStopping("loss", patience=4), symtrack.ProgressBar()]
try:
    callbacks.append(symtrack.TensorBoardLogger(folder / "events"))
except ImportError as missing:
    print(missing)


class Tracking(symtrack.Callback):
    """Says how far the tracked symmetric points are from the true ones."""

    def on_evaluation(self, run, evaluation):
        print(f"step {evaluation['step']:5}: loss {evaluation['loss']:.3f}, tracking {evaluation['sp_rmse']:.3f}")


run = symtrack.Experiment(data, network=[16], algorithm="e-rider", reference_mean=0.3, reference_std=0.1, seed=7)
result = run.fit(epochs=4, callbacks=[*callbacks, Tracking()], record={"Q"}, every=100)
print(f"accuracy {result.accuracy:.1%}, Q [time, rows, columns] = {result.array('layer0', 'Q').shape}")

aged = symtrack.Experiment(data, network=[16], weights=run.weights(), writing=symtrack.Writing(reads=32), seed=8)
print(f"written with {aged.written.pulses} pulses, error {aged.written.error:.3f}")
for time in (1.0, 1e3, 1e6):
    print(f"after {time:9.0f} times the first read: accuracy {aged.after_retention(time).accuracy:.1%}")
