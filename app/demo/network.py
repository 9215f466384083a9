"""Where other machines find the demo, and its address as a picture for a phone."""

import socket


def network_address(host: str, port: int, *, secure: bool) -> str | None:
    """Where other machines find the demo; None where it listens on this machine alone."""
    if host in {"127.0.0.1", "localhost", "::1"}:
        return None
    if host in {"0.0.0.0", "::"}:  # noqa: S104  (all of them: which one leads out?)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect(("192.0.2.1", 9))  # RFC 5737: nobody's address, and nothing is sent
                host = str(probe.getsockname()[0])
            except OSError:
                return None
    name = f"[{host}]" if ":" in host else host
    return f"{'https' if secure else 'http'}://{name}:{port}"


def in_terminal(content: str) -> str:
    """A QR code as lines of half blocks, two rows of modules in each; light on dark, as terminals mostly are."""
    from app.labels.symbols import Symbology, modules  # noqa: PLC0415  (numpy, where nobody wants a picture)

    dark = modules(content, Symbology.qr).tolist()
    size = len(dark)

    def light(row: int, column: int) -> bool:
        return not (0 <= row < size and 0 <= column < size and dark[row][column])

    blocks = {(True, True): "\u2588", (True, False): "\u2580", (False, True): "\u2584", (False, False): " "}
    return "\n".join(
        "".join(blocks[light(row, column), light(row + 1, column)] for column in range(-2, size + 2))
        for row in range(-2, size + 2, 2)
    )
