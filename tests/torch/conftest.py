# SPDX-License-Identifier: Apache-2.0
"""One thread of torch: the networks are small, and threads that wait for each other take the time of other tests."""

import torch

torch.set_num_threads(1)
