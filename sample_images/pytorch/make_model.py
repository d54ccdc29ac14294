"""Trains a small network on made-up flowers and writes it to standard output as a model.tar.gz.

    cd sample_images/pytorch
    docker run --rm -v $PWD:/w -w /w --entrypoint python3 sm-conformance/pytorch make_model.py > model.tar.gz

It stands for a training that happened elsewhere; any Python with PyTorch will do.
"""

import gzip
import io
import json
import sys
import tarfile

import torch

LABELS = ["setosa", "versicolor", "virginica"]
# Length and width of sepal and petal in cm, and how far single flowers differ from that.
MIDDLES = [[5.0, 3.4, 1.5, 0.2], [5.9, 2.8, 4.3, 1.3], [6.6, 3.0, 5.6, 2.0]]
SPREAD = 0.25
EACH = 200
STEPS = 300


class Network(torch.nn.Module):
    """Rows of four numbers in, a score for each label out."""

    # Read from the saved model by whoever serves it.
    columns: int

    def __init__(self) -> None:
        super().__init__()
        self.columns = len(MIDDLES[0])
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(self.columns, 16), torch.nn.ReLU(), torch.nn.Linear(16, len(LABELS))
        )

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return self.layers(rows)


def trained() -> Network:
    """A network that tells the flowers apart."""
    torch.manual_seed(0)
    middles = torch.tensor(MIDDLES).repeat_interleave(EACH, dim=0)
    rows = middles + SPREAD * torch.randn_like(middles)
    wanted = torch.arange(len(LABELS)).repeat_interleave(EACH)
    network = Network()
    optimiser = torch.optim.Adam(network.parameters(), lr=0.02)
    for _ in range(STEPS):
        optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(network(rows), wanted)
        loss.backward()
        optimiser.step()
    right = (network(rows).argmax(dim=1) == wanted).float().mean().item()
    print(f"{right:.1%} of the made-up flowers are told apart", file=sys.stderr)
    return network.eval()


def packed(files: dict[str, bytes]) -> bytes:
    """The files as the platform hands a model over."""
    held = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=held, mode="wb", mtime=0) as pressed,
        tarfile.open(fileobj=pressed, mode="w") as archive,
    ):
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return held.getvalue()


if __name__ == "__main__":
    saved = io.BytesIO()
    torch.jit.save(torch.jit.script(trained()), saved)
    files = {"model.pt": saved.getvalue(), "labels.json": json.dumps(LABELS).encode()}
    sys.stdout.buffer.write(packed(files))
