"""Before a talk ends, no HTTP response may hold what the scenario still hides."""

import html
import json
import secrets

import pytest

from coach import scenario

CASE = scenario.get("broadband-third-call")
ASKS_LIGHT = "您好，我是3076号，麻烦您看一眼光猫，上面的灯是什么状态？"


class Browser:
    """Speaks to the page as its own script does, and keeps every body it is sent."""

    def __init__(self, client):
        self.client = client
        self.name = secrets.token_hex(8)
        self.bodies = []
        self.get("/")
        self.config = json.loads(self.get("/config"))
        for path in ("/theme.css", "/gradio_api/info", "/report.html", "/report.json"):
            self.get(path)
        self.ids = {
            c["props"]["elem_id"]: c["id"]
            for c in self.config["components"]
            if c.get("props", {}).get("elem_id")
        }

    def get(self, path):
        body = self.client.get(path).text
        self.bodies.append(body)
        return body

    def fire(self, event, *data, elem_id=None):
        source = self.ids[elem_id] if elem_id else None
        number = next(
            one["id"]
            for one in self.config["dependencies"]
            if any(e == event and (source is None or t == source) for t, e in one["targets"])
        )
        body = {"data": list(data), "fn_index": number, "session_hash": self.name}
        joined = self.client.post("/gradio_api/queue/join", json=body)
        assert joined.status_code == 200, joined.text
        self.bodies.append(joined.text)
        said = ""
        url = f"/gradio_api/queue/data?session_hash={self.name}"
        with self.client.stream("GET", url) as stream:
            for line in stream.iter_lines():
                if line.startswith("data:"):
                    said += json.dumps(json.loads(line[5:]), ensure_ascii=False) + "\n"
                if "process_completed" in line or "close_stream" in line:
                    break
        assert '"success": true' in said, said[-400:]
        self.bodies.append(said)
        return said

    def has(self, text):
        """Whether any body so far holds the text, plain or escaped."""
        forms = {text, html.escape(text), json.dumps(text)[1:-1]}
        return any(form in body for body in self.bodies for form in forms)


def _hidden(case, told=()):
    """Everything of a scenario that must not be seen yet."""
    facts = [f for f in case.facts if f.id not in told]
    return [
        *(f.what for f in case.facts), *(line for f in facts for line in f.say),
        *(g.what for g in case.goals),
        *(p for g in case.goals for group in g.need for p in group if len(p) > 9),
        *(line for g in case.goals for line in g.met), *(s.what for s in case.steps),
        *(x for lim in case.limits for x in (lim.why, lim.instead)),
        *(t.why for t in case.worse), *case.paths.right, *case.paths.wrong, *case.hints,
        case.model_reply, case.background, case.wants, case.person.about,
    ]  # fmt: skip


def _leaks(page, hidden):
    return [text for text in hidden if len(text) >= 6 and page.has(text)]


def test_no_response_holds_what_is_still_hidden(client):
    page = Browser(client)
    everything = [text for case in scenario.load_all().values() for text in _hidden(case)]
    page.fire("load")
    assert _leaks(page, everything) == []
    page.fire("click", CASE.id, False, "脚本客户", elem_id="go")
    assert page.has(CASE.card[0]), "the recorder must see what is shown"
    assert _leaks(page, _hidden(CASE)) == []
    page.fire("submit", ASKS_LIGHT, None, elem_id="reply")
    light = CASE.fact("light")
    assert any(page.has(line) for line in light.say), "the recorder must see a fact once told"
    page.fire("submit", "重启过没有？我也没办法，您再等等吧。", None, elem_id="reply")
    page.get("/report.html")
    page.get("/report.json")
    told = [f.id for f in CASE.facts if any(page.has(line) for line in f.say)]
    assert _leaks(page, _hidden(CASE, told)) == []
    page.fire("click", None, elem_id="stop")
    assert page.has(CASE.model_reply), "the recorder must see the model reply after the end"
    page.get("/report.json")
    assert page.has(CASE.steps[-1].what)


@pytest.mark.parametrize("hint", CASE.hints[:1])
def test_a_hint_is_sent_only_when_asked_for(client, hint):
    page = Browser(client)
    page.fire("load")
    page.fire("click", CASE.id, False, "脚本客户", elem_id="go")
    assert not page.has(hint)
    page.fire("click", None, elem_id="ask-hint")
    assert page.has(hint)
    assert not page.has(CASE.hints[1])
