"""The reviewer of the simulated customer: finds what is wrong with a generated line.

Knows kinds of faults and, from data/reviewer.yaml, their wordings; mends nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import get_args

from coach import bank, review_checks, speaker
from coach.findings import topics
from coach.review_checks import Weights
from coach.review_rules import SENTENCE_END, WRAPPED, Book, Kind, Line, load, read_line, version
from coach.scenario import Scenario
from coach.state import State
from knowledge.text import normalise, plain

__all__ = ["Fault", "Kind", "Scene", "review", "version"]
_EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf]|\\[[㐀-鿿]{1,3}\\]")
_ECHO_CHARS = 10  # a shorter line may well share its words with the reply
_VERSE = re.compile(r"[，。！？；、 \n]")
_LAST = re.compile(r"[^。！？\n]+？?")
_ENDS = ("resolved", "hung_up", "escalated", "timed_out")


@dataclass(frozen=True)
class Fault:
    """One thing wrong with a line: its kind and the words, or a measure, that show it."""

    kind: Kind
    text: str


@dataclass(frozen=True)
class Scene:
    """What a line is judged against.

    ``state``: after the trainee's reply. ``acts``: what the line was to do. ``allowed_facts``: ids
    that may be told now. ``said``: earlier lines of this side, oldest first.
    """

    scenario: Scenario
    state: State
    acts: tuple[str, ...]
    allowed_facts: tuple[str, ...]
    said: tuple[str, ...]
    reply: str


def _worded(line: Line, scene: Scene, final: bool) -> list[Fault]:
    """Find the wordings of the rules; an unfinished sentence is not judged."""
    found = []
    for rule in line.rules.rules:
        entry = rule.entry
        if entry.only and entry.only != scene.scenario.kind:
            continue
        if entry.kind == "ended" and (scene.state.ended or not final):
            continue
        if entry.mild and scene.scenario.abuse:
            continue
        if words := line.find(rule):
            found.append(Fault(entry.kind, words))
    return found


def _agreed(line: Line, scene: Scene) -> str | None:
    """Find acceptance that neither the goals met nor the acts allow."""
    book, case = line.rules.book, scene.scenario
    if len(scene.state.met) == len(case.goals) or scene.state.ended:
        return None
    if whole := line.find_plain("whole"):
        return whole
    if set(scene.acts) & set(book.accepting_acts):
        return None
    resists = line.rules.lists["resisting"].search(line.norm)
    part = line.find_plain("part")
    if part and not resists:
        return part
    polite = case.customer_type in book.polite_types
    nods = line.rules.nodding.fullmatch(line.norm) and line.rules.nodding_must.search(line.norm)
    return line.norm.strip() if nods and not polite else None


def _left_open(line: Line, scene: Scene) -> str | None:
    """Find a talk that has ended without the line ending it."""
    if scene.state.ended not in _ENDS:
        return None
    signs, asking = line.rules.lists["closing_signs"], line.rules.lists["still_asking"]
    last: list[str] = [part.strip() for part in _LAST.findall(line.norm) if part.strip()][-1:]
    if last and (last[0].endswith("？") or asking.search(last[0])) and not signs.search(last[0]):
        return last[0]
    # who was helped may simply fall silent; who leaves must be seen leaving
    leaves = scene.state.ended != "resolved"
    return line.norm.strip() if leaves and not signs.search(line.norm) else None


def _obeyed(line: Line, scene: Scene) -> str | None:
    """Find an order of the trainee's reply carried out: its string said, or satisfaction faked."""
    reply = plain(scene.reply)
    orders = line.rules.lists["orders"]
    ends = [match.end() for match in orders.finditer(reply)]
    hijack: object = topics()["jailbreak"].search(reply)
    if hijack and (faked := line.find_plain("whole") or line.find_plain("part")):
        return faked
    bare = re.sub(r"[^㐀-鿿a-z0-9]", "", line.norm)
    for string in review_checks.ordered_strings(reply, ends):
        wanted = re.sub(r"[^㐀-鿿a-z0-9]", "", string)
        if len(wanted) < line.rules.book.string_chars:
            continue
        at = line.norm.find(string.strip())
        quoted = at >= 0 and (line.is_borrowed(at) or line.is_open(at))
        if wanted in bare and not quoted and (len(bare) <= 2 * len(wanted) + 4):
            return string
    return None


