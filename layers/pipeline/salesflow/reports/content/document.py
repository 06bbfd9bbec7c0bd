"""What a report says, before it takes a format: the one model behind PDF, HTML, Excel and mail.

A document is read from the top: headline, key figures with their changes, then sections of charts and tables, then the
small print. Values stay raw (minor units, fractions, dates) and are printed by `Figures`, so that a sheet can hold numbers
where a page holds text, and both show the same figure.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Literal, Protocol

from salesflow.analytics.results import Brand, Provenance, ReportContent
from salesflow.figures import Figures, Kind, Value, printable
from salesflow.windows import Window


class ChartKind(StrEnum):
    """The two shapes that our figures need."""

    COLUMNS = "columns"
    """Over time: one upright bar a category."""
    BARS = "bars"
    """By thing: one lying bar a category, its name before it and its value behind it."""


class Tone(StrEnum):
    """Whether a figure is good news; shown by colour next to words that say the same."""

    NEUTRAL = "neutral"
    GOOD = "good"
    BAD = "bad"


_MOST_NOTES = 8
_MOST_REASONS = 3
_LONGEST_NOTE = 240


@dataclass(frozen=True, slots=True)
class Change:
    """A figure against an earlier one.

    text: "+8.2%"; against: "vs Sat, 21 Nov"; before: the earlier figure as text, before_value as value; fraction: the change
    where a percentage means something.
    """

    text: str
    against: str
    before: str
    before_value: int
    tone: Tone
    fraction: float | None
    column: str = ""
    """What a table of several figures calls what they are held against; empty: `against`."""


@dataclass(frozen=True, slots=True)
class Kpi:
    """A key figure. `detail` is a short line below it, `definition` says how it is computed."""

    key: str
    label: str
    kind: Kind
    value: Value
    text: str
    definition: str
    detail: str = ""
    changes: tuple[Change, ...] = ()
    tone: Tone = Tone.NEUTRAL


@dataclass(frozen=True, slots=True)
class Column:
    """A table's column. `sums`: the rows that a short table leaves out are added up in it. `minor`: left out where it is narrow.
    `bar`: a page shows a bar as long as the value beside it."""

    key: str
    label: str
    kind: Kind
    sums: bool = False
    minor: bool = False
    bar: bool = False


type Row = tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """All rows of a table; formats for reading show the first `limit` and one row that sums the rest.

    totals: rows below the others, as long as `columns`.
    marks: the tone of each row, empty for none.
    noun: what a row is, for the row of the rest and the note on the cut.
    skus: of each row, where no column has them: what tells a product where a format has no letters for its name.
    """

    key: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    limit: int
    totals: tuple[Row, ...] = ()
    lead: str = ""
    marks: tuple[Tone, ...] = ()
    noun: Literal["product", "row"] = "row"
    skus: tuple[str, ...] = ()

    def shown(self, limit: int | None = None) -> tuple[Row, ...]:
        """The rows that fit, no more than `limit` (default: the table's own). One row more is shown rather than said to be missing."""
        return self.rows[: self._shown(limit)]

    def _shown(self, limit: int | None) -> int:
        most = self.limit if limit is None else limit
        return len(self.rows) if len(self.rows) <= most + 1 else most

    def rest(self, figures: Figures, limit: int | None = None) -> Row | None:
        """One row for those that `shown` leaves out, with their sums; None where nothing is left out."""
        left_out = self.rows[self._shown(limit) :]
        if not left_out:
            return None
        first_text = next(n for n, column in enumerate(self.columns) if column.kind.is_text)
        label = (
            figures.plural("{n} more product", "{n} more products", len(left_out))
            if self.noun == "product"
            else figures.plural("{n} more row", "{n} more rows", len(left_out))
        )
        return tuple(
            label if n == first_text else _sum(row[n] for row in left_out) if column.sums else ""
            for n, column in enumerate(self.columns)
        )

    def cut_note(self, figures: Figures, made: tuple[str, ...], limit: int | None = None) -> str:
        """Says that the table is cut, and where the whole of it is: in a file that was made; empty where it is whole."""
        shown = self._shown(limit)
        if shown == len(self.rows):
            return ""
        _, n, of_all = figures.words, figures.show(Kind.COUNT, shown), figures.show(Kind.COUNT, len(self.rows))
        if "excel" in made:
            return _("The first {n} of {all}; the workbook holds all of them.", n=n, all=of_all)
        if self.noun == "product" and (files := [name for name in ("csv", "parquet", "json") if name in made]):
            return _(
                "The first {n} of {all}; the {file} file holds all of them.", n=n, all=of_all, file=files[0].upper()
            )
        return _("The first {n} of {all}.", n=n, all=of_all)


@dataclass(frozen=True, slots=True)
class Chart:
    """Values by category.

    labels: one a value, for the axis and the reader of the numbers; label_every: only every n-th is drawn on the axis.
    strong: positions drawn in the strong colour, the others in the pale one; empty means all are strong.
    marks: what each column usually is, drawn as a short line across it; as long as `values` where it is there.
    alike: positions drawn between strong and pale (the same weekday); expected: positions that are yet to come, drawn as an outline.
    alt: the chart in words.
    """

    key: str
    title: str
    kind: ChartKind
    value_kind: Kind
    labels: tuple[str, ...]
    values: tuple[float, ...]
    alt: str
    label_every: int = 1
    strong: frozenset[int] = frozenset()
    marks: tuple[float | None, ...] = ()
    alike: frozenset[int] = frozenset()
    expected: frozenset[int] = frozenset()
    caption: str = ""
    names: bool = False
    """Whether the labels are names that the merchant wrote."""

    def words(self, figures: Figures) -> str:
        """The chart in words, all its figures among them, for who does not see it."""
        _, said = figures.words, []
        for n in range(len(self.values)):
            text = self.figure(n, figures)
            usual = self.marks[n] if self.marks else None
            if usual is not None:
                more = _("usual {figure}", figure=figures.show(self.value_kind, round(usual)))
                text = _("{text} ({more})", text=text, more=more)
            said.append(_("{label}: {text}", label=self.labels[n], text=text))
        return figures.sentences(self.alt, figures.listed(said, ";"))

    def figure(self, n: int, figures: Figures) -> str:
        """One value as text; what is yet to come says so, and has the digits that are known of it."""
        value = round(self.values[n])
        if n not in self.expected:
            return figures.show(self.value_kind, value)
        _, text = figures.words, figures.show(Kind.ESTIMATE, figures.about(value))
        return _("{label}: {text}", label=_("Expected"), text=text)


@dataclass(frozen=True, slots=True)
class Section:
    """Charts, then tables, then paragraphs, under one title.

    share: of the page's width; neighbours that fit beside each other stand in one row. extra: left out where a page is full.
    """

    key: str
    title: str
    charts: tuple[Chart, ...] = ()
    tables: tuple[Table, ...] = ()
    lead: str = ""
    paragraphs: tuple[str, ...] = ()
    share: float = 1.0
    extra: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report: what it is made from, and what it says.

    title: "Sales report"; window: its days. headline: what happened, in one sentence; why: what made it so, and what is to be done.
    finding: the headline for a subject line, shorter with each try (the first that fits is taken). kpis: the figures of the first row;
    more_kpis: the others. sheets: tables that hold every row, for Excel.
    """

    content: ReportContent
    figures: Figures
    title: str
    window: Window
    headline: str
    why: str
    finding: tuple[str, ...]
    kpis: tuple[Kpi, ...]
    sections: tuple[Section, ...]
    sheets: tuple[Table, ...]
    more_kpis: tuple[Kpi, ...] = ()

    @property
    def shop(self) -> str:
        """The shop's name, empty where it has none."""
        return self.content.shop

    @property
    def brand(self) -> Brand:
        """How the shop marks what is its own."""
        return self.content.brand

    @property
    def made(self) -> tuple[str, ...]:
        """The formats made in the same run, the only files that a page names."""
        return self.content.made

    @property
    def business_date(self) -> date:
        """The report's last day."""
        return self.content.provenance.business_date

    @property
    def window_text(self) -> str:
        """Its days, in words."""
        return self.figures.window(self.window)

    @property
    def window_short(self) -> str:
        """The same in few words."""
        return self.figures.window_short(self.window)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the reader, each on one line."""
        return _notes(self.figures, self.content.provenance)

    @property
    def small_print(self) -> tuple[tuple[str, str], ...]:
        """Where the figures come from: label and text of each line."""
        return _small_print(self.figures, self.content, self.window_text)

    @property
    def full_title(self) -> str:
        """Shop, title and days, for a window's or a file's title."""
        _, title = self.figures.words, self.figures.listed([self.title, self.window_text])
        return _("{label}: {text}", label=self.shop, text=title) if self.shop else title

    @property
    def made_by(self) -> str:
        """Program and version."""
        return f"SalesFlow Automation {self.content.provenance.version}"

    @property
    def provenance(self) -> str:
        """Where the figures come from, on one line."""
        _, source = self.figures.words, dict(self.small_print)
        kept = (_("Data as of"), _("Stock read"), _("Time zone"), _("Rows used"), _("Set aside"))
        said = [_("{label}: {text}", label=label, text=source[label]) for label in kept if label in source]
        return " \u00b7 ".join([*said, self.made_by])

    @property
    def charts(self) -> tuple[Chart, ...]:
        """The charts of all sections, in reading order."""
        return tuple(chart for section in self.sections for chart in section.charts)

    def sheet(self, key: str) -> Table | None:
        """The whole table of that key, None where this report has none."""
        return next((table for table in self.sheets if table.key == key), None)


def _sum(values: Iterable[Value]) -> Value:
    """The sum of what is known, None where nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


class Named(Protocol):
    """A product as a row names it."""

    @property
    def name(self) -> str:
        """Its name; "" where it has none."""

    @property
    def sku(self) -> str:
        """Its SKU."""


def labels_of(products: Sequence[Named]) -> list[str]:
    """What a page without SKUs calls each product: its name, or its SKU, or both where several have the name."""
    names = [product.name or product.sku for product in products]
    shared = Counter(names)
    return [
        name if shared[name] == 1 or name == product.sku else f"{name} ({product.sku})"
        for name, product in zip(names, products, strict=True)
    ]


def deviation(value: float, before: float | None) -> float | None:
    """How far a value is from another, as a share of that; None where that is unknown or not above nothing, or the value is below it."""
    return value / before - 1 if before is not None and before > 0 and value >= 0 else None


def change_of(figures: Figures, kind: Kind, value: int, before: int, against: str) -> Change:
    """The change from `before` to `value`; the difference where a percentage says nothing."""
    difference, fraction = value - before, deviation(value, before)
    amount = ("+" if difference > 0 else "") + figures.show(kind, difference)
    text = amount if fraction is None else figures.change(fraction)
    tone = Tone.GOOD if difference > 0 else Tone.BAD if difference else Tone.NEUTRAL
    return Change(text, against, figures.show(kind, before), before, tone, fraction)


def _small_print(figures: Figures, content: ReportContent, window_text: str) -> tuple[tuple[str, str], ...]:
    _, provenance, stock = figures.words, content.provenance, content.stock
    lines = [
        (_("Business date"), figures.day_long(provenance.business_date)),
        *([(_("Days"), window_text)] if window_text != figures.day_long(provenance.business_date) else []),
        (_("Time zone"), provenance.timezone),
        (_("Data as of"), figures.moment(provenance.data_as_of) if provenance.data_as_of else _("no sale known")),
    ]
    if stock is not None:
        lines.append((_("Stock read"), figures.moment(stock.counted_at)))
    lines.append((_("Rows used"), _rows_used(figures, provenance, with_stock=stock is not None)))
    aside = figures.show(Kind.COUNT, provenance.set_aside)
    reasons = figures.listed(map(_shortened, provenance.set_aside_reasons[:_MOST_REASONS]), ";")
    if len(provenance.set_aside_reasons) > _MOST_REASONS:
        reasons = _("{reasons}; more reasons are in the JSON file", reasons=reasons)
    shown = _("{text} ({more})", text=aside, more=reasons) if provenance.set_aside and reasons else aside
    return (*lines, (_("Set aside"), shown), (_("Made by"), f"SalesFlow Automation {provenance.version}"))


def _rows_used(figures: Figures, provenance: Provenance, *, with_stock: bool) -> str:
    _ = figures.words
    lines = figures.plural("{n} sale line", "{n} sale lines", provenance.sales_rows)
    if not with_stock:
        return lines
    stock = figures.plural("{n} product in stock list", "{n} products in stock list", provenance.stock_rows)
    return _("{sales}, {stock}", sales=lines, stock=stock)


def _notes(figures: Figures, provenance: Provenance) -> tuple[str, ...]:
    small = [note for note in provenance.notes if note not in provenance.cautions]
    notes = [_shortened(note) for note in small[:_MOST_NOTES]]
    if len(small) > _MOST_NOTES:
        _ = figures.words
        left_out = len(small) - _MOST_NOTES
        notes.append(
            figures.plural("{n} more note is in the JSON file.", "{n} more notes are in the JSON file.", left_out)
        )
    return tuple(notes)


def _shortened(text: str) -> str:
    line = printable(text)
    return line if len(line) <= _LONGEST_NOTE else f"{line[: _LONGEST_NOTE - 1]}\u2026"
