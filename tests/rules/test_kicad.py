"""A board is read from the files KiCad writes, and nothing in them is dropped in silence."""

import json
from collections import Counter
from pathlib import Path

import pytest

from app.products.kicad import BoardDesign, BoardFileError, dump_program, read_design

ROOT = Path(__file__).resolve().parents[2]
OUR_BOARD = ROOT / "stations" / "boards"
PICO_ICE = ROOT.parent / "shared" / "data" / "boards"

BOM = "Item,Qty,Designator,Value,MPN,Footprint,Manufacturer\n"
PLACEMENTS = "Designator,Mid X,Mid Y,Layer,Rotation\n"


def design(tmp_path: Path, bom: str | bytes, placements: str | bytes) -> BoardDesign:
    files = []
    for name, content in (("b-bom.csv", bom), ("b-placements.csv", placements)):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        files.append(path)
    return read_design(*files)


def kinds(board: BoardDesign) -> list[tuple[str, str]]:
    return [(mismatch.kind, mismatch.reference_designator) for mismatch in board.mismatches]


def test_our_board_is_read_whole() -> None:
    board = read_design(OUR_BOARD / "field-node-revB-bom.csv", OUR_BOARD / "field-node-revB-placements.csv")
    assert (board.name, board.revision) == ("field-node", "B")
    assert len(board.components) == 76
    assert Counter(part.side for part in board.components) == {"top": 55, "bottom": 21}
    by_hand = {part.reference_designator for part in board.components if part.assembly == "hand"}
    assert by_hand == {"J2", "J3", "BT1"}
    assert Counter(kind for kind, _ in kinds(board)) == {
        "fiducial": 6,
        "mounting_hole": 4,
        "test_point": 4,
        "not_fitted": 1,
        "not_in_placements": 1,
    }
    bottom = [part for part in board.components if part.side == "bottom"]
    assert all(part.x is not None and 0 < part.x < 62 for part in bottom), "seen from the top"


@pytest.mark.skipif(not PICO_ICE.is_dir(), reason="the pico-ice files are not beside the checkout")
def test_pico_ice_and_every_one_of_its_slips() -> None:
    board = read_design(PICO_ICE / "pico-ice-rev1-bom.csv", PICO_ICE / "pico-ice-rev1-placements.csv")
    assert (board.name, board.revision) == ("pico-ice", "1")
    assert len(board.components) == 76
    assert Counter(part.side for part in board.components) == {"top": 53, "bottom": 23}
    assert sorted(kinds(board)) == [
        ("encoding", ""),
        *(("fiducial", f"FID{number}") for number in range(1, 7)),
        ("no_part_number", "RN1"),
        *(("not_in_bom", name) for name in ("J2", "J3", "R20", "R22", "R3")),
        ("part_number_with_several_footprints", "R15"),
        ("part_number_with_several_values", "U4"),
    ]
    parts = {part.reference_designator: part for part in board.components}
    assert parts["RN1"].part_number == "10K R_Array_Concave_4x0402"
    assert parts["SW1"].part_number == "PTS820 J25K SMTR LFS"
    assert all(part.assembly == "machine" for part in board.components)


def test_every_designator_ends_as_a_part_or_as_a_mismatch(tmp_path: Path) -> None:
    board = design(
        tmp_path,
        BOM + '1,2,"C1, C2",1u,P1,C_0402,M\n2,1,R9,1k,P2,R_0402,M\n3,1,U1,IC,,QFN,M\n',
        PLACEMENTS + "C1,1,1,top,0\nC2,2,1,top,0\nU1,3,3,top,0\nFID1,0,0,top,0\nR7,1,2,top,0\n",
    )
    said = {part.reference_designator for part in board.components}
    told = {mismatch.reference_designator for mismatch in board.mismatches}
    assert said | told == {"C1", "C2", "R9", "U1", "FID1", "R7"}
    assert kinds(board) == [
        ("not_in_placements", "R9"),
        ("no_part_number", "U1"),
        ("fiducial", "FID1"),
        ("not_in_bom", "R7"),
    ]
    parts = {part.reference_designator: part for part in board.components}
    assert parts["R9"].assembly == "hand"
    assert parts["R9"].x is None
    assert parts["U1"].part_number == "IC QFN"


def test_quantities_and_duplicates_are_told(tmp_path: Path) -> None:
    board = design(
        tmp_path,
        BOM + '1,3,"C1, C2",1u,P1,C_0402,M\n2,1,C2,2u,P2,C_0402,M\n3,1,,1k,P3,R_0402,M\n',
        PLACEMENTS + "C1,1,1,top,0\nC2,2,1,top,0\nC1,5,5,top,0\nC3,x,1,top,0\nC4,1,1,inner,0\n",
    )
    assert kinds(board) == [
        ("quantity_differs", "C1"),
        ("duplicate_designator", "C2"),
        ("unreadable_row", ""),
        ("duplicate_designator", "C1"),
        ("unreadable_row", "C3"),
        ("unreadable_row", "C4"),
    ]
    assert [(part.reference_designator, part.part_number, part.x) for part in board.components] == [
        ("C1", "P1", 1.0),
        ("C2", "P1", 2.0),
    ]


