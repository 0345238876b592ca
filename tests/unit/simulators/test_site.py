"""The demo site and its tags: figures of the plan, and EPCs against an outside decoder."""

from __future__ import annotations

import json

from epcpy.epc_schemes.sgtin import SGTIN
from epcpy.epc_schemes.sscc import SSCC

from simulators.floor import tag_of
from simulators.geometry import beam_edges, path_along
from simulators.layout import layout_document, stock_csv
from simulators.site import build_site
from simulators.tags import gtin14, sscc18, sscc_tag, tote_tag, unit_tag


def test_one_seed_gives_one_site_and_another_seed_other_shelves() -> None:
    assert layout_document(build_site(1)) == layout_document(build_site(1))
    assert stock_csv(build_site(1)) == stock_csv(build_site(1))
    assert stock_csv(build_site(1)) != stock_csv(build_site(2))


def test_site_has_400_bins_two_doors_and_a_home_for_every_item() -> None:
    site = build_site(1)

    kinds = [place.kind for place in site.places]
    assert kinds.count("storage") + kinds.count("pick_face") == 400
    assert kinds.count("pick_face") == 100
    assert [door.name for door in site.doors] == ["dock-1", "dock-2"]
    assert {face.sku for face in site.faces} == {item.sku for item in site.items}
    assert len({item.gtin for item in site.items}) == 60
    assert "A-01-01-1" in {place.code for place in site.places}


def test_layout_document_is_json_and_names_each_beam_and_antenna_once() -> None:
    document = json.loads(json.dumps(layout_document(build_site(1))))

    points = document["read_points"]
    assert len({point["read_point"] for point in points}) == len(points) == 13
    beams = [p for p in points if p["portal"] == "dock-1" and p["role"] == "beam"]
    assert [(p["gpi_port"], p["side"]) for p in beams] == [(1, "outside"), (2, "inside")]
    codes = {location["code"] for location in document["locations"]}
    assert len(codes) == len(document["locations"]) == 415
    assert {point["location"] for point in points} <= codes


def test_tags_are_read_back_by_an_independent_decoder() -> None:
    gtin = gtin14("9521101", 142)
    sscc = sscc18("9521101", 7)

    assert SGTIN.from_hex(unit_tag(gtin, 98765).hex).epc_uri == (
        "urn:epc:id:sgtin:9521101.000142.98765"
    )
    assert SSCC.from_hex(sscc_tag(sscc).hex).epc_uri == "urn:epc:id:sscc:9521101.0000000007"


def test_keys_of_tags_are_their_digital_link_paths() -> None:
    assert unit_tag("09521101001420", 5).key == "01/09521101001420/21/5"
    assert sscc_tag("095211010000000074").key == "00/095211010000000074"
    assert tote_tag("9521101", 1, 12).key == "8003/0952110100001612"


def test_beams_break_outer_then_inner_for_a_load_that_comes_in() -> None:
    path = path_along([(0, -6, 0), (0, 6, 0)], start=0.0, speed_mps=2.0)

    edges = sorted(
        [
            *beam_edges(path, y=-0.5, half_length=0.6, port=1),
            *beam_edges(path, y=0.5, half_length=0.6, port=2),
        ],
        key=lambda edge: edge.at,
    )

    assert [(edge.port, edge.high, round(edge.at, 2)) for edge in edges] == [
        (1, True, 2.45),
        (2, True, 2.95),
        (1, False, 3.05),
        (2, False, 3.55),
    ]


def test_a_tag_is_made_again_from_its_key_alone() -> None:
    tags = [
        unit_tag(gtin14("9521101", 142), 98765),
        sscc_tag(sscc18("9521500", 7)),
        tote_tag("9521101", 1, 12),
    ]

    assert [tag_of(tag.key) for tag in tags] == tags
    assert tag_of("414/9521101000011") is None
    assert tag_of("") is None
