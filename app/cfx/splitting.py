"""Where the elements of a JSON list begin and end, when one of them keeps a parser from telling.

Half a surrogate pair, NaN or nesting without end make a whole list unreadable. Its brackets and
quotes still say where each element stands, so that the sound ones need not be lost.
"""

import re

# Everything between quotes is passed over; a quote that never closes matches nothing and is fatal.
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|["\[\]{},]', re.DOTALL)

_CLOSING = {b"[": b"]", b"{": b"}"}


def split_list(text: bytes, *, at_most: int) -> list[bytes] | None:
    """The elements of a JSON list as they stand, or None when its brackets or quotes do not match.

    The elements themselves are not parsed and may be anything. Past `at_most` elements the rest is
    not looked at.
    """
    elements: list[bytes] = []
    still_open = bytearray()
    start = 0
    for token in _TOKEN.finditer(text):
        mark = token[0]
        if mark in _CLOSING:
            if not still_open:
                if mark != b"[" or text[: token.start()].strip():
                    break
                start = token.end()
            still_open += _CLOSING[mark]
        elif mark == b",":
            if len(still_open) == 1:
                elements.append(text[start : token.start()].strip())
                start = token.end()
                if len(elements) > at_most:
                    return elements
        elif mark in _CLOSING.values():
            if not still_open.endswith(mark):
                break
            still_open.pop()
            if not still_open:
                elements.append(text[start : token.start()].strip())
                complete = all(elements) and not text[token.end() :].strip()
                return elements if complete else None
        elif mark == b'"':
            break
    return None
