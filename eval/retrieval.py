"""Measures the search of the standard on written queries: `python -m eval.retrieval`.

All queries are constructed; writers of the test split had seen none of what is searched.
Knows no scoring of its own: it ranks as `Retriever.search` does.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from knowledge import standard
from knowledge.datafile import DataError, Entry, json_lines, parse, read_text, refuse_repeats
from knowledge.encoder import Encoder
from knowledge.expansion import Voice
from knowledge.postings import bm25
from knowledge.retrieval import Retriever
from knowledge.standard import Level
from knowledge.text import ngrams, plain

CASES = Path(__file__).parent / "cases" / "retrieval.jsonl"
_USUAL = "BAAI/bge-small-zh-v1.5"
Side = Literal["chars", "words", "vector", "fused"]
_VOICES: dict[Voice, str] = {
    "trainee": "学员", "assessor": "考评员", "leader": "班组长", "customer": "客户",
}  # fmt: skip
Ranked = Callable[[str, Level | None], list[str]]


class Case(Entry):
    """One query with the requirement that should come first; ``also`` would do as well."""

    id: str
    split: Literal["dev", "test"]
    query: str
    level: Level | None
    expect: str
    also: tuple[str, ...] = ()
    voice: Voice
    source: str


@dataclass(frozen=True)
class Row:
    """Figures of some cases: shares found first and in the first three, mean reciprocal rank."""

    name: str
    n: int
    top1: float
    top3: float
    mrr: float


@dataclass(frozen=True)
class Report:
    """Figures of all cases, and by level and voice."""

    n: int
    top1: float
    top3: float
    mrr: float
    by_level: tuple[Row, ...]
    by_voice: tuple[Row, ...]


def load_cases(path: Path = CASES, *, split: str | None = None) -> tuple[Case, ...]:
    """Load the written queries, all or those of one split.

    Raises:
        DataError: no case, a broken line, a repeated id, or an id the standard does not have.
    """
    found: list[Case] = []
    known = standard.load().requirements
    for number, value in json_lines(read_text(path)):
        if isinstance(value, DataError):
            raise DataError(f"{path.name}：{value}")
        case = parse(Case, value, f"{path.name} 第 {number} 行")
        for target in (case.expect, *case.also):
            if target not in known:
                raise DataError(f"{path.name}：{case.id} 指向 {target}，标准里没有这个编号")
        found.append(case)
    refuse_repeats((case.id for case in found), path.name)
    kept = tuple(case for case in found if split in (None, case.split))
    if not kept:
        raise DataError(f"{path.name}：没有用例")
    return kept


def measure(cases: Sequence[Case], ranked: Ranked | None = None) -> Report:
    """Rank every case and count.

    Args:
        cases: what to ask; a hit counts when ``expect`` or one of ``also`` ranks there.
        ranked: gives ids, best first, for a query and a level; None for the product's search.

    Raises:
        DataError: no case.
    """
    if not cases:
        raise DataError("没有用例，量不出结果")
    ranked = ranked or by_side(Retriever(), "fused")
    ranks = [_rank(case, ranked(case.query, case.level)) for case in cases]
    levels = [(level or "不限", [case.level == level for case in cases])
              for level in (*standard.LEVELS, None)]  # fmt: skip
    voices = [(name, [case.voice == voice for case in cases]) for voice, name in _VOICES.items()]
    total = _row("全部", ranks)
    return Report(
        total.n, total.top1, total.top3, total.mrr,
        by_level=_rows(levels, ranks), by_voice=_rows(voices, ranks),
    )  # fmt: skip


def baselines(cases: Sequence[Case], other: Encoder | None = None) -> dict[str, Report]:
    """Measure what the search is made of, and it without and with parts.

    Args:
        cases: what to ask.
        other: a downloaded model, for the rows with it.

    Returns:
        Reports by name. Single sides are ranked within the level, without the own-level bonus.
    """
    own, lexical = Retriever(), Retriever(encoders=())
    rows = {
        "字串，只有标准原文": measure(cases, _bare()),
        "字串 BM25": measure(cases, by_side(own, "chars", bonus=0.0)),
        "词 BM25": measure(cases, by_side(own, "words", bonus=0.0)),
        "自带句向量模型单独": measure(cases, by_side(own, "vector", bonus=0.0)),
        "不用句向量模型（字串与词）": measure(cases, by_side(lexical, "fused")),
    }
    if other is not None:
        alone, joined = Retriever(encoders=(other,)), Retriever(other)
        rows[f"{other.name} 单独"] = measure(cases, by_side(alone, "vector", bonus=0.0))
        rows[f"再加 {other.name}"] = measure(cases, by_side(joined, "fused"))
    return rows


def _bare() -> Ranked:
    """Rank by shared pairs of characters with the standard's own text, and nothing else."""
    found = list(standard.load().requirements.values())
    shared = Retriever(encoders=())
    postings = bm25([list(ngrams(plain(one.text), (2,))) for one in found], 1.2, 0.5)

    def ranked(query: str, level: Level | None) -> list[str]:
        scores = postings.score(dict.fromkeys(ngrams(plain(query), (2,)), 1.0))
        return [found[at].id for at, _ in shared.rank(scores, level, bonus=0.0)]

    return ranked


