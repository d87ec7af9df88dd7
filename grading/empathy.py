"""The empathy dimension: whether the reply answers this customer's feelings and situation.

Numbers and words are in rubric.yaml; a formula that fits anybody stays at level 1.
"""

from __future__ import annotations

from dataclasses import dataclass

from grading import rubric
from grading.detect import Hit
from grading.moment import Moment
from grading.reply import Reply


@dataclass(frozen=True)
class Finding:
    """A dimension before it becomes a result; score None when there is nothing to judge.

    ``faults``: what points were taken for, ``taken`` so many of them, 0-100.
    """

    score: float | None
    why: tuple[str, ...]
    advice: str
    hits: tuple[Hit, ...]
    cites: tuple[str, ...]
    missing: tuple[tuple[str, str], ...] = ()
    faults: tuple[str, ...] = ()
    taken: float = 0.0


def _specifics(reply: Reply, hits: list[Hit]) -> int:
    """Count the customer's own facts in the empathic sentences, overlapping pairs once."""
    reading = reply.reading
    named = 0
    for start, end in {reading.sentence(hit.start) for hit in hits}:
        text = reading.norm[start:end]
        covered = -1
        for at in range(len(text)):
            if at > covered and any(text.startswith(word, at) for word in reply.specifics):
                named += 1
                covered = at + 2
    return named


def _raw_score(reply: Reply, hits: list[Hit], repeated: bool) -> tuple[float, str]:
    rule = rubric.load().empathy
    families = {hit.rule.split(".")[1] for hit in hits}
    deep = families & {"feeling", "whoever", "specific", "model"}
    specifics = _specifics(reply, hits)
    bonus = min(rule.specific_most, rule.specific_each * specifics)
    if "impact" in families and deep:
        return rule.both + bonus, "说出了客户的感受和受到的影响"
    if "impact" in families:
        return rule.impact + bonus, "说出了事情对客户的影响"
    if deep:
        return rule.feeling + bonus, "回应了客户的情绪" + (
            "和事实" if specifics else "，还可以更具体"
        )
    factor = rubric.load().formula_repeat if repeated else 1.0
    return rule.formula * factor + min(8.0, bonus / 2), "只有一句谁都适用的套话"


def _bridge(reply: Reply) -> float:
    rule, strength = rubric.load().empathy, reply.strength
    points = rule.solution * strength.get("solution", 0.0)
    points += rule.timeframe * strength.get("timeframe", 0.0)
    points += rule.ownership * strength.get("ownership", 0.0)
    points += rule.apology * strength.get("apology", 0.0)
    points += rule.question * max(strength.get("question", 0), strength.get("open_question", 0))
    return points


def _factors(reply: Reply, hits: list[Hit]) -> tuple[float, list[str]]:
    rule = rubric.load().empathy
    cancel, invented = rubric.empathy_words()
    norm, factor = reply.reading.kept, 1.0
    why: list[str] = []
    last = max(hit.end for hit in hits)
    turned = cancel.search(norm, last, last + 40)
    if turned and reply.strength.get("solution", 0.0) < 0.9:
        factor, why = factor * rule.cancelled, [*why, "后面跟着“但是……规定”，安慰被抵消"]
    if invented.search(norm):
        factor, why = factor * rule.invented, [*why, "编自己的经历不算同理"]
    if "copied" in reply.flags:
        factor, why = factor * rule.copied, [*why, "照抄客户的话不算理解"]
    refusal = rubric.wording()["refusal"].search(norm)
    if refusal and refusal.start() < min(hit.start for hit in hits):
        factor, why = factor * rule.late, [*why, "先讲规定，后安慰"]
    return factor, why


def _without_words(reply: Reply, moment: Moment) -> Finding:
    rule = rubric.load().empathy
    apology, action = reply.of("apology"), reply.of("solution", "timeframe", "safety")
    strong = [hit for hit in apology if hit.strength >= 0.9]
    score = rule.no_words_apology * (1.0 if strong else 0.6 if apology else 0.0)
    score += rule.no_words_action * (1.0 if action else 0.0)
    if reply.specifics and (apology or action):
        score += min(10.0, 2.0 * len(reply.specifics))
    quote = moment.quotes.get(f"heat.{_heat_name(moment)}", moment.last[:16])
    return Finding(
        score, ("没有回应客户的情绪和处境",), "先说出这件事对他的影响，再讲办法",
        tuple(apology + action), rule.cites, (("empathy", quote),),
    )  # fmt: skip


def _staff_without_words(reply: Reply, moment: Moment) -> Finding:
    """Judge a leader's reply without feeling words: listening and respect are what counts."""
    rule = rubric.load().empathy
    parts = {kind: pts for kind, pts in rule.staff_points.items() if kind in reply.strength}
    settled = "comforted" in moment.flags or moment.heat == 0
    if settled and reply.strength.keys() & {"action_plan", "follow_up", "options", "solution"}:
        return Finding(None, ("这一轮在商量做法，不再评同理",), "", (), ())
    score = min(rule.staff_most, sum(parts.values()))
    why = "在倾听和尊重对方" if score >= 40 else "没有接住对方的情绪，也没有先听他说"
    quote = moment.quotes.get(f"heat.{_heat_name(moment)}", moment.last[:16])
    missing = () if parts else (("empathy", quote),)
    advice = "" if score >= 60 else "先说出他这段时间的不容易，再问当时发生了什么"
    return Finding(score, (why,), advice, tuple(reply.of(*parts)), rule.staff_cites, missing)


def _heat_name(moment: Moment) -> str:
    return {1: "mild", 2: "strong", 3: "furious"}.get(moment.heat, "mild")


def judge(reply: Reply, moment: Moment) -> Finding:
    """Judge empathy; None when the customer shows no feeling and the reply tries nothing."""
    rule = rubric.load().empathy
    hits = reply.of("empathy")
    if not hits and moment.staff:
        return _staff_without_words(reply, moment)
    if not hits and moment.heat == 0:
        return Finding(None, ("客户没有流露情绪，这一轮不评同理",), "", (), ())
    moving = {"solution", "timeframe", "question", "restate", "ownership", "transfer"}
    if (
        not hits
        and "comforted" in moment.flags
        and moment.heat <= 2
        and moving & reply.strength.keys()
        and not reply.violations
    ):
        return Finding(None, ("前面已经回应过情绪，这一轮在办事，不再评同理",), "", (), ())
    if not hits:
        return _without_words(reply, moment)
    raw, why = _raw_score(reply, hits, "formula_again" in reply.flags)
    factor, reasons = _factors(reply, hits)
    formula_only = all(hit.rule == "empathy.formula" for hit in hits)
    bridge = _bridge(reply) * (0.4 if formula_only else 1.0)
    score = (raw + bridge) * factor
    advice = "" if score >= 80 else "点出他的事、他的损失或担心，再接上动作和时间"
    extra = reply.of("solution", "timeframe", "ownership", "apology")
    if moment.staff:
        listening = sum(pts for kind, pts in rule.staff_points.items() if kind in reply.strength)
        score += min(20.0, listening * 0.4)
    cites = rule.staff_cites if moment.staff else rule.cites
    return Finding(
        score, (why, *reasons), advice, tuple(hits + extra), cites,
        faults=tuple(reasons), taken=(raw + bridge) * (1.0 - factor),
    )  # fmt: skip
