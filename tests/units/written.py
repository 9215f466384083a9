"""JSON as machines write it: any spacing, any escapes, members doubled or in any order."""

import json
import random
from typing import Any


class Writer:
    """Writes JSON values; what the standard leaves open is decided by `rng`.

    `habit`: "plain" (compact, as most machines), "spaced" (`": "` and `", "`), "pretty", "odd", where every blank,
    escape and doubled member is thrown anew, or "absurd", where even letters are escaped, in members' names too.
    """

    def __init__(self, habit: str, rng: random.Random) -> None:
        self._habit = habit
        self._rng = rng

    def write(self, value: Any) -> bytes:
        if self._habit in {"odd", "absurd"}:
            return self._blank() + self._odd(value).encode() + self._blank()
        spacing = {"plain": (",", ":"), "spaced": (", ", ": "), "pretty": (",", ": ")}[self._habit]
        indent = 2 if self._habit == "pretty" else None
        return json.dumps(value, separators=spacing, indent=indent, ensure_ascii=self._rng.random() < 0.5).encode()

    def _blank(self) -> bytes:
        return self._rng.choice((b"", b"", b" ", b"\n", b"\t \r\n"))

    def _odd(self, value: Any) -> str:
        blank = self._blank().decode
        if isinstance(value, dict):
            members = list(value.items())
            if members and self._rng.random() < 0.1:
                name, last = self._rng.choice(members)  # it is the last one that counts
                members.insert(0, (name, self._rng.choice((None, last, "other" if isinstance(last, str) else None))))
            told = (f"{blank()}{self._text(name)}{blank()}:{blank()}{self._odd(one)}{blank()}" for name, one in members)
            return "{" + ",".join(told) + "}"
        if isinstance(value, list):
            return "[" + ",".join(f"{blank()}{self._odd(one)}{blank()}" for one in value) + "]"
        return self._text(value) if isinstance(value, str) else json.dumps(value)

    def _text(self, text: str) -> str:
        return '"' + "".join(map(self._character, text)) + '"'

    def _character(self, one: str) -> str:
        plain = json.dumps(one, ensure_ascii=False)[1:-1]
        if self._rng.random() < 0.9 or (one.isascii() and one.isalpha() and self._habit != "absurd"):
            return plain
        escaped = json.dumps(one)[1:-1]
        if len(escaped) == 1:
            escaped = f"\\u{ord(one):04{self._rng.choice('xX')}}"
        return r"\/" if one == "/" else escaped
