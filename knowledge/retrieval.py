"""Search of the standard: a sentence in anybody's words to the requirements it is about.

Knows levels, citations and the cache; the scoring itself stands in index.py.
"""

from __future__ import annotations

import functools
import hashlib
import io
import logging
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from knowledge import expansion, standard, terms
from knowledge.datafile import DataError, Entry, fingerprint, parse, read_yaml
from knowledge.encoder import Encoder, embedded
from knowledge.expansion import Expansion
from knowledge.index import HybridIndex, Settings, build
from knowledge.postings import Arrays, Floats
from knowledge.standard import Kind, Level, Requirement
from knowledge.text import DATA

_FILE = DATA / "retrieval.yaml"
_FORMAT = "3"  # raise it when index.py, dense.py or postings.py builds something else
_DIGEST = hashlib.sha256().digest_size
_PROBE = "客户还没说完我就插嘴了"
_log = logging.getLogger(__name__)


class Hit(Entry):
    """One requirement found; ``score`` 0 to 100 with the own-level bonus in it."""

    id: str
    kind: Kind
    level: Level | None
    work_content: str | None
    text: str
    score: float
    citation: str


@functools.lru_cache(maxsize=1)
def settings() -> Settings:
    """Load the parameters (cached)."""
    return parse(Settings, read_yaml(_FILE), _FILE.name)


def own_encoders(other: Encoder | None = None) -> tuple[Encoder, ...]:
    """Give the encoders of a search: the built-in one, and another that joins it.

    Where the built-in one cannot be read the search goes on without it; a warning says so.
    """
    try:
        own: tuple[Encoder, ...] = (embedded(),)
    except DataError as error:
        _log.warning("%s；检索先只按字面进行", error)
        own = ()
    return own if other is None else (*own, other)


def index_version(encoders: Sequence[Encoder]) -> str:
    """Give the short digest of data, parameters and encoders that results carry."""
    data = fingerprint(
        DATA / "standard.yaml", DATA / "words.txt", _FILE, terms.FILE, *expansion.files()
    )
    names = "/".join(f"{one.name}-{_probe(one)}" for one in encoders)
    return hashlib.sha256(f"{_FORMAT}/{data}/{names}".encode()).hexdigest()[:12]


def _probe(encoder: Encoder) -> str:
    """Tell two models of one name apart: by what they make of a sentence."""
    row = encoder.encode([_PROBE])[0]
    return f"{encoder.dim}-{hashlib.sha256(np.round(row, 2).tobytes()).hexdigest()[:8]}"


