"""Read the label of a reel, tray or tube as a scanner delivers it. Pure: no database.

Four ways of writing are understood:

* ISO/IEC 15434 format 06 with ANSI MH10.8.2 data identifiers (EIGP-114; Digi-Key, Mouser, Farnell,
  Wuerth): `[)>` RS `06` GS field GS field ... RS EOT. Tolerated, because seen on real reels: no
  trailer, no RS, the header `>[)>`, an AIM prefix such as `]d1`, control pictures (U+241E, U+241D),
  and keyboard wedges that type `]` for GS and `^` for RS and flip the case of every letter.
* LCSC: `{pbn:...,pc:...,qty:...}`.
* TME's QR: `QTY:1 PN:... MPN:... https://www.tme.eu/...`.
* TME's Data Matrix: data identifiers separated by spaces, `P... 1P... Q... K...`.

What cannot be read with certainty is refused with a reason (`UnreadableLabelError`), never guessed:
two fields of one identifier that differ, a quantity that is not a number, a scan of no known kind.
An empty field, and a field whose data identifier is not known (kept in `others`), harm nothing.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from app.errors import Invalid
from app.sentences import Sentence

RS, GS, EOT = "\x1e", "\x1d", "\x04"

LONGEST_LABEL = 2048


class UnreadableLabelError(Invalid):
    """The label cannot be read with certainty."""


@dataclass(frozen=True, slots=True)
class Label:
    """What a label says; None where it does not say it.

    `customer_part_number` is what we call the part (P), `manufacturer_part_number` what its maker
    does (1P), `vendor_part_number` what the distributor does (30P, 3P). `part_revision` is the part's (2P).
    `date_code` is as printed: makers write YYWW, YYMMDD, YYYY.WW and more. `country` is ISO 3166 alpha-2.
    """

    vendor: str | None = None
    customer_part_number: str | None = None
    manufacturer_part_number: str | None = None
    vendor_part_number: str | None = None
    part_revision: str | None = None
    quantity: float | None = None
    lot_code: str | None = None
    date_code: str | None = None
    country: str | None = None
    manufacturer: str | None = None
    package_identifier: str | None = None
    customer_order: str | None = None
    customer_order_line: str | None = None
    sales_order: str | None = None
    invoice: str | None = None
    packing_list: str | None = None
    others: dict[str, str] = field(default_factory=dict)


def read_label(scan: str) -> Label:
    """What the label says. Raises `UnreadableLabelError` where that is not certain."""
    if len(scan) > LONGEST_LABEL:
        raise UnreadableLabelError(
            Sentence(
                "A label of %(count)s characters is longer than any real one (%(count_most)s). Scan one "
                "label at a time.",
                count=len(scan),
                count_most=LONGEST_LABEL,
            )
        )
    text = _plain(scan)
    if not text:
        raise UnreadableLabelError(Sentence("The scan is empty. Scan the label again."))
    if "[)>" in text[:4]:
        return _with_vendor(_identified(_iso_fields(text)))
    if text.startswith("{") and text.endswith("}"):
        return _from_lcsc(text)
    if re.match(r"QTY:", text):
        return _from_tme_pairs(text)
    if re.match(r"P\S+ 1P\S+ Q[0-9]+ K\S+( \S+)*$", text):
        return _from_tme_identifiers(text)
    raise UnreadableLabelError(
        Sentence(
            "This is neither an ISO 15434 label nor one of a distributor known here. Scan the label's "
            "two-dimensional code, or enter the fields by hand."
        )
    )


def _plain(scan: str) -> str:
    """The scan without an AIM prefix, with control characters where pictures stood."""
    text = scan.strip(" \t\r\n\x00\ufeff")
    text = re.sub(r"^\][A-Za-z][0-9A-Za-z](?=>?\[\)>)", "", text)  # AIM: ]d1 Data Matrix, ]Q1 QR
    for picture, control in (("\u241e", RS), ("\u241d", GS), ("\u2404", EOT)):
        text = text.replace(picture, control)
    return text


# --- ISO/IEC 15434 --------------------------------------------------------------------------------

_HEADER = re.compile(rf"^>?\[\)>(?:{RS}|\^)?06(?P<separator>{GS}|\])")
_TRAILER = re.compile(rf"(?:{RS}?{EOT}|{RS}|\^[dD])$")
_FIELD = re.compile(r"^(?P<identifier>[0-9]{0,3}[A-Z])(?P<value>.*)$", re.DOTALL)


def _iso_fields(text: str) -> list[str]:
    header = _HEADER.match(text)
    if header is None:
        raise UnreadableLabelError(
            Sentence("The label has an ISO 15434 header, but not of format 06. Enter its fields by hand.")
        )
    body = _TRAILER.sub("", text[header.end() :])
    separator = header["separator"]
    if separator == "]":  # a keyboard wedge typed it
        if GS in body or RS in body:
            raise UnreadableLabelError(
                Sentence(
                    "The scan mixes typed and real separators. Set the scanner to one keyboard layout and scan again."
                )
            )
        body = _upright(body)
    fields = body.split(separator)
    if RS in body:
        raise UnreadableLabelError(Sentence("The label holds more than one record. Scan the code of one package."))
    return fields


def _upright(body: str) -> str:
    """Undo what a caps lock did to a keyboard wedge's letters.

    Data identifiers are capitals (MH10.8.2), so they show it: where all are small, every letter was
    flipped. Where only some are, the values are certain only if they hold no small letter.
    """
    starts = list(re.finditer(r"(?:^|(?<=\]))[0-9]{0,3}([A-Za-z])", body))
    small = [start for start in starts if start[1].islower()]
    if not small:
        return body
    if len(small) == len(starts):
        return body.swapcase()
    for start in small:
        body = body[: start.start()] + start[0].upper() + body[start.end() :]
    if body != body.upper():
        raise UnreadableLabelError(
            Sentence(
                "The scanner changed capitals into small letters in parts of the label. Switch Caps Lock "
                "off, set the scanner to this keyboard's layout, and scan again."
            )
        )
    return body


# What each field means. Where two identifiers mean the same, the first one that is filled counts.
_MEANING = {
    "customer_part_number": ("P",),
    "manufacturer_part_number": ("1P",),
    "vendor_part_number": ("30P", "3P"),
    "part_revision": ("2P",),
    "lot_code": ("1T",),
    "date_code": ("10D", "9D", "16D"),
    "country": ("4L",),
    "manufacturer": ("1V",),
    "package_identifier": ("3S", "S"),
    "customer_order": ("K",),
    "customer_order_line": ("14K", "4K"),
    "sales_order": ("1K",),
    "invoice": ("10K",),
    "packing_list": ("11K",),
}
_KNOWN = {"Q", *(identifier for several in _MEANING.values() for identifier in several)}


def _identified(fields: Iterable[str]) -> dict[str, str]:
    """Fields by data identifier; a text without one is left out, as is an empty value."""
    found: dict[str, str] = {}
    for text in fields:
        match = _FIELD.match(text)
        if match is None:
            continue
        identifier, value = match["identifier"], match["value"].strip()
        if not value:
            continue
        if not value.isprintable():
            raise UnreadableLabelError(
                Sentence(
                    "Field %(field)s holds control characters: separators were lost. Scan again.", field=identifier
                )
            )
        if identifier in _KNOWN and found.get(identifier, value) != value:
            raise UnreadableLabelError(
                Sentence(
                    "Field %(field)s is there twice, as %(said_first)s and as %(said_then)s. Scan the code of "
                    "one package.",
                    field=identifier,
                    said_first=repr(found[identifier]),
                    said_then=repr(value),
                )
            )
        found[identifier] = value
    return found


def _label(found: Mapping[str, str], **more: str | None) -> Label:
    meant: dict[str, Any] = {
        name: next((found[i] for i in identifiers if i in found), None) for name, identifiers in _MEANING.items()
    }
    others = {i: value for i, value in found.items() if i not in _KNOWN}
    return Label(**{**meant, **more}, quantity=_quantity(found.get("Q")), others=others)


def _quantity(text: str | None) -> float | None:
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,6})?", text) or float(text) == 0:
        raise UnreadableLabelError(
            Sentence(
                "The quantity %(quantity)s is not a number above zero. Scan again, or enter it by hand.",
                quantity=repr(text),
            )
        )
    return float(text)


def _with_vendor(found: Mapping[str, str]) -> Label:
    """The label, with the distributor whose way of filling the fields this is."""
    label = _label(found)
    if found.get("11Z") == "PICK":
        # Digi-Key's older labels print their own number as the customer's.
        own = label.vendor_part_number
        if own is None and (label.customer_part_number or "").endswith("-ND"):
            own = label.customer_part_number
        return replace(label, vendor="digikey", vendor_part_number=own)
    if {"14K", "11K", "1P", "1V"} <= found.keys():
        return replace(label, vendor="mouser")
    if {"3P", "1P", "4K"} <= found.keys():
        return replace(label, vendor="farnell")
    if found.keys() == {"1P", "Q", "1T", "16D"} and found["1P"].isdigit():
        return replace(
            label,
            vendor="wurth",
            vendor_part_number=label.manufacturer_part_number,
            manufacturer="Wurth Elektronik",
        )
    return label


# --- distributors' own ways -----------------------------------------------------------------------


def _from_lcsc(text: str) -> Label:
    # A maker's part number may hold a comma (74HC14D,653): a new pair begins only at a key.
    pairs = [pair.partition(":") for pair in re.split(r",(?=[a-z]{2,4}:)", text[1:-1])]
    said = {key: value for key, colon, value in pairs if colon and value}
    if "pc" not in said or "qty" not in said:
        raise UnreadableLabelError(
            Sentence("This looks like an LCSC label without part number or quantity. Scan it again.")
        )
    return Label(
        vendor="lcsc",
        vendor_part_number=said["pc"],
        manufacturer_part_number=said.get("pm"),
        customer_part_number=said.get("mc"),
        quantity=_quantity(said["qty"]),
        sales_order=said.get("on"),
        packing_list=said.get("pbn"),
    )


def _from_tme_pairs(text: str) -> Label:
    if not re.search(r"https?://www\.tme\.(eu|com)/", text):
        raise UnreadableLabelError(
            Sentence("This looks like a TME label, but its web address is missing. Scan the whole code.")
        )
    said = dict(re.findall(r"\b(QTY|PN|PO|CPO|MFR|MPN):(\S+)", text))
    if "PN" not in said or "QTY" not in said:
        raise UnreadableLabelError(Sentence("The TME label lacks part number or quantity. Scan it again."))
    return Label(
        vendor="tme",
        vendor_part_number=said["PN"],
        manufacturer_part_number=said.get("MPN"),
        quantity=_quantity(said["QTY"]),
        sales_order=said.get("PO"),
        customer_order=said.get("CPO"),
        manufacturer=said.get("MFR"),
    )


def _from_tme_identifiers(text: str) -> Label:
    found = _identified(text.split(" "))
    label = _label(found)
    # P and K are the customer's by the standard; TME prints its own part and order there.
    return replace(
        label,
        vendor="tme",
        vendor_part_number=label.customer_part_number,
        customer_part_number=None,
        sales_order=label.customer_order,
        customer_order=None,
    )
