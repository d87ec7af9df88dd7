"""What should stand in a field and does not: facts told, what was done, promises, a person, a time.

Knows one field at a time; whether what stands there is true is another's.
"""

from __future__ import annotations

from collections.abc import Callable

from coach.order_figures import Figure, figures, is_said
from coach.order_found import Found, Typed, likeness, pairs, visible
from coach.order_record import Told
from coach.order_words import Check
from coach.review_checks import overlap
from knowledge.text import Clause, clauses, plain

_SAME_TEXT, _SAME_CHARS = 0.9, 16
_LEAST_HOLLOW = 4
_LEAST_PAIRS = 1


def find(field: Typed) -> list[Found] | None:
    """Give what is missing or vague; None where nothing was due and nothing stands there."""
    spec = field.spec
    if not visible(field.norm):
        if spec.check == "promise" and not _dues(field):
            return None
        return [Found("missing", f"“{spec.name}”是空的", because=_first_due(field))]
    if twin := _twin(field):
        return [Found("missing", f"和“{twin}”写的一样，这一栏要写自己的内容", 0, len(field.norm))]
    return _CHECKS[spec.check](field)


def _first_due(field: Typed) -> tuple[int, str] | None:
    check, record = field.spec.check, field.record
    if check in ("promise", "dates") and record.promises:
        return record.promises[0].turn, record.promises[0].text
    if check == "facts" and record.told:
        return record.told[0].turn, record.told[0].text
    return None


def _twin(field: Typed) -> str | None:
    """Name an earlier field that says the same: one text pasted everywhere is one text."""
    for spec in field.words.fields(field.record.case):
        if spec.id == field.spec.id:
            return None
        other = field.whole.get(spec.id, "")
        if visible(other) >= _SAME_CHARS and overlap(other, field.norm) >= _SAME_TEXT:
            return spec.name
    return None


def _type(field: Typed) -> list[Found]:
    block = field.record.case.order
    chosen = field.text.raw.strip()
    if block is None or chosen in block.types:
        return []
    right = "、".join(field.words.book.types[one] for one in block.types)
    return [Found("wrong", f"这件事属于{right}", 0, len(field.norm))]


def _contact(field: Typed) -> list[Found]:
    person, found = field.record.case.person, []
    surname = person.name[:1]
    named = (
        surname in field.text.raw or person.call in field.text.raw or person.call in ("您", "你")
    )
    if not named:
        found.append(Found("missing", f"没有写客户称呼（{person.call}）", share=0.5))
    if not field.words.contact.search(field.norm) and not field.private:
        found.append(Found("missing", "没有写怎么联系客户", share=0.5))
    return found


def _facts(field: Typed) -> list[Found]:
    told, case = field.record.told, field.record.case
    if case.compiled.order:
        told = tuple(one for one in told if one.fact.id in case.compiled.order.facts)
    lacking = [one for one in told if not _holds(field, one)]
    if not told:
        return [] if _shares(field, field.record.source) else [_thin(field)]
    return [
        Found("missing", f"没有记：{one.fact.what}", because=(one.turn, one.text),
              share=1 / len(told))
        for one in lacking
    ]  # fmt: skip


def _holds(field: Typed, told: Told) -> bool:
    """Say whether a fact stands in the field: by its patterns, else by the words it shares."""
    compiled = field.record.case.compiled.order
    if compiled and told.fact.id in compiled.facts:
        return all(group.search(field.norm) for group in compiled.facts[told.fact.id])
    mine = pairs(field.norm)
    least = field.words.book.shared
    texts = [plain(told.fact.what), *(plain(clause) for clause in told.fact.say)]
    return any(len(mine & pairs(text)) >= least * len(pairs(text)) for text in texts)


def _thin(field: Typed) -> Found:
    return Found("missing", f"“{field.spec.name}”没有写到对话里的内容", 0, len(field.norm))


def _shares(field: Typed, spoken: str) -> bool:
    """Say whether the field shares its own words with what was spoken, names and phrases apart."""
    norm = field.norm
    for match in reversed(list(field.words.hollow.finditer(norm))):
        norm = norm[: match.start()] + "，" + norm[match.end() :]
    person = field.record.case.person
    for name in (person.name, person.call, person.name[1:], plain(person.call)[:2]):
        norm = norm.replace(plain(name), "，")
    generic = {pair for word in field.words.generic for pair in pairs(word)}
    if len((pairs(norm) - generic) & pairs(spoken)) >= _LEAST_PAIRS:
        return True
    left = [clause.text for clause in clauses(norm) if visible(clause.text) >= _LEAST_HOLLOW]
    return any(likeness(clause, spoken) >= field.words.book.alike for clause in left)


