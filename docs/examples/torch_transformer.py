# SPDX-License-Identifier: Apache-2.0
"""A small transformer in PyTorch whose linear layers are analog, trained with E-RIDER under an offset."""

import torch
from torch import nn

from symtrack.torch import AnalogSGD, convert_to_analog, state_sha256, verilog

LENGTH, SYMBOLS, WIDTH = 8, 6, 16
STEPS, BATCH = 400, 16


class Block(nn.Module):
    """Attention and a feed-forward network; every projection is a Linear of its own, which can be analog."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.query, self.key, self.value = (nn.Linear(WIDTH, WIDTH) for _ in range(3))
        self.out = nn.Linear(WIDTH, WIDTH)
        self.feed = nn.Sequential(nn.Linear(WIDTH, 2 * WIDTH), nn.GELU(), nn.Linear(2 * WIDTH, WIDTH))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norm1(x)
        y = nn.functional.scaled_dot_product_attention(self.query(y), self.key(y), self.value(y))
        x = x + self.out(y)
        return x + self.feed(self.norm2(x))


class Transformer(nn.Module):
    """Says which symbol of a sequence is the one that comes most often."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(SYMBOLS, WIDTH)
        self.block = Block()
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, SYMBOLS)

    def forward(self, symbols: torch.Tensor) -> torch.Tensor:
        return self.head(self.norm(self.block(self.embedding(symbols)).mean(1)))


def batch(count: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Sequences in which one symbol fills about half of the places, and that symbol."""
    most = torch.randint(SYMBOLS, (count,), generator=generator)
    symbols = torch.randint(SYMBOLS, (count, LENGTH), generator=generator)
    here = torch.rand((count, LENGTH), generator=generator) < 0.4
    return torch.where(here, most[:, None], symbols), most


torch.manual_seed(1)
torch.set_num_threads(1)
model = convert_to_analog(
    Transformer(),
    seed=1,
    algorithm="e-rider",
    reference_mean=0.3,
    reference_std=0.1,
    rates={"reads": 16},
    tiles={"chopper_period": 5},
)
print(model)
optimizer = AnalogSGD(model.parameters(), lr=0.05, momentum=0.9)
schedule = torch.optim.lr_scheduler.StepLR(optimizer, STEPS // 2, 0.3)
generator = torch.Generator().manual_seed(2)
for step in range(1, STEPS + 1):
    x, y = batch(BATCH, generator)
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
    schedule.step()
    if step % 100 == 0:
        model.eval()
        with torch.no_grad():
            x, y = batch(200, torch.Generator().manual_seed(3))
            print(f"step {step}: {(model(x).argmax(1) == y).float().mean():.1%} of 200 right")
        model.train()
print("state", state_sha256(model))
files = verilog(model, "verilog")
print(len(files), "files of Verilog, among them", files[-1])
