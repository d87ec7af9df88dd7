"""What many tests need: a graded reply, a played talk."""

from coach import scenario
from coach.session import Session
from grading.grade import grade
from grading.result import GradeRow, Turn

COMPLAINT = "宽带断了四天，我打了三次电话都没人管，孩子网课全耽误了！"


def history(*said):
    """Turns in order; "座席：" and "员工：" name the speaker, all else is the customer's."""
    roles = {"座席": "agent", "员工": "staff"}
    turns = []
    for text in said:
        name, _, rest = text.partition("：")
        role = roles.get(name)
        turns.append(Turn(role=role or "customer", text=rest if role else text))
    return turns


def graded(reply, *said, channel="inbound", **more):
    row = GradeRow(channel=channel, history=history(*(said or (COMPLAINT,))), reply=reply)
    return grade(row, **more)


def kinds(spans):
    return {span.kind for span in spans}


def played(name, replies, seed=1):
    """Play replies until the talk ends; the session is given back."""
    session = Session(scenario.get(name), seed)
    for reply in replies:
        if session.state.ended:
            break
        session.say(reply)
    return session
