"""Typed builders of panels and boards: each panel has title, unit, description, a "no data" text.

Meaning is in colour, nothing is stacked; the InfluxDB and PostgreSQL queries are our own subclasses
of the kit's query, which has none for them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from grafana_foundation_sdk.builders import bargauge, common, dashboard, stat, statetimeline
from grafana_foundation_sdk.builders import table as table_panel
from grafana_foundation_sdk.builders import timeseries as timeseries_panel
from grafana_foundation_sdk.cog import builder, variants
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models

Format = Literal["table", "time_series"]
PanelBuilder = builder.Builder[models.Panel]
POSTGRES: Final = common_models.DataSourceRef("grafana-postgresql-datasource", "dl-postgres")
INFLUX: Final = common_models.DataSourceRef("influxdb", "dl-influx")
GREY: Final = "text"
_COLOUR = "color"


class PostgresQuery(variants.Dataquery):
    """One SQL statement on schema `kpi`."""

    def __init__(self, sql: str, fmt: Format, ref_id: str) -> None:
        self.sql, self.format, self.ref_id = " ".join(sql.split()), fmt, ref_id

    def to_json(self) -> dict[str, object]:
        """As the data source plugin reads it."""
        return {
            "refId": self.ref_id,
            "datasource": POSTGRES,
            "rawSql": self.sql,
            "rawQuery": True,
            "format": self.format,
            "editorMode": "code",
        }


class InfluxQuery(variants.Dataquery):
    """One InfluxQL statement; `alias` names its series."""

    def __init__(self, influxql: str, fmt: Format, ref_id: str, alias: str) -> None:
        self.influxql, self.format = " ".join(influxql.split()), fmt
        self.ref_id, self.alias = ref_id, alias

    def to_json(self) -> dict[str, object]:
        """As the data source plugin reads it."""
        return {
            "refId": self.ref_id,
            "datasource": INFLUX,
            "query": self.influxql,
            "rawQuery": True,
            "resultFormat": self.format,
            "alias": self.alias,
        }


@dataclass(frozen=True, slots=True)
class Ready(builder.Builder[variants.Dataquery]):
    """A query that is built already, as the kit's builders want it."""

    query: PostgresQuery | InfluxQuery

    def build(self) -> variants.Dataquery:
        """It is."""
        return self.query


def sql(text: str, *, fmt: Format = "table", ref: str = "A") -> Ready:
    """A query of PostgreSQL."""
    return Ready(PostgresQuery(text, fmt, ref))


def influxql(text: str, *, alias: str = "", fmt: Format = "time_series", ref: str = "A") -> Ready:
    """A query of InfluxDB."""
    return Ready(InfluxQuery(text, fmt, ref, alias))


@dataclass(frozen=True, slots=True)
class Limits:
    """The first amber and red value in the bad direction."""

    amber: float | None = None
    red: float | None = None
    higher_is_better: bool = False

    def steps(self) -> list[models.Threshold]:
        """As the kit has them: colours from below, each from its value on."""
        marks = [(v, c) for v, c in ((self.amber, "orange"), (self.red, "red")) if v is not None]
        if not marks:
            return [models.Threshold(None, "blue")]
        if not self.higher_is_better:
            rising = dict(marks)
            return [models.Threshold(None, "green"), *map(_step, sorted(rising.items()))]
        colours = [c for _, c in sorted(marks)]
        bounds = [v for v, _ in sorted(marks)]
        return [
            models.Threshold(None, colours[0]),
            *(
                models.Threshold(bound, colour)
                for bound, colour in zip(bounds, [*colours[1:], "green"], strict=True)
            ),
        ]


