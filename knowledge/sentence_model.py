"""A sentence-transformers model of the user's choice, from a folder or a hub name.

The only door to sentence-transformers (and with it torch) outside training; opened when asked.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from knowledge import hub
from knowledge.datafile import DataError
from knowledge.encoder import unit_rows
from knowledge.postings import Floats


class SentenceTransformerEncoder:
    """A sentence-transformers model from a folder or, where there is a network, a hub name."""

    def __init__(self, name_or_folder: str) -> None:
        """Load the model.

        Raises:
            DataError: the package, the folder or the model is missing or damaged; says what to do.
        """
        folder = Path(name_or_folder).expanduser()
        is_path = folder.is_absolute() or name_or_folder.startswith(".")
        if is_path and not folder.is_dir():
            raise DataError(
                f"句向量模型：没有文件夹 {name_or_folder}，"
                "请给出 sentence-transformers 模型所在的文件夹，或不指定模型（用自带的检索）"
            )
        self.name = name_or_folder
        self._model = _load_model(str(folder) if folder.is_dir() else name_or_folder)
        self.dim = int(self._model.get_embedding_dimension() or 0)

    def encode(self, texts: list[str]) -> Floats:
        """Give (n, dim) float32, rows of length 1."""
        if not texts:
            return np.zeros((0, self.dim), dtype=np.float32)
        return unit_rows(np.asarray(self._model.encode(texts, convert_to_numpy=True)))


def _is_at_hand(name: str) -> bool:
    """Say whether a hub name is in the cache or the hub answers: the library waits a minute."""
    from huggingface_hub import constants, try_to_load_from_cache

    if isinstance(try_to_load_from_cache(name, "modules.json"), str):
        return True
    return hub.answers(constants.ENDPOINT)


def _load_model(name: str) -> Any:  # noqa: ANN401 - the class is imported late
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError:
        raise DataError(
            "句向量模型：没有安装 sentence-transformers，"
            "请运行 pip install sentence-transformers，或不指定模型（用自带的检索）"
        ) from None
    if Path(name).is_dir() and not (Path(name) / "modules.json").is_file():
        # The library would take any model of words and average them: a guess, not a sentence model.
        raise DataError(
            f"句向量模型：{name} 里没有 modules.json，不是 sentence-transformers 模型，"
            "请换一个文件夹，或不指定模型（用自带的检索）"
        )
    if not Path(name).is_dir() and not _is_at_hand(name):
        raise DataError(
            f"句向量模型：本机没有 {name}，也连不上模型站，"
            "请先在有网的机器上下载，把文件夹拷过来再指定，或不指定模型（用自带的检索）"
        )
    try:
        return SentenceTransformer(name)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise DataError(
            f"句向量模型：读不到 {name}（{type(error).__name__}），"
            "请检查名称、网络或文件夹是否完整，或不指定模型（用自带的检索）"
        ) from error