class Retriever:
    """Finds requirements; made once, read by any number of threads."""

    def __init__(
        self, encoder: Encoder | None = None, *,
        folder: Path | None = None, encoders: Sequence[Encoder] | None = None,
    ) -> None:  # fmt: skip
        """Load the index from the cache, or build it (some seconds) and store it.

        Args:
            encoder: a sentence encoder that joins the built-in one; None for the built-in alone.
            folder: where the cache is kept; None for this user's cache folder.
            encoders: exactly these instead (for measurements); none searches by words alone.
        """
        used = own_encoders(encoder) if encoders is None else tuple(encoders)
        self.settings = settings()
        self.version = index_version(used)
        path = (folder or _cache_folder()) / f"index-{self.version}.bin"
        index = _load(path, self.settings, used, self.version)
        if index is None:
            index = build(*entries(expansion.load(), terms.load()), self.settings, used)
            _store(path, index, self.version)
        self._take(index, list(standard.load().requirements.values()))

    @classmethod
    def of(cls, index: HybridIndex, requirements: list[Requirement]) -> Retriever:
        """Make a retriever over an index built by hand, its owners in this order."""
        made = cls.__new__(cls)
        made.settings, made.version = index.settings, "custom"
        made._take(index, requirements)
        return made

    def _take(self, index: HybridIndex, requirements: list[Requirement]) -> None:
        self.index, self.requirements = index, requirements
        self._levels = np.array([r.level or "" for r in requirements])

    def search(self, query: str, level: str | None = None, k: int = 5) -> list[Hit]:
        """Find the requirements a sentence is about, best first.

        Args:
            query: anybody's words, at most ``max_chars`` characters.
            level: the candidate's; that and lower levels and the basics are searched, and its
                own gets the bonus. None searches everything, without a bonus.
            k: how many, at most.

        Returns:
            At most k hits; ties go to the candidate's own level, then the standard's order.
            Empty where the query shares nothing with the standard or its expansions.

        Raises:
            DataError: the query is too long, k below 1, or no such level.
        """
        limit = self.settings.max_chars
        if len(query) > limit:
            raise DataError(f"检索词有 {len(query)} 个字，最多 {limit} 个，请缩短后再查")
        if k < 1:
            raise DataError(f"要取的条数写成了 {k}，至少为 1")
        ranked = self.rank(self.index.score(query).fused, level)
        return [self._hit(at, points) for at, points in ranked[:k]]

    def rank(
        self, scores: Floats, level: str | None, *, bonus: float | None = None
    ) -> list[tuple[int, float]]:
        """Order owners by score (0 to 1), as ``search`` does: (owner, points) pairs.

        Args:
            scores: one for each owner.
            level: see ``search``.
            bonus: points for the own level; None for the one in the data.

        Raises:
            DataError: no such level.
        """
        covered = np.isin(self._levels, ["", *standard.levels_up_to(level)])
        own = self._levels == level if level else np.zeros(len(scores), dtype=bool)
        points = 100 * np.clip(scores.astype(np.float64), 0, 1)
        extra = self.settings.own_level_bonus if bonus is None else bonus
        points = np.minimum(100, points + extra * own).round(1)
        kept = np.flatnonzero(covered & (scores > 0))
        order = np.lexsort((kept, ~own[kept], -points[kept]))
        return [(int(at), float(points[at])) for at in kept[order]]

    def _hit(self, at: int, score: float) -> Hit:
        found = self.requirements[at]
        return Hit(
            id=found.id, kind=found.kind, level=found.level, work_content=found.work_content,
            text=found.text, score=score, citation=found.citation,
        )  # fmt: skip


def entries(
    expansions: Iterable[Expansion], words: Mapping[str, tuple[str, ...]]
) -> tuple[list[str], list[int]]:
    """Give what is indexed: each requirement's own words, its expansions, its terms.

    Returns:
        The texts, and beside each the place of its requirement in the standard, ascending.
    """
    owned = {found.id: [found.text] for found in standard.load().requirements.values()}
    for one in expansions:
        owned[one.of].append(one.text)
    for of, held in words.items():
        owned[of] += terms.lines(held)
    texts = [text for found in owned.values() for text in found]
    return texts, [at for at, found in enumerate(owned.values()) for _ in found]


def _cache_folder() -> Path:
    import platformdirs

    return platformdirs.user_cache_path("kefu-coach")


def _load(
    path: Path, chosen: Settings, encoders: Sequence[Encoder], version: str
) -> HybridIndex | None:
    """Read a stored index; None, with a warning, where it is damaged or another's.

    A file is the SHA-256 of what follows (32 bytes) and an npz: damage is seen before parsing.
    """
    try:
        stored = path.read_bytes()
        if hashlib.sha256(stored[_DIGEST:]).digest() != stored[:_DIGEST]:
            raise ValueError("digest does not match")
        with np.load(io.BytesIO(stored[_DIGEST:]), allow_pickle=False) as held:
            arrays = {name: held[name] for name in held.files}
        if str(arrays["version"]) != version:
            raise ValueError("another version")
        return HybridIndex.from_arrays(arrays, chosen, encoders)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError) as error:
        _log.warning(
            "检索缓存 %s 不能用（%s：%s），重新建立索引", path, type(error).__name__, error
        )
        return None


def _store(path: Path, index: HybridIndex, version: str) -> None:
    """Store an index whole or not at all; a folder that cannot be written is only warned of."""
    held: Arrays = {"version": np.asarray(version), **index.arrays()}
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **held)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
            file.write(hashlib.sha256(buffer.getbuffer()).digest())
            file.write(buffer.getbuffer())
        os.replace(file.name, path)
    except OSError as error:
        _log.warning("检索缓存 %s 写不了（%s），下次还要重新建立索引", path, error.strerror)