def _step(mark: tuple[float, str]) -> models.Threshold:
    return models.Threshold(*mark)


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What every panel must say of itself. `width` is in 24ths, `height` in rows of the grid."""

    title: str
    description: str
    unit: str = "short"
    decimals: int | None = None
    width: int = 4
    height: int = 4
    no_data: str = "no data in this time"


def _dressed(panel: Any, about: About, queries: Sequence[Ready]) -> Any:
    source = INFLUX if isinstance(queries[0].query, InfluxQuery) else POSTGRES
    panel.title(about.title).description(about.description).datasource(source)
    panel.span(about.width).height(about.height).unit(about.unit).no_value(about.no_data)
    if about.decimals is not None:
        panel.decimals(about.decimals)
    for query in queries:
        panel.with_target(query)
    return panel


def _thresholds(limits: Limits) -> dashboard.ThresholdsConfig:
    return dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(limits.steps())


def _last() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"]).values(False).fields("")


def figure(about: About, query: Ready, limits: Limits | None = None) -> PanelBuilder:
    """One number, coloured; a series whose name begins with "only" stands on few cases: grey."""
    panel = stat.Panel().thresholds(_thresholds(limits or Limits()))
    panel.color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.THRESHOLDS))
    panel.color_mode(common_models.BigValueColorMode.VALUE).reduce_options(_last())
    panel.graph_mode(common_models.BigValueGraphMode.NONE)
    if isinstance(query.query, PostgresQuery) and query.query.format == "time_series":
        panel.text_mode(common_models.BigValueTextMode.VALUE_AND_NAME)
        few = {"mode": "fixed", "fixedColor": GREY}
        panel.override_by_regexp("/^only /", [models.DynamicConfigValue(_COLOUR, few)])
    return cast(PanelBuilder, _dressed(panel, about, [query]))


def lines(about: About, *queries: Ready, limits: Limits | None = None) -> PanelBuilder:
    """Lines over time; a gap in the data is a gap in the line."""
    panel = timeseries_panel.Panel().line_width(1).fill_opacity(8).span_nulls(False)
    panel.show_points(common_models.VisibilityMode.AUTO)
    legend = common.VizLegendOptions().display_mode(common_models.LegendDisplayMode.LIST)
    panel.legend(legend.placement(common_models.LegendPlacement.BOTTOM).show_legend(True))
    panel.tooltip(common.VizTooltipOptions().mode(common_models.TooltipDisplayMode.MULTI))
    panel.min(0)
    if limits is not None:
        panel.thresholds(_thresholds(limits))
        style = common.GraphThresholdsStyleConfig()
        panel.thresholds_style(style.mode(common_models.GraphThresholdsStyleMode.LINE))
    return cast(PanelBuilder, _dressed(panel, about, queries))


def bars(about: About, query: Ready, limits: Limits | None = None) -> PanelBuilder:
    """One bar for each row."""
    panel = bargauge.Panel().thresholds(_thresholds(limits or Limits()))
    reduce = common.ReduceDataOptions().calcs(["lastNotNull"]).values(True).fields("")
    panel.reduce_options(reduce).orientation(common_models.VizOrientation.HORIZONTAL)
    panel.display_mode(common_models.BarGaugeDisplayMode.BASIC).min(0)
    return cast(PanelBuilder, _dressed(panel, about, [query]))


def states(about: About, query: Ready, words: Mapping[str, tuple[str, str]]) -> PanelBuilder:
    """State over time; `words` gives each value its text and colour."""
    panel = statetimeline.Panel().mappings([_mapping(words)]).merge_values(True).row_height(0.8)
    panel.show_value(common_models.VisibilityMode.AUTO).span_nulls(False)
    panel.color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.THRESHOLDS))
    return cast(PanelBuilder, _dressed(panel, about, [query]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """How a column of a table is shown: unit, colours by word or by limit, a link."""

    name: str
    unit: str | None = None
    words: Mapping[str, tuple[str, str]] | None = None
    limits: Limits | None = None
    link: tuple[str, str] | None = None
    width: int | None = None


def table(about: About, query: Ready, *columns: Column) -> PanelBuilder:
    """Rows with the newest or worst first, as the query orders them."""
    panel = table_panel.Panel().show_header(True)
    panel.cell_height(common_models.TableCellHeight.SM)
    for column in columns:
        panel.override_by_name(column.name, _properties(column))
    return cast(PanelBuilder, _dressed(panel, about, [query]))


def _properties(column: Column) -> list[models.DynamicConfigValue]:
    found = []
    if column.unit is not None:
        found.append(models.DynamicConfigValue("unit", column.unit))
    if column.words is not None:
        found.append(models.DynamicConfigValue("mappings", [_mapping(column.words)]))
    if column.limits is not None:
        steps = {"mode": "absolute", "steps": column.limits.steps()}
        found.append(models.DynamicConfigValue("thresholds", steps))
    if column.words is not None or column.limits is not None:
        found.append(models.DynamicConfigValue("custom.cellOptions", {"type": "color-text"}))
    if column.link is not None:
        title, url = column.link
        found.append(models.DynamicConfigValue("links", [{"title": title, "url": url}]))
    if column.width is not None:
        found.append(models.DynamicConfigValue("custom.width", column.width))
    return found


def _mapping(words: Mapping[str, tuple[str, str]]) -> models.ValueMapping:
    shown = {
        value: models.ValueMappingResult(text, colour, index=place)
        for place, (value, (text, colour)) in enumerate(words.items())
    }
    return models.ValueMap(shown)


@dataclass(frozen=True, slots=True)
class Section:
    """A row of a board and what stands in it."""

    title: str
    panels: Sequence[PanelBuilder]


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A board: its folder on disk becomes its folder in Grafana."""

    uid: str
    title: str
    description: str
    folder: str
    refresh: str
    since: str
    variables: Sequence[Any]
    sections: Sequence[Section]

    @property
    def path(self) -> str:
        """Where its JSON lies below the rendered boards."""
        return f"{self.folder}/{self.uid}.json"

    def render(self) -> str:
        """Its JSON, the same bytes for the same code."""
        made = dashboard.Dashboard(self.title).uid(self.uid).description(self.description)
        made.tags(["dockledger"]).readonly().refresh(self.refresh).time(self.since, "now")
        made.timezone("browser").tooltip(models.DashboardCursorSync.CROSSHAIR)
        made.link(_all_boards()).link(_floor_map())
        for variable in self.variables:
            made.with_variable(variable)
        for section in self.sections:
            made.with_row(dashboard.Row(section.title))
            for panel in section.panels:
                made.with_panel(panel)
        return JSONEncoder(indent=2, sort_keys=True).encode(made.build()) + "\n"


def _all_boards() -> dashboard.DashboardLink:
    link = dashboard.DashboardLink("Boards").type(models.DashboardLinkType.DASHBOARDS)
    return link.tags(["dockledger"]).as_dropdown(True).keep_time(True).include_vars(True)


def _floor_map() -> dashboard.DashboardLink:
    link = dashboard.DashboardLink("Floor map").type(models.DashboardLinkType.LINK)
    return link.url("${dockledger}/").icon("external link").target_blank(True)


def address_variable() -> dashboard.TextBoxVariable:
    """Where the pages of Dockledger are, for links out of a board."""
    return (
        dashboard.TextBoxVariable("dockledger")
        .label("Dockledger at")
        .default_value("http://localhost:8080")
    )


def site_variable(source: common_models.DataSourceRef, query: str) -> dashboard.QueryVariable:
    """The site; the first one there is, until another is chosen."""
    made = dashboard.QueryVariable("site").label("Site").datasource(source).query(query)
    made.refresh(models.VariableRefresh.ON_DASHBOARD_LOAD).multi(False).include_all(False)
    return made.sort(models.VariableSort.ALPHABETICAL_ASC)
