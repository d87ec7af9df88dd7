"""Which local model suits this machine. Knows sizes (data/models.yaml); loads no model library."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import psutil
from pydantic import Field

from knowledge.datafile import Entry, parse, read_yaml, refuse_repeats

_FILE = Path(__file__).parent / "data" / "models.yaml"
Device = Literal["cpu", "cuda"]
_CUDA_PARTS = ("lib/libtorch_cuda.so", "lib/torch_cuda.dll")


class Model(Entry):
    """One entry of data/models.yaml: a hub name and the least machine it suits."""

    id: str
    name: str
    device: Device
    memory_gib: float = Field(gt=0)
    cores: int = Field(ge=1)
    why: str
    source: str


class Models(Entry):
    """All of data/models.yaml."""

    version: str
    models: tuple[Model, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Machine:
    """What a model would run on: memory of the device in GiB, cores, and a card torch cannot use.

    ``idle_card``: the name of a graphics card that the installed torch has no part for.
    """

    device: Device
    memory_gib: float
    cores: int
    idle_card: str | None = None


@functools.lru_cache(maxsize=1)
def load() -> Models:
    """Load the table (cached)."""
    found = parse(Models, read_yaml(_FILE), _FILE.name)
    refuse_repeats((one.id for one in found.models), _FILE.name)
    return found


def suggest(machine: Machine) -> Model | None:
    """Give the last model that fits, None where even the smallest does not."""
    fits = [
        one
        for one in load().models
        if one.device == machine.device
        and one.memory_gib <= machine.memory_gib
        and one.cores <= machine.cores
    ]
    return fits[-1] if fits else None


def this_machine() -> Machine:
    """Look at this machine, without importing torch."""
    memory, cores = psutil.virtual_memory().total / 2**30, os.cpu_count() or 1
    card = _card()
    if card is None:
        return Machine("cpu", memory, cores)
    name, card_gib = card
    if _torch_has_cuda():
        return Machine("cuda", card_gib, cores)
    return Machine("cpu", memory, cores, idle_card=name)


def _card() -> tuple[str, float] | None:
    """Ask nvidia-smi for the card torch takes, the first: its name and memory in GiB."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return None
    ask = [tool, "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(ask, capture_output=True, text=True, timeout=10, check=True)
        name, mebibytes = done.stdout.splitlines()[0].rsplit(",", 1)
        return name.strip(), float(mebibytes) / 1024
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return None  # a tool that does not answer stands for no card


def _torch_has_cuda() -> bool:
    spec = find_spec("torch")
    folders = spec.submodule_search_locations if spec else None
    return any((Path(folder) / part).is_file() for folder in folders or () for part in _CUDA_PARTS)