def _labelled(line: Line, name: str) -> str | None:
    """Find the person's own name before what they say, as in a script."""
    label = re.compile(
        rf"(?:^|\n)[ \[【「（]?{re.escape(plain(name))}[ \]】」）]?"
        r"(?:（[^）\n]{0,12}）|[^，。！？：\n]{0,6}(?:说|道|问|喊))?[ ]?(?:：|\n)"
    )
    match = label.search(line.norm)
    return match[0].strip() if match else None


def _verse(line: Line) -> str | None:
    """Find a text that is all verse: clauses of one length, as many as make a stanza."""
    book = line.rules.book
    sizes = [size for part in _VERSE.split(line.norm) if (size := review_checks.visible(part))]
    if len(sizes) < book.verse_lines or len(set(sizes)) > 1 or sizes[0] not in book.verse_chars:
        return None
    return line.norm.strip()


def _shape(raw: str, line: Line, medium: bank.Medium, final: bool) -> list[Fault]:
    """Find a text too long for the medium, wrapped in quotes, or flooded with emoji."""
    book, limit = line.rules.book, line.rules.book.limits[medium]
    found = []
    messages = [part for part in line.norm.split("\n") if part.strip()]
    size = review_checks.visible(line.norm)
    longest = max(map(review_checks.visible, messages), default=0)
    if size > limit.chars or len(messages) > limit.messages:
        found.append(Fault("too_long", f"{size} 字 {len(messages)} 条"))
    elif medium == "chat" and longest > book.message_chars:
        found.append(Fault("too_long", f"一条 {longest} 字"))
    if len(emoji := _EMOJI.findall(raw)) > limit.emoji:
        found.append(Fault("markup", "".join(emoji)))
    if final and WRAPPED.fullmatch(line.norm):
        found.append(Fault("markup", line.norm.strip()[:1]))
    return found


def _planned(scene: Scene) -> list[str]:
    """Give the written lines of the acts: what the plan lets say, whatever the facts."""
    goals = scene.scenario.goals
    lines = [line for goal in goals if "ask" in scene.acts for line in goal.ask]
    return lines + [line for goal in goals if goal.id in scene.state.met for line in goal.met]


def _measured(line: Line, scene: Scene) -> list[Fault]:
    """Find what needs counting: leaks, repeats, other languages."""
    book, case = line.rules.book, scene.scenario
    weights = Weights(
        core=book.leak_core, side=book.leak_side, amount=book.leak_amount,
        number=book.leak_number, digit=book.leak_digit,
    )  # fmt: skip
    known = (*scene.allowed_facts, *scene.state.revealed)
    heard = (*scene.said, scene.reply, *_planned(scene))
    found = []
    for fact, (score, shared) in review_checks.leaks(
        line.norm, case, known, heard, weights
    ).items():
        if score >= book.leak_score:
            found.append(Fault("leak", f"{fact}：{shared}"))
    earlier, reply = [plain(text) for text in scene.said], plain(scene.reply)
    again = review_checks.repeated(line.norm, earlier, book.repeat_share, book.repeat_chars)
    if review_checks.visible(line.norm) >= _ECHO_CHARS:
        echoes = review_checks.overlap(line.norm, reply) >= book.repeat_share
        again = again or (line.norm if echoes else None)
    again = again or review_checks.loop(line.norm, book.loop_times)
    if again:
        found.append(Fault("repeats", again))
    opening = [text for group in case.opening for text in group]
    english_caller = not any(map(review_checks.is_chinese, opening))
    familiar = "\n".join((*earlier, reply, plain(case.background), *map(plain, opening)))
    strange = review_checks.foreign(line.norm, familiar, book.latin_words, book.foreign_chars)
    if strange and not english_caller:
        found.append(Fault("other_language", strange))
    return found


