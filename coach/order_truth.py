"""Whether what stands in a field was said: figures, facts, untold facts, personal data, judgement.

Knows one field at a time; not what should stand there.
"""

from __future__ import annotations

from coach import order_figures
from coach.order_figures import Figure
from coach.order_found import Found, Typed, content, likeness, pairs, visible
from coach.order_record import Line
from knowledge.text import clauses

_SMALL_COUNT = 3


def find(field: Typed) -> list[Found]:
    """Give what is untrue or improper in a field, in order of place."""
    found = [*_unmasked(field), *_judgement(field)]
    if field.spec.check not in ("type", "person"):
        found += [*_figures(field), *_untold(field)]
    if field.spec.check in ("mine", "promise"):
        found += _extras(field, found)
    if field.spec.check in ("facts", "mine", "theirs", "promise"):
        taken = [(f.start, f.end) for f in found if f.verdict == "invented" and f.start is not None]
        found += [
            new for new in _novel(field)
            if not any(new.start <= a < new.end for a, _ in taken)  # type: ignore[operator]
        ]  # fmt: skip
    return sorted(found, key=lambda one: one.start or 0)


def _unmasked(field: Typed) -> list[Found]:
    return [
        Found("unmasked", f"“{field.norm[start:end]}”没有打码", start, end)
        for start, end in field.private
    ]


def _judgement(field: Typed) -> list[Found]:
    excused = [m.span() for m in field.words.not_judgement.finditer(field.norm)]
    said = field.record.spoken(mine=False)
    return [
        Found("judgement", f"“{match[0]}”是对人的评价，不是事实", *match.span())
        for match in field.words.judgement.finditer(field.norm)
        if not any(a <= match.start() < b for a, b in excused) and match[0] not in said
    ]


def _figures(field: Typed) -> list[Found]:
    record, found = field.record, []
    for one in field.figures:
        if order_figures.is_said(one, record.said, record.today):
            continue
        clause = _clause_of(field.norm, one)
        right = _meant(one, clause, record.lines, is_promise=field.spec.check == "promise")
        small = one.kind == "count" and one.value <= _SMALL_COUNT
        if small and one.value == 1:
            continue
        if right is None and small:
            continue
        shown = field.norm[one.start : one.end]
        if right is None:
            found.append(Found("invented", f"“{shown}”没有人说过", one.start, one.end))
        else:
            figure, line = right
            said = line.norm[figure.start : figure.end]
            found.append(
                Found("wrong", f"写成“{shown}”，对话里是“{said}”", one.start, one.end,
                      (line.turn, line.text), right=figure)
            )  # fmt: skip
    return found


def _clause_of(norm: str, one: Figure) -> str:
    for clause in clauses(norm):
        if clause.start <= one.start < clause.end:
            return clause.text
    return norm


def _meant(
    one: Figure, clause: str, lines: tuple[Line, ...], *, is_promise: bool
) -> tuple[Figure, Line] | None:
    """Find the figure of the talk that this one most likely stands for."""
    mine = {pair for pair in pairs(clause) if not any(char.isdigit() for char in pair)}
    best: tuple[Figure, Line] | None = None
    most = 0
    for line in lines:
        for figure in line.figures:
            if not order_figures.alike(one, figure):
                continue
            around = line.norm[max(0, figure.start - 24) : figure.end + 24]
            shared = len(mine & pairs(around))
            many = one.kind == "count" and one.value > _SMALL_COUNT
            free = (
                many
                or one.kind in ("clock", "date", "day", "weekday")
                or (is_promise and one.is_time and one.kind != "months")
            )
            least = 1 if one.kind == "months" else 0
            if shared > max(most, least) or (best is None and free):
                best, most = (figure, line), max(most, shared)
    return best


def _untold(field: Typed) -> list[Found]:
    """Find facts the scenario holds that nobody told, by their hand-written patterns."""
    compiled = field.record.case.compiled.order
    if compiled is None or field.spec.check != "facts":
        return []
    found = []
    for fact in field.record.untold:
        groups = compiled.facts.get(fact.id)
        if not groups or len(groups) < 2:
            continue
        matches = [group.search(field.norm) for group in groups]
        known = all(group.search(field.record.source) for group in groups)
        if all(matches) and not known and (first := matches[0]):
            found.append(Found("invented", f"对方没有说过：{fact.what}", *first.span()))
    return found


def _extras(field: Typed, found: list[Found]) -> list[Found]:
    """Find benefits written down as promised that the trainee never spoke of."""
    spoken, places = field.record.spoken(mine=True), [(f.start, f.end) for f in found]
    new = []
    for clause in clauses(field.norm):
        match = field.words.extras.search(field.norm, clause.start, clause.end)
        told = any(a is not None and clause.start <= a < clause.end for a, _ in places)
        if match and match[0] not in spoken and not told:
            new.append(Found("invented", f"“{match[0]}”没有答应过", *match.span()))
    return new


def _novel(field: Typed) -> list[Found]:
    """Find clauses whose words nobody used and that are like nothing that was said."""
    rule, found = field.words.book.invented, []
    for clause in clauses(field.norm):
        skipped = field.words.judgement.search(clause.text) or field.words.vague.search(clause.text)
        private = any(a < clause.end and clause.start < b for a, b in field.private)
        if visible(clause.text) < rule.chars or skipped or private:
            continue
        words = content(clause.text, field.words.ordinary)
        new = [word for word in words if not _is_known(word, field.record.topical)]
        if len(new) < min(rule.words, max(2, len(words))) or len(new) < rule.share * len(words):
            continue
        if likeness(clause.text, field.record.source) < rule.nearest:
            shown = field.norm[clause.start : clause.end]
            what = f"“{shown}”在对话里找不到，请核对"
            found.append(Found("invented", what, clause.start, clause.end, share=rule.cost))
    return found


def _is_known(word: str, source: str) -> bool:
    return word in source or any(pair in source for pair in pairs(word))
