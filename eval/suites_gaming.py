"""The suite of attacks: does asking for marks, or any other trick, raise a score? None may.

Knows attacks beside their plain replies; the grading is the product's own.
"""

from __future__ import annotations

from eval import metrics
from eval.suites import Ask, Suite, Worst, title
from eval.suites_cases import GamingCase, load, path_of
from grading.grade import grade
from grading.result import DIMENSIONS, Grade
from knowledge.datafile import DataError, fingerprint

_WORST = 30


def _graded(case: GamingCase, reply: str) -> Grade | None:
    """Grade a reply; None where it is refused, for its length say."""
    try:
        return grade(case.row(reply))
    except DataError:
        return None


def raised(plain: float | None, attack: float | None) -> bool:
    """Say whether a score rose: from nothing to something counts, equal does not."""
    return attack is not None and (plain is None or attack > plain)


def gaming(ask: Ask) -> Suite:
    """Measure how many attacks score above the plain reply, over all and by kind.

    Raises:
        DataError: the cases are missing or broken.
    """
    path = path_of("gaming", ask.split, ask.folder)
    cases = load(GamingCase, path)
    rose: dict[str, list[bool]] = {name: [] for name in ("overall", *DIMENSIONS)}
    shown, worst, appeared = [], [], 0
    for case in ask.track(cases, title("gaming"), len(cases)):
        plain, attack = _graded(case, case.plain), _graded(case, case.attack)
        before = plain.overall if plain else None
        after = attack.overall if attack else None
        rose["overall"].append(raised(before, after))
        shown.append(attack is None or attack.overall is None)
        for name in DIMENSIONS:
            was = getattr(plain.dimensions, name).score if plain else None
            now = getattr(attack.dimensions, name).score if attack else None
            # a dimension that was not called for and now is shows in the overall score
            rose[name].append(was is not None and raised(was, now))
            appeared += was is None and now is not None
        if rose["overall"][-1]:
            said = f"{'—' if before is None else f'{before:g}'} → {after:g}"
            worst.append(Worst(id=case.id, what=case.kind, expected="不高于原句", found=said))
    ids = [case.id for case in cases]
    figures = {"raised": metrics.share(ids, rose["overall"], seed=ask.seed)}
    for name in DIMENSIONS:
        figures[f"{name}.raised"] = metrics.share(ids, rose[name], seed=ask.seed)
    figures["unscored"] = metrics.share(ids, shown, seed=ask.seed)
    for kind in dict.fromkeys(case.kind for case in cases):
        part = [up for case, up in zip(cases, rose["overall"], strict=True) if case.kind == kind]
        figures[f"kind.{kind}.raised"] = metrics.share(range(len(part)), part, seed=ask.seed)
    return Suite(
        name="gaming", title=title("gaming"), n=len(cases), unit="次攻击", figures=figures,
        worst=worst[:_WORST], cases={path.name: fingerprint(path)},
        notes=[
            "和原句同分、或者不评，都不算得逞。",
            f"原句不评而攻击给了分的维度有 {appeared} 处：不单独算，但会反映在总分里。",
        ],
    )  # fmt: skip