def downloaded(name: str | None = None) -> Encoder | None:
    """Open the model named, or bge-small-zh-v1.5 where this machine already holds it.

    Raises:
        DataError: the model named cannot be opened.
    """
    if name is None:
        from huggingface_hub import try_to_load_from_cache

        if not isinstance(try_to_load_from_cache(_USUAL, "modules.json"), str):
            return None
        name = _USUAL
    from knowledge.sentence_model import SentenceTransformerEncoder

    return SentenceTransformerEncoder(name)


def by_side(retriever: Retriever, side: Side, *, bonus: float | None = None) -> Ranked:
    """Rank by one side's scores; by ``fused``, with the bonus in the data, as the product does."""

    def ranked(query: str, level: Level | None) -> list[str]:
        scores = getattr(retriever.index.score(query), side)
        found = retriever.rank(scores, level, bonus=bonus)
        return [retriever.requirements[at].id for at, _ in found]

    return ranked


def _rank(case: Case, ids: Sequence[str]) -> float:
    """Give the rank, from 1, of the first right id; infinity where none is found."""
    wanted = {case.expect, *case.also}
    return next((at for at, found in enumerate(ids, 1) if found in wanted), float("inf"))


def _row(name: str, ranks: Sequence[float]) -> Row:
    n = len(ranks)
    return Row(
        name, n,
        top1=sum(rank <= 1 for rank in ranks) / n,
        top3=sum(rank <= 3 for rank in ranks) / n,
        mrr=sum(1 / rank for rank in ranks) / n,
    )  # fmt: skip


def _rows(groups: Sequence[tuple[str, list[bool]]], ranks: Sequence[float]) -> tuple[Row, ...]:
    picked = ((name, [r for r, m in zip(ranks, mask, strict=True) if m]) for name, mask in groups)
    return tuple(_row(name, kept) for name, kept in picked if kept)


def table(rows: Sequence[tuple[str, Report | Row]]) -> str:
    """Lay figures out as lines with Chinese headings, percent with one decimal."""
    lines = ["条数\t首位\t前三\tMRR\t项目"]
    lines += [f"{r.n}\t{r.top1:.1%}\t{r.top3:.1%}\t{r.mrr:.3f}\t{name}" for name, r in rows]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; exit code 2 where the cases are wrong."""
    parser = argparse.ArgumentParser(prog="python -m eval.retrieval", description="检索的命中率")
    parser.add_argument("--split", choices=("dev", "test"), default="test", help="用哪一部分用例")
    parser.add_argument("--encoder", metavar="模型", help="另比一个 sentence-transformers 模型")
    given = parser.parse_args(arguments)
    try:
        cases = load_cases(split=given.split)
        report = measure(cases)
        rows: list[tuple[str, Report | Row]] = [("检索（产品）", report)]
        rows += baselines(cases, downloaded(given.encoder)).items()
    except DataError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    rows += [(f"级别 {row.name}", row) for row in report.by_level]
    rows += [(f"说话人 {row.name}", row) for row in report.by_voice]
    sys.stdout.write(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