def _mine(field: Typed) -> list[Found]:
    case = "\n".join(field.record.known[: len(field.record.case.card)])
    spoken = field.record.spoken(mine=True)
    found = [] if _shares(field, spoken + "\n" + case) else [_thin(field)]
    return found or _vague(field, hollow=False)


def _theirs(field: Typed) -> list[Found]:
    return [] if _shares(field, field.record.spoken(mine=False)) else [_thin(field)]


def _demand(field: Typed) -> list[Found]:
    case = field.record.case
    if case.compiled.order and case.compiled.order.demand:
        good = bool(case.compiled.order.demand.search(field.norm))
    else:
        good = bool(pairs(field.norm) & pairs(plain(case.wants + case.slots.demand)))
    return [] if good else [Found("missing", f"没有写客户要什么：{case.slots.demand}",
                                  0, len(field.norm))]  # fmt: skip


def _dues(field: Typed) -> list[tuple[int, str, tuple[Figure, ...]]]:
    """Give the promises that are due, each set of times once."""
    seen: list[set[tuple[str, float]]] = []
    found = []
    for promise in field.record.promises:
        key = {(one.kind, one.value) for one in promise.figures}
        if not any(key & old for old in seen):
            seen.append(key)
            found.append((promise.turn, promise.text, promise.figures))
    return found


def _promise(field: Typed) -> list[Found]:
    said = field.record.said
    today = field.record.today
    times = [one for one in field.figures if one.is_time]
    elsewhere = [one for text in field.whole.values() for one in figures(text) if one.is_time]
    dues = _dues(field)
    lacking = [
        due for due in dues
        if not any(one.same(other, today) for one in due[2] for other in elsewhere)
    ]  # fmt: skip
    strange = [one for one in times if not is_said(one, said, today)]
    lacking = lacking[len(strange) :]  # a wrong time is told once, as wrong
    found = [
        Found("missing", f"没有记这项承诺的时间：{text}", because=(turn, text), share=1 / len(dues))
        for turn, text, _ in lacking
    ]
    return found + _vague(field, hollow=not times)


def _vague(field: Typed, *, hollow: bool) -> list[Found]:
    """Find words that promise nothing; ``hollow``: also phrases with nothing else around them."""
    spans = [match.span() for match in field.words.nobody.finditer(field.norm)]
    for match in field.words.vague.finditer(field.norm):
        low, high = _sentence(field.norm, match.start())
        timed = any(low <= one.start < high for one in field.figures if one.is_time)
        if not timed:
            spans.append(match.span())
    if hollow and not spans:
        rest = visible(field.words.hollow.regex.sub("", field.norm))
        first = field.words.hollow.search(field.norm)
        if first and rest < _LEAST_HOLLOW:
            spans.append(first.span())
    spans.sort()
    return [
        Found("vague", f"“{field.norm[start:end]}”说不清谁、什么时候", start, end, share=1.0)
        for start, end in spans[:1]
    ]


def _sentence(norm: str, at: int) -> tuple[int, int]:
    cut: list[Clause] = clauses(norm)
    here = next((c.sentence for c in cut if c.start <= at < c.end), -1)
    inside = [c for c in cut if c.sentence == here]
    return (inside[0].start, inside[-1].end) if inside else (0, len(norm))


def _person(field: Typed) -> list[Found]:
    return _vague(field, hollow=False)


def _next(field: Typed) -> list[Found]:
    return _vague(field, hollow=True)


def _dates(field: Typed) -> list[Found]:
    if any(one.is_time for one in field.figures):
        return _vague(field, hollow=False)
    due = _first_due(field)
    return [Found("missing", "没有写哪一天、几点", because=due), *_vague(field, hollow=False)]


_CHECKS: dict[Check, Callable[[Typed], list[Found]]] = {
    "type": _type, "contact": _contact, "facts": _facts, "mine": _mine, "theirs": _theirs,
    "demand": _demand, "promise": _promise, "person": _person, "next": _next, "dates": _dates,
}  # fmt: skip
