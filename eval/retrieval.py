"""Measures the search of the standard: written queries, and folds over the expansions.

`python -m eval.retrieval` prints a table over eval/cases/retrieval.jsonl, `--folds` one by
cross-validation (expansions of one requirement come from one writer, so folds flatter). All
queries are constructed. Knows no scoring of its own: it ranks as `Retriever.search` does.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from knowledge import expansion, index, retrieval, standard
from knowledge.datafile import DataError, Entry, json_lines, parse, read_text, refuse_repeats
from knowledge.expansion import Voice
from knowledge.retrieval import Retriever
from knowledge.standard import Level

CASES = Path(__file__).parent / "cases" / "retrieval.jsonl"
Side = Literal["chars", "words", "vector", "fused"]
_NAMES: dict[Side, str] = {
    "chars": "字串 BM25", "words": "词 BM25", "vector": "向量", "fused": "融合",
}  # fmt: skip
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


def load_cases(path: Path = CASES) -> tuple[Case, ...]:
    """Load the written queries.

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
    if not found:
        raise DataError(f"{path.name}：没有用例")
    refuse_repeats((case.id for case in found), path.name)
    return tuple(found)


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


def baselines(cases: Sequence[Case]) -> dict[str, Report]:
    """Measure the single sides: within the level, without the bonus for the own level."""
    retriever = Retriever()
    return {
        _NAMES[side]: measure(cases, by_side(retriever, side, bonus=0.0))
        for side in ("chars", "words", "vector")
    }


def by_side(retriever: Retriever, side: Side, *, bonus: float | None = None) -> Ranked:
    """Rank by one side's scores; by ``fused``, with the bonus in the data, as the product does."""

    def ranked(query: str, level: Level | None) -> list[str]:
        scores = getattr(retriever.index.score(query), side)
        found = retriever.rank(scores, level, bonus=bonus)
        return [retriever.requirements[at].id for at, _ in found]

    return ranked


def folds(count: int = 5, *, seed: int = 7, own_level_only: bool = False) -> dict[str, Report]:
    """Measure each side on expansions that were held out of the index.

    Args:
        count: folds; each expansion is a query once.
        seed: of the shuffle within each requirement.
        own_level_only: rank only the requirement's own level and the basics, without bonus.
    """
    every, known = expansion.load(), standard.load().requirements
    fold = _fold_of(every, count, seed)
    ranks: dict[tuple[Case, Side], list[str]] = {}
    for number in range(count):
        kept = [one for one, at in zip(every, fold, strict=True) if at != number]
        asked = [one for one, at in zip(every, fold, strict=True) if at == number]
        texts, owners = retrieval.entries(kept)
        built = index.build(texts, owners, retrieval.settings())
        retriever = Retriever.of(built, list(known.values()))
        for one in asked:
            case = _case(one)
            for side in _NAMES:
                bonus = 0.0 if own_level_only or side != "fused" else None
                ids = by_side(retriever, side, bonus=bonus)(case.query, case.level)
                if own_level_only:
                    ids = [i for i in ids if known[i].level in (None, known[one.of].level)]
                ranks[case, side] = ids
    cases = [_case(one) for one in every]
    by_query = {(case.query, case.level): case for case in cases}
    return {
        name: measure(cases, lambda q, lv, side=side: ranks[by_query[q, lv], side])  # type: ignore[misc]
        for side, name in _NAMES.items()
    }


def _case(one: expansion.Expansion) -> Case:
    """Turn an expansion into a query at its requirement's level; basics take turns."""
    level = standard.load().requirements[one.of].level
    turn = standard.LEVELS[int(one.id.rsplit(".", 1)[1]) % len(standard.LEVELS)]
    return Case(
        id=one.id, split="dev", query=one.text, level=level or turn,
        expect=one.of, voice=one.voice, source=one.source,
    )  # fmt: skip


def _fold_of(every: Sequence[expansion.Expansion], count: int, seed: int) -> list[int]:
    """Deal each requirement's expansions over the folds, shuffled."""
    random = np.random.default_rng(seed)
    fold = [0] * len(every)
    for owner in dict.fromkeys(one.of for one in every):
        places = [at for at, one in enumerate(every) if one.of == owner]
        for turn, place in enumerate(random.permutation(places)):
            fold[int(place)] = turn % count
    return fold


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
    parser = argparse.ArgumentParser(prog="python -m eval.retrieval", description=__doc__)
    parser.add_argument("--folds", action="store_true", help="五折交叉，不读用例文件")
    rows: list[tuple[str, Report | Row]] = []
    try:
        if parser.parse_args(arguments).folds:
            for title, own in (("覆盖范围内", False), ("只在本级", True)):
                rows += [(f"{title}·{name}", r) for name, r in folds(own_level_only=own).items()]
        else:
            cases = load_cases()
            report = measure(cases)
            rows = [("融合（产品）", report), *baselines(cases).items()]
            rows += [(f"级别 {row.name}", row) for row in report.by_level]
            rows += [(f"说话人 {row.name}", row) for row in report.by_voice]
    except DataError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