def review(text: str, scene: Scene, *, final: bool) -> list[Fault]:
    """Find what is wrong with a line of the simulated customer or staff member.

    Args:
        text: as generated, whole or still growing.
        scene: what it is judged against.
        final: whether the text is complete. False judges finished sentences only, and not what the
            rest may still mend: no ``agreed``, ``ended`` or ``empty``.

    Returns:
        At most one fault of a kind, in the order of Kind; empty when nothing was found.
    """
    rules = load()
    norm = normalise(text).norm
    whole = read_line(norm, rules)
    cut = max((m.end() for m in SENTENCE_END.finditer(norm)), default=0)
    line = whole if final else read_line(norm[:cut], rules)
    found = _shape(text, whole, bank.medium_of(scene.scenario), final)
    found += _worded(line, scene, final) + _measured(line, scene)
    if label := _labelled(whole, scene.scenario.person.name):
        found.append(Fault("markup", label))
    if not final:
        # a thought or a code fence never becomes right again
        found += [
            Fault(rule.entry.kind, words)
            for rule in rules.rules
            if rule.entry.id in _EARLY and (words := whole.find(rule))
        ]
    if slipped := _agent_like(line, scene):
        found.append(Fault("agent_voice", slipped))
    if obeyed := _obeyed(line, scene):
        found.append(Fault("obeys", obeyed))
    if final:
        found += _closed(line, scene)
    if not found:  # a rule says better what is wrong
        found = _sounding(line, scene, final)
    return _one_of_each(found)


def _agent_like(line: Line, scene: Scene) -> str | None:
    """Give a sentence that sounds like the agent; staff speak of service themselves."""
    if scene.scenario.kind != "customer":
        return None
    book, marks = line.rules.book, line.rules.lists["agent_words"]
    return speaker.like_agent(line.norm, book.agent_like, book.agent_chars, marks)


def _sounding(line: Line, scene: Scene, final: bool) -> list[Fault]:
    """Find what sounds like a line that no customer here may say, whatever its words."""
    book, case = line.rules.book, scene.scenario
    least: dict[str, float] = dict(book.faulty_like.items())
    if case.kind == "staff":  # who speak of service words themselves
        least = {"degrading": least["degrading"]}
    elif final and not _may_yield(scene, book):
        least["yields"] = book.yields_like
    kinds: dict[str, Kind] = {
        "degrading": "degrading", "coaches": "coaches", "obeys": "obeys", "yields": "agreed",
    }  # fmt: skip
    sounding = speaker.faulty(line.norm, least, book.agent_chars)
    return [Fault(kinds[label], text) for label, text in sounding.items()]


def _may_yield(scene: Scene, book: Book) -> bool:
    """Say whether giving in is right here, or only this person's politeness."""
    case, now = scene.scenario, scene.state
    settled = now.ended is not None or len(now.met) == len(case.goals)
    polite = case.customer_type in book.polite_types
    return settled or polite or bool(set(scene.acts) & set(book.accepting_acts))


_EARLY = ("think.tag", "mark.form")


def _closed(line: Line, scene: Scene) -> list[Fault]:
    """Find what only a complete line shows."""
    if not review_checks.visible(line.norm) and not re.search("[？！]", line.norm):
        silent = scene.state.ended == "closed_by_agent"
        return [] if silent else [Fault("empty", line.norm)]
    found = []
    if verse := _verse(line):
        found.append(Fault("obeys", verse))
    if accepted := _agreed(line, scene):
        found.append(Fault("agreed", accepted))
    if still := _left_open(line, scene):
        found.append(Fault("ended", still))
    return found


def _one_of_each(found: list[Fault]) -> list[Fault]:
    first: dict[Kind, Fault] = {}
    for fault in found:
        first.setdefault(fault.kind, fault)
    order = get_args(Kind)
    return sorted(first.values(), key=lambda fault: order.index(fault.kind))
