"""Takes a model's thinking (<think>…</think>) out of a text that grows piece by piece.

Knows tags, cut in two anywhere; not who writes the text or on which wire it comes.
"""

from __future__ import annotations

from coach.engine import EngineError

_TAGS = ("<think>", "</think>")


class ThinkFilter:
    """Lets through what is no thinking; ``given`` tells whether anything but blanks has been."""

    def __init__(self, inside: bool = False) -> None:
        """Start; ``inside`` when the prompt itself has opened the thinking."""
        self.given = False
        self._inside, self._held = inside, ""

    def feed(self, piece: str) -> str:
        """Take the next piece and give what may be shown by now, "" if nothing.

        Raises:
            EngineError: ``broken``, a </think> without its opening: what was given was thinking.
        """
        self._held += piece
        shown, found = "", True
        while found:
            before, tag, after = self._held.partition(_TAGS[self._inside])
            found = bool(tag)
            if not found:
                cut = len(self._held) - _tag_start(self._held)
                before, after = self._held[:cut], self._held[cut:]
            shown += "" if self._inside else before
            self._held, self._inside = after, self._inside != found
        if _TAGS[1] in shown:
            raise EngineError("broken", "模型把思考过程当成回答发了出来，请关闭它的思考模式")
        shown = shown if self.given else shown.lstrip()
        self.given = self.given or bool(shown)
        return shown

    def finish(self) -> str:
        """Give what was held back and is no tag after all: a lone "<"; a longer start is cut."""
        if self._held != "<" or self._inside:
            return ""
        self.given, self._held = True, ""
        return "<"


def _tag_start(text: str) -> int:
    """Give how many characters at the end may be the start of a tag."""
    sizes = range(min(len(text), len(_TAGS[1]) - 1), 0, -1)
    return next((n for n in sizes if any(tag.startswith(text[-n:]) for tag in _TAGS)), 0)
