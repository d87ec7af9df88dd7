"""An engine that judges by a function of the prompt, for tests of everything above it."""

import json
import re


class Fake:
    """An engine that says a text piece by piece, or does what a function of the chat says."""

    name, model = "endpoint", "qwen3:0.6b"

    def __init__(self, say):
        self.say, self.calls, self.forgotten, self.given = say, [], [], 0

    def stream(self, messages, sampling, *, session, cancel):
        self.calls.append((messages, sampling, session, cancel))
        text = self.say(messages[-1].content) if callable(self.say) else self.say
        if isinstance(text, Exception):
            raise text
        for at in range(0, len(text), 5):
            if cancel.is_set():
                return
            self.given += 1
            yield text[at : at + 5]

    def forget(self, session):
        self.forgotten.append(session)


def verdict(prompt, quote="断网四天换谁都着急"):
    level = "说透并行动" if "感受" in prompt else "回应到位"
    fields = {"id": re.search(r"【编号】(\S+)", prompt)[1], "reason": "说到了断网", "quote": quote}
    return json.dumps(fields | {"level": level}, ensure_ascii=False)
