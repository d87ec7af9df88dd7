"""What tests of drafts need: a composed case, a model that says what it is told to."""

import random

from coach import draft_compose, draft_data, draft_plan
from coach.draft_wish import Wish
from coach.draft_yaml import dump


def composed(matter="parcel-lost", kind="irritable", channel="inbound", level="初级"):
    """Give the table of one composed scenario."""
    wish = Wish(
        text="练一练", level=level, customer_type=kind, channel=channel,
        matter=draft_data.matters()[matter], harder=0, elder=False, regular=False, staff=False,
        work=None,
    )  # fmt: skip
    dice = random.Random(f"{matter}{kind}{channel}{level}")
    return draft_compose.compose(draft_plan.decide(wish, dice), dice)


def text(**parts):
    """Give the YAML of one composed scenario."""
    return dump(composed(**parts))


class Model:
    """Answers in turn with what it was given; keeps what it was asked."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def __call__(self, messages):
        self.asked.append(list(messages))
        return self.answers.pop(0)
