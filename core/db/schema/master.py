"""Master data: sites, owners, items, locations, devices, read points and portals.

Locations carry a kind; virtual kinds (supplier, customer, loss, adjustment, found, missing) close
the
double entry and never hold a quant.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from core.db.schema.meta import at, count, document, metadata, site, small, words

LOCATION_KINDS = (
    "storage",
    "pick_face",
    "staging",
    "dock",
    "conveyor",
    "packing",
    "discrepancy",
    "transit",
    "supplier",
    "customer",
    "loss",
    "adjustment",
    "found",
    "missing",
)
VIRTUAL_KINDS = ("supplier", "customer", "loss", "adjustment", "found", "missing")

site_table = Table(
    "site",
    metadata,
    site(),
    words("name"),
    words("timezone", "UTC"),
    words("gln", nullable=True),
    document("settings"),
    at("created_at", nullable=False),
)

owner = Table(
    "owner",
    metadata,
    Column("owner_id", Text, primary_key=True),
    words("name"),
    words("gs1_prefix", nullable=True),
    Column("next_sscc_serial", BigInteger, nullable=False, server_default=text("1")),
    at("created_at", nullable=False),
)

item = Table(
    "item",
    metadata,
    Column("item_id", BigInteger, Identity(), primary_key=True),
    words("owner_id"),
    words("sku"),
    words("name"),
    words("gtin", nullable=True),
    words("uom", "EA"),
    words("tracking", "none"),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    Column("min_stock", BigInteger),
    Column("max_stock", BigInteger),
    count("safety_stock"),
    Column("weight_g", Integer),
    Column("volume_ml", Integer),
    small("length_mm"),
    small("width_mm"),
    small("height_mm"),
    small("shelf_life_days"),
    words("storage_class", nullable=True),
    words("hazard_class", nullable=True),
    words("hs_code", nullable=True),
    words("origin", nullable=True),
    Column("standard_cost", BigInteger),
    Column("price", BigInteger),
    words("currency", nullable=True),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("reorder_alerted", Boolean, nullable=False, server_default=text("false")),
    at("created_at", nullable=False),
    UniqueConstraint("owner_id", "sku"),
    UniqueConstraint("owner_id", "gtin"),
    CheckConstraint(
        "(standard_cost IS NULL AND price IS NULL) OR currency IS NOT NULL", name="currency"
    ),
    CheckConstraint("tracking IN ('none','lot','serial','both')", name="tracking"),
    CheckConstraint(
        "min_stock IS NULL OR max_stock IS NULL OR min_stock <= max_stock", name="min_max"
    ),
)

item_packaging = Table(
    "item_packaging",
    metadata,
    Column("item_id", BigInteger, primary_key=True),
    Column("level", Text, primary_key=True),
    words("gtin", nullable=True),
    count("quantity", default=1),
    CheckConstraint("level IN ('each','case','pallet')", name="level"),
    CheckConstraint("quantity >= 1", name="quantity"),
    Index("ix_item_packaging_gtin", "gtin"),
)

lot = Table(
    "lot",
    metadata,
    Column("lot_id", BigInteger, Identity(), primary_key=True),
    Column("item_id", BigInteger, nullable=False),
    words("code"),
    at("expires_at"),
    at("recalled_at"),
    words("recall_reason", nullable=True),
    words("recalled_by", nullable=True),
    at("released_at"),
    words("release_reason", nullable=True),
    words("released_by", nullable=True),
    UniqueConstraint("item_id", "code"),
    Index("ix_lot_recalled", "lot_id", postgresql_where=text("recalled_at IS NOT NULL")),
)

location = Table(
    "location",
    metadata,
    site(),
    Column("location_id", BigInteger, Identity(), primary_key=True),
    words("code"),
    words("kind"),
    words("zone", nullable=True),
    words("aisle", nullable=True),
    small("bay"),
    small("level"),
    Column("x_m", Float),
    Column("y_m", Float),
    Column("width_m", Float),
    Column("depth_m", Float),
    Column("capacity_units", BigInteger),
    Column("walk_order", Integer, nullable=False, server_default=text("0")),
    Column("locked", Boolean, nullable=False, server_default=text("false")),
    words("lock_reason", nullable=True),
    words("locked_by", nullable=True),
    at("locked_at"),
    words("epc_key", nullable=True),
    UniqueConstraint("site_id", "code"),
    CheckConstraint(f"kind IN {LOCATION_KINDS}", name="kind"),
)

pick_face = Table(
    "pick_face",
    metadata,
    site(),
    Column("location_id", BigInteger, primary_key=True),
    Column("item_id", BigInteger, primary_key=True),
    count("min_quantity"),
    count("max_quantity"),
    CheckConstraint("0 <= min_quantity AND min_quantity <= max_quantity", name="min_max"),
)

portal = Table(
    "portal",
    metadata,
    site(),
    Column("portal", Text, primary_key=True),
    Column("door_location_id", BigInteger, nullable=False),
    Column("inside_location_id", BigInteger, nullable=False),
    words("cell", "site"),
    document("settings"),
)

portal_mode = Table(
    "portal_mode",
    metadata,
    site(),
    Column("portal", Text, primary_key=True),
    Column("direction", Text, primary_key=True),
    Column("owner_id", Text, primary_key=True, server_default=text("'*'")),
    words("mode", "observe"),
    at("since", nullable=False),
    words("actor", nullable=True),
    CheckConstraint("mode IN ('observe','propose','book')", name="mode"),
    CheckConstraint("direction IN ('in','out')", name="direction"),
)

agent = Table(
    "agent",
    metadata,
    site(),
    Column("agent", Text, primary_key=True),
    words("cell", "site"),
    words("state", "active"),
    at("registered_at", nullable=False),
    CheckConstraint("state IN ('active','revoked')", name="state"),
)

device = Table(
    "device",
    metadata,
    site(),
    Column("agent", Text, primary_key=True),
    Column("device", Text, primary_key=True),
    words("driver", "llrp"),
    Column("belts", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    document("outputs"),
)

read_point = Table(
    "read_point",
    metadata,
    site(),
    Column("read_point", Text, primary_key=True),
    words("agent"),
    words("device"),
    small("antenna"),
    small("gpi_port"),
    words("role"),
    words("portal", nullable=True),
    words("side", nullable=True),
    Column("location_id", BigInteger),
    Column("x_m", Float),
    Column("y_m", Float),
    CheckConstraint("role IN ('portal','beam','zone','conveyor','station')", name="role"),
    CheckConstraint("side IS NULL OR side IN ('inside','outside')", name="side"),
    Index(
        "uq_read_point_antenna",
        "site_id",
        "agent",
        "device",
        "antenna",
        unique=True,
        postgresql_where=text("antenna IS NOT NULL"),
    ),
)
