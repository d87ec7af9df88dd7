import subprocess

import pytest

from coach import suggestion
from coach.suggestion import Machine, load, suggest, this_machine


@pytest.mark.parametrize("machine, name", [
    pytest.param(Machine("cpu", 4, 2), None, id="too little memory"),
    pytest.param(Machine("cpu", 24, 2), "Qwen/Qwen3-0.6B", id="two cores: 1.7B would be too slow"),
    pytest.param(Machine("cpu", 8, 16), "Qwen/Qwen3-0.6B", id="1.7B in float32 does not fit 8 GiB"),
    pytest.param(Machine("cpu", 32, 8), "Qwen/Qwen3-1.7B", id="cpu with room"),
    pytest.param(Machine("cuda", 3, 8), None, id="card too small"),
    pytest.param(Machine("cuda", 8, 4), "Qwen/Qwen3-1.7B", id="8 GiB card"),
    pytest.param(Machine("cuda", 11.9, 4), "Qwen/Qwen3-4B-Instruct-2507", id="a 12 GiB card says 11.9"),
    pytest.param(Machine("cuda", 79, 16), "Qwen/Qwen3-8B", id="H100"),
])  # fmt: skip
def test_the_last_model_that_fits_is_suggested(machine, name):
    found = suggest(machine)
    assert (found.name if found else None) == name


def test_what_is_suggested_fits_in_memory_by_its_own_size():
    for one in load().models:
        billions = float(one.name.partition("Qwen3-")[2].partition("B")[0])
        need = billions * (4 if one.device == "cpu" else 2) * 1e9 / 2**30 + 2
        assert one.memory_gib >= need, f"{one.id}: needs {need:.1f} GiB with two for the talks"


def answering(text, code=0):
    def run(*_, **__):
        if code:
            raise subprocess.CalledProcessError(code, "nvidia-smi")
        return subprocess.CompletedProcess([], 0, stdout=text)

    return run


@pytest.mark.parametrize("tool, text, code, cuda, device, idle", [
    pytest.param(None, "", 0, True, "cpu", None, id="no tool"),
    pytest.param("smi", "NVIDIA L4, 23034\nNVIDIA L4, 23034\n", 0, True, "cuda", None, id="card"),
    pytest.param("smi", "NVIDIA L4, 23034\n", 0, False, "cpu", "NVIDIA L4", id="torch without CUDA"),
    pytest.param("smi", "", 9, True, "cpu", None, id="the tool fails"),
    pytest.param("smi", "no devices\n", 0, True, "cpu", None, id="the tool finds none"),
    pytest.param("smi", "", 0, True, "cpu", None, id="the tool says nothing"),
])  # fmt: skip
def test_the_machine_is_looked_at_without_torch(monkeypatch, tool, text, code, cuda, device, idle):
    monkeypatch.setattr("shutil.which", lambda name: tool)
    monkeypatch.setattr("subprocess.run", answering(text, code))
    monkeypatch.setattr(suggestion, "_torch_has_cuda", lambda: cuda)
    found = this_machine()
    assert (found.device, found.idle_card) == (device, idle) and found.cores >= 1
    if device == "cuda":
        assert found.memory_gib == pytest.approx(22.49, abs=0.01), "23034 MiB / 1024"
