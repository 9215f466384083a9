"""Where the elements of a JSON list begin and end, when one of them keeps a parser from telling.

Half a surrogate pair, NaN or nesting without end make a whole list unreadable. Its brackets and
quotes still say where each element stands, so that the sound ones need not be lost.
"""

import re

# Everything between quotes is passed over; a quote that never closes matches nothing and is fatal.
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|["\[\]{},]', re.DOTALL)


def split_list(text: bytes) -> list[bytes] | None:
    """The elements of a JSON list as they stand, or None when its brackets or quotes do not match.

    The elements themselves are not parsed and may be anything.
    """
    elements: list[bytes] = []
    open_brackets = bytearray()
    start = 0
    for token in _TOKEN.finditer(text):
        mark = token[0]
        if mark in (b"[", b"{"):
            if not open_brackets:
                if mark == b"{" or text[: token.start()].strip():
                    return None
                start = token.end()
            open_brackets += b"]" if mark == b"[" else b"}"
        elif mark in (b"]", b"}"):
            if not open_brackets or open_brackets.pop() != mark[0]:
                return None
            if not open_brackets:
                elements.append(text[start : token.start()].strip())
                if text[token.end() :].strip():
                    return None
                return elements if all(elements) else None
        elif mark == b"," and len(open_brackets) == 1:
            elements.append(text[start : token.start()].strip())
            start = token.end()
        elif mark == b'"':
            return None
    return None
