"""A layout fits together as a whole or is refused where it does not."""

from __future__ import annotations

from dataclasses import replace

from core.domain.layout import (
    DeviceRow,
    ItemRow,
    KnownLayout,
    Layout,
    LocationRow,
    PickFaceRow,
    PortalRow,
    ReadPointRow,
    check_layout,
)
from tests.dock import a_layout

NOTHING = KnownLayout({}, frozenset(), frozenset(), frozenset(), frozenset(), frozenset())


def wrong(layout: Layout, known: KnownLayout = NOTHING) -> list[tuple[str, str]]:
    return [(error.pointer, error.code) for error in check_layout(layout, known)]


def test_a_whole_layout_is_right() -> None:
    assert wrong(a_layout()) == []


def test_references_that_lead_nowhere_are_named() -> None:
    layout = replace(
        a_layout(),
        portals=(PortalRow(portal="p", door="NONE", inside="SUPPLIER"),),
        devices=(DeviceRow(agent="ghost", device="r"),),
        read_points=(
            ReadPointRow(
                read_point="x", agent="ghost", device="other", role="zone", antenna=1,
                portal="q", location="NONE",
            ),
        ),
        items=(ItemRow(owner="nobody", sku="A", name="A"),),
        pick_faces=(PickFaceRow(location="LOSS", owner="acme", sku="B", low=1, high=2),),
    )  # fmt: skip

    assert wrong(layout) == [
        ("/portals/0/door", "choice"),
        ("/portals/0/inside", "choice"),
        ("/devices/0/agent", "choice"),
        ("/read_points/0/device", "choice"),
        ("/read_points/0/portal", "choice"),
        ("/read_points/0/location", "choice"),
        ("/items/0/owner", "choice"),
        ("/pick_faces/0/location", "choice"),
        ("/pick_faces/0/sku", "choice"),
    ]


def test_what_the_site_has_already_may_be_referred_to() -> None:
    known = KnownLayout(
        {row.code: row.kind for row in a_layout().locations},
        frozenset({"acme"}), frozenset({"a"}), frozenset(), frozenset(), frozenset(),
    )  # fmt: skip
    layout = Layout(name="x", timezone="UTC", devices=(DeviceRow(agent="a", device="r"),))

    assert wrong(layout, known) == []


def test_names_given_twice_and_missing_virtual_places_are_told() -> None:
    layout = Layout(
        name="x",
        timezone="UTC",
        locations=(
            LocationRow(code="A", kind="storage"),
            LocationRow(code="A", kind="found"),
        ),
    )

    found = wrong(layout)

    assert ("/locations/1", "duplicate") in found
    assert [code for pointer, code in found if pointer == "/locations"] == ["required"] * 6


def test_a_read_point_is_an_antenna_or_an_input_never_both() -> None:
    point = ReadPointRow(read_point="x", agent="a", device="r", role="beam")
    base = replace(a_layout(), devices=(DeviceRow(agent="a", device="r"),))
    known = replace(NOTHING, agents=frozenset({"a"}))

    for both in (point, replace(point, antenna=1, gpi_port=1)):
        assert wrong(replace(base, read_points=(both,)), known) == [("/read_points/0", "required")]
    assert wrong(replace(base, read_points=(replace(point, gpi_port=1),)), known) == []
