"""The suite of single replies: levels of three dimensions against labels; signals and breaches too.

Knows labelled replies; the grading is the product's own.
"""

from __future__ import annotations

from eval import metrics, suites_found
from eval.suites import Ask, Suite, title
from eval.suites_cases import ReplyCase, load, path_of
from eval.suites_marks import Item, marks
from grading.grade import grade
from grading.result import DIMENSIONS, Grade
from knowledge.datafile import fingerprint

NOTES = [
    "两遍标注的一致只看两遍都给了档位的条目；评分器不评而标注有档的，按离得最远的一档算；"
    "标注不评而评分器给了档的，算错，计入“完全一致”和“差不超过一档”的分母。",
    "最常见档、数词回归这两个对照都只用开发集拟合。",
]
SAME = "这次量的就是开发集，对照是在同一批用例上拟合的，偏高。"


def _item(case: ReplyCase, graded: Grade) -> Item:
    return Item(
        id=case.id, text=case.reply, labels=case.labels, passes=(case.passes.x, case.passes.y),
        levels={name: getattr(graded.dimensions, name).level for name in DIMENSIONS},
        to_human=graded.review.needed, is_staff=case.staff,
    )  # fmt: skip


def replies(ask: Ask) -> Suite:
    """Measure single replies.

    Raises:
        DataError: cases of this split, or of dev for the baselines, are missing or broken.
    """
    path, learnt = (path_of("replies", split, ask.folder) for split in (ask.split, "dev"))
    cases = load(ReplyCase, path, split=ask.split)
    known = load(ReplyCase, learnt, split="dev")
    grades = [
        grade(case.graded_row(), staff=case.staff)
        for case in ask.track(cases, title("levels"), len(cases))
    ]
    items = [_item(case, graded) for case, graded in zip(cases, grades, strict=True)]
    found = marks(items, [(one.reply, one.labels) for one in known], seed=ask.seed)
    figures, ids = dict(found.figures), [metrics.case_of(case.id) for case in cases]
    kinds: dict[str, list[suites_found.Kinds]] = {
        "signals": [
            (set(case.labels.signals), suites_found.signal_kinds(one))
            for case, one in zip(cases, grades, strict=True)
        ],
        "violations": [
            (suites_found.labelled_kinds(case.labels.violations), suites_found.violation_kinds(one))
            for case, one in zip(cases, grades, strict=True)
        ],
    }
    for name, pairs in kinds.items():
        for which, figure in suites_found.kinds(ids, pairs, seed=ask.seed).items():
            figures[f"{name}.{which}"] = figure
    labelled = [(c.labels.violations, g.violations) for c, g in zip(cases, grades, strict=True)]
    figures |= suites_found.fatal(ids, labelled, seed=ask.seed)
    return Suite(
        name="levels", title=title("levels"), n=len(cases), unit="条回复", figures=figures,
        tables=found.tables, worst=found.worst, notes=NOTES + [SAME] * (ask.split == "dev"),
        cases={one.name: fingerprint(one) for one in {path, learnt}},
    )  # fmt: skip