@pytest.mark.parametrize(
    ("cell", "quantity", "names"),
    [
        ("R1 R2,R3;R4", 4, ["R1", "R2", "R3", "R4"]),
        ("R1-R4", 4, ["R1", "R2", "R3", "R4"]),
        ("C8-10, C12", 4, ["C8", "C9", "C10", "C12"]),
        ("J1-2", 1, ["J1-2"]),
    ],
)
def test_lists_and_ranges_of_designators(tmp_path: Path, cell: str, quantity: int, names: list[str]) -> None:
    board = design(
        tmp_path,
        BOM + f'1,{quantity},"{cell}",1k,P1,R_0402,M\n',
        PLACEMENTS + "".join(f"{name},1,1,top,0\n" for name in names),
    )
    assert [part.reference_designator for part in board.components] == names
    assert board.mismatches == ()


def test_headings_units_and_delimiters_of_other_exporters(tmp_path: Path) -> None:
    board = design(
        tmp_path,
        "# made by an assembly house\n\nReference(s);Quantity;Mfr. Part #;DNP\nC1;1;P1;\nC2;1;P2;x\n",
        "Ref;Val;Package;PosX;PosY;Rot;Side\nC1;1u;C_0402;12,5mm;500mil;-90;B.Cu\nC2;1u;C_0402;1;1;0;top\n",
    )
    (part,) = board.components
    assert (part.x, part.y, part.rotation, part.side) == (12.5, 12.7, -90.0, "bottom")
    assert (part.part_number, part.value, part.footprint) == ("P1", "1u", "C_0402")
    assert kinds(board) == [("not_fitted", "C2")]


def test_texts_in_two_encodings_are_both_read(tmp_path: Path) -> None:
    row = b"1,1,R1,1k 5\xc2\xb0,P1,R_0402,W\xfcrth\n"
    board = design(tmp_path, BOM.encode() + row, PLACEMENTS + "R1,1,1,top,0\n")
    (part,) = board.components
    assert (part.value, part.manufacturer) == ("1k 5°", "Würth")
    assert kinds(board) == [("encoding", "")]
    assert "line 2" in board.mismatches[0].sentence


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_heading(tmp_path: Path, encoding: str) -> None:
    board = design(
        tmp_path,
        ("Designator,MPN\nR1,P1\n").encode(encoding),
        (PLACEMENTS + "R1,1,1,top,0\n").encode(encoding),
    )
    assert [part.part_number for part in board.components] == ["P1"]
    assert board.mismatches == ()


def test_one_part_number_cannot_be_two_parts(tmp_path: Path) -> None:
    board = design(
        tmp_path,
        BOM
        + "1,1,R1,1k,P1,R:R_0402_1005Metric,M\n2,1,R2,1k,P1,R:R_0603_1608Metric,M\n"
        + "3,1,U1,3V3,P2,S:SOT-23,M\n4,1,U2,1V2,P2,S:SOT-23_HandSoldering,M\n",
        PLACEMENTS + "R1,1,1,top,0\nR2,1,2,top,0\nU1,1,3,top,0\nU2,1,4,top,0\n",
    )
    assert kinds(board) == [
        ("part_number_with_several_footprints", "R2"),
        ("part_number_with_several_values", "U2"),
    ]


@pytest.mark.parametrize(
    ("bom", "placements", "said"),
    [
        ("Qty,Value\n1,1k\n", PLACEMENTS, "no line of headings with designator"),
        (BOM + "1,1,R1,1k,P1,R,M\n", "Designator,Layer\nR1,top\n", "Mid X"),
        ("", "", "no line of headings"),
        (BOM, PLACEMENTS, "nothing to build"),
    ],
)
def test_a_file_that_is_no_board_file_is_refused(tmp_path: Path, bom: str, placements: str, said: str) -> None:
    with pytest.raises(BoardFileError, match=said):
        design(tmp_path, bom, placements)


def test_the_placement_program_says_all_of_it(tmp_path: Path) -> None:
    board = design(tmp_path, BOM + "1,1,R1,1k,P1,R_0402,M\n", PLACEMENTS + "R1,1,2,bottom,90\n")
    program = json.loads(dump_program(board))
    assert program == {
        "format": "birthmark.placement_program",
        "version": 1,
        "name": "b",
        "revision": "1",
        "components": [
            {
                "reference_designator": "R1",
                "part_number": "P1",
                "manufacturer": "M",
                "value": "1k",
                "footprint": "R_0402",
                "x": 1.0,
                "y": 2.0,
                "rotation": 90.0,
                "side": "bottom",
                "assembly": "machine",
            }
        ],
        "mismatches": [],
    }
