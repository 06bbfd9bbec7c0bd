"""The rules behind the pages: figures, changes, axes, texts that fit."""

import re
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesflow.figures import Figures, Kind, printable
from salesflow.language import Language
from salesflow.reports.content.build import build_document
from salesflow.reports.content.charts import Box, Label, lay_out, nice_ticks
from salesflow.reports.content.document import Tone, change_of
from salesflow.reports.content.headline import sales_finding
from salesflow.reports.html.charts import screen_chart
from salesflow.reports.pdf.fonts import REGULAR, cut, cut_apart, line_of, width
from salesflow.windows import Window
from tests.unit.reports.hard import HARD
from tests.unit.reports.samples import all_samples, mail_of
from tests.unit.reports.whole import whole_content

AMOUNTS = st.floats(-1e13, 1e13, allow_nan=False).filter(lambda value: value == 0 or abs(value) > 1e-3)


@given(AMOUNTS, AMOUNTS)
def test_axis_marks_enclose_the_values_and_zero(one: float, other: float) -> None:
    low, high = min(one, other), max(one, other)
    ticks = nice_ticks(low, high)
    slack = 1e-6 * max(abs(low), abs(high), 1.0)
    assert ticks[0] <= min(low, 0.0) + slack
    assert ticks[-1] >= max(high, 0.0) - slack
    assert any(abs(tick) < slack for tick in ticks)
    assert len(ticks) <= 6


@given(st.text(max_size=60), st.floats(20, 200))
def test_a_cut_text_fits_and_starts_like_the_whole(text: str, room: float) -> None:
    line = printable(text)
    short = cut(line, REGULAR, 8, room)
    assert width(short, REGULAR, 8) <= room + 0.01
    assert line.startswith(short.removesuffix("\u2026"))


@given(st.lists(st.text(max_size=60), min_size=2, max_size=5), st.floats(30, 200))
def test_texts_that_are_cut_apart_fit_and_are_parts_of_the_whole(texts: list[str], room: float) -> None:
    lines = [printable(text) for text in texts]
    for line, short in zip(lines, cut_apart(lines, REGULAR, 8, room), strict=True):
        assert width(short, REGULAR, 8) <= room + 0.01
        if short != line:
            start, _, end = short.partition("\u2026") if "\u2026" not in line else (short, "", "")
            assert "\u2026" in line or (line.startswith(start) and line.endswith(end))


@given(st.text(max_size=60))
def test_printable_text_is_one_line_that_every_encoding_takes(text: str) -> None:
    line = printable(text)
    assert not {"\n", "\r", "\t", "\x00", "\u202e", "\u2028"} & set(line)
    assert line.encode("utf-8").decode() == line
    assert printable(line) == line


def test_runs_keep_the_text_and_choose_a_font_for_each_script() -> None:
    text = "Café 北京 Гречка"
    parts = line_of(text).runs
    assert "".join(run.text for run in parts) == text
    assert [run.font for run in parts] == [REGULAR, "NotoSansSC-Regular", REGULAR]


@pytest.mark.parametrize(
    ("value", "before", "text", "tone"),
    [
        (110, 100, "+10.0%", Tone.GOOD),
        (90, 100, "-10.0%", Tone.BAD),
        (100, 100, "0.0%", Tone.NEUTRAL),
        (5000, 100, "+4,900%", Tone.GOOD),
        (150, 0, "+1.50", Tone.GOOD),
        (-50, 100, "-1.50", Tone.BAD),
        (100, -50, "+1.50", Tone.GOOD),
    ],
)
def test_a_change_is_a_percentage_only_where_one_means_something(
    value: int, before: int, text: str, tone: Tone
) -> None:
    change = change_of(Figures("CNY"), Kind.MONEY, value, before, "vs then")
    assert (change.text, change.tone) == (text, tone)


@given(st.floats(-0.02, 0.0, exclude_max=True), st.sampled_from(Language))
def test_what_rounds_to_nothing_has_no_sign(tiny: float, language: Language) -> None:
    figures = Figures("CNY", language)
    printed = [figures.show(kind, tiny) for kind in (Kind.SHARE, Kind.CHANGE, Kind.DECIMAL)]
    printed += [figures.percent(tiny), figures.change_short(tiny), figures.axis(Kind.DECIMAL, tiny)]
    for text in printed:
        assert not re.fullmatch(r"-[0.,\s]+%?", text)


@pytest.mark.parametrize("name", tuple(all_samples()))
def test_every_shape_of_every_chart_lies_inside_its_picture(name: str) -> None:
    document = build_document(all_samples()[name])
    for chart in document.charts:
        picture = lay_out(
            chart, document.figures, 320, 120, lambda text, size: len(text) * size, lambda text, size, room: text[:20]
        )
        for shape in picture.shapes:
            if isinstance(shape, Box):
                assert -0.01 <= shape.x <= shape.x + shape.width <= picture.width + 0.01
                assert -0.01 <= shape.y <= shape.y + shape.height <= picture.height + 0.01
            elif isinstance(shape, Label):
                assert 0 <= shape.y <= picture.height


@pytest.mark.parametrize("name", tuple(all_samples()))
def test_every_shape_of_every_chart_on_a_page_lies_inside_its_picture(name: str) -> None:
    document = build_document(all_samples()[name])
    for chart in document.charts:
        screen = screen_chart(chart, document.figures)
        for bar in screen.bars:
            assert 0 <= float(bar.start) <= float(bar.start) + float(bar.length) <= 100.02
        for x, y, wide, tall in re.findall(
            r'<rect [^>]*x="(\S+)%" y="(\S+)" width="(\S+)%" height="(\S+)"', screen.picture
        ):
            assert 0 <= float(x) <= float(x) + float(wide) <= 100.02
            assert 0 <= float(y) <= float(y) + float(tall) <= 184


def test_headlines_say_what_happened() -> None:
    headline = {name: build_document(content).headline for name, content in all_samples().items()}
    assert headline["sales-daily"] == "¥2,438: 2% more than the Sunday before"
    assert headline["sales-empty"] == "Nothing was sold on Sunday, 22 November 2026"
    assert headline["stock-daily"].startswith("10 of 40 products are out of stock and 10 more run out within 7 days")
    assert headline["sales-returns-above"] == "-¥775: more was given back than sold"
    assert "The stock list holds no product." in build_document(all_samples()["combined-empty-first-day"]).why


@pytest.mark.parametrize(
    ("shop", "headline", "sales", "beside"),
    [
        ("nothing sold", "Nothing was sold; a usual Sunday brings ¥1,196", "0.00", "-100% usual 1,196"),
        ("closed", "Nothing was sold, as on a usual Sunday", "0.00", "0.00 usual 0.00"),
        ("negative", "-¥87.50: more was given back than sold", "-87.50", "-1,276.43 usual 1,189"),
        ("three days", "¥1,420: 40% less than the day before", "1,419.60", ""),
        ("late", "¥853: 32% below a usual Sunday", "852.99", "-32% usual 1,261"),
    ],
)
def test_shops_at_their_limits_are_held_against_the_usual_too(
    shop: str, headline: str, sales: str, beside: str
) -> None:
    content = HARD[shop]()
    document = build_document(content)
    assert (document.headline, document.kpis[0].text) == (headline, sales)
    assert " ".join(f"{change.text} {change.against}" for change in document.kpis[0].changes) == beside
    assert mail_of(content).subject.startswith("Épicerie du Marché")
    best = [row for s in document.sections if s.key == "products" for row in s.tables[0].rows]
    assert all(row[2] > 0 for row in best)
    assert bool(best) == (sales != "0.00")
    assert sum(s.share for s in document.sections if s.key in ("products", "orders")) == 1.0


def test_what_makes_the_figures_mislead_is_said_first_and_once() -> None:
    content = HARD["late"]()
    caution, small = content.provenance.notes
    mail = mail_of(content)
    assert build_document(content).why.startswith(caution)
    assert mail.text.index(caution) < mail.text.index("Number of sales")
    assert mail.text.count(caution) == mail.text.count(small) == 1


def test_the_three_reports_are_different_reports() -> None:
    keys = {
        name: [section.key for section in build_document(all_samples()[name]).sections]
        for name in ("sales-daily", "stock-daily", "combined-daily")
    }
    assert keys["sales-daily"] == ["revenue", "hours", "products"]
    assert keys["stock-daily"] == ["reorder", "state", "low", "dead"]
    assert keys["combined-daily"] == ["revenue", "hours", "products", "reorder", "dead"]


def test_services_are_no_best_sellers_and_each_product_stands_beside_its_usual() -> None:
    content = whole_content("sales")
    assert content.sales is not None
    first = content.sales.products[0]
    without = replace(content, sales=replace(content.sales, services=(first.sku,)))
    (best,) = (s.tables[0] for s in build_document(without).sections if s.key == "products")
    whole = build_document(without).sheet("products")
    assert whole is not None
    assert first.name not in [row[0] for row in best.rows]
    assert first.name in [row[0] for row in whole.rows]
    assert [row[-1] for row in best.rows] == [p.usual_revenue for p in content.sales.products[1:] if p.revenue > 0]
    assert best.columns[-1].label == "Usual"


def test_products_of_one_name_are_told_apart_where_no_sku_stands_beside() -> None:
    content = whole_content("sales")
    assert content.sales is not None
    first, second, *others = content.sales.products
    alike = (first, replace(second, name=first.name), *others)
    document = build_document(replace(content, sales=replace(content.sales, products=alike)))
    (best,) = (section.tables[0] for section in document.sections if section.key == "products")
    names = [row[0] for row in best.rows]
    assert names[:2] == [f"{first.name} ({first.sku})", f"{first.name} ({second.sku})"]
    assert names[2:] == [product.name or product.sku for product in others if product.revenue > 0]


def test_a_part_that_rounds_to_all_is_not_all() -> None:
    assert [Figures("CNY").part(part) for part in (0.004, 0.25, 0.9988, 1)] == ["0%", "25%", "99%", "100%"]


def test_a_whole_month_is_compared_with_the_month_before() -> None:
    content = all_samples()["sales-monthly-40-scripts"]
    assert content.sales is not None
    assert "5% more than the same days of the month before" in build_document(content).headline
    november = replace(
        content.sales,
        window=Window(date(2026, 11, 1), date(2026, 11, 30)),
        previous_window=Window(date(2026, 10, 1), date(2026, 10, 31)),
    )
    assert "5% more than the month before" in build_document(replace(content, sales=november)).headline


def test_of_next_to_nothing_no_percentage_is_said() -> None:
    content = all_samples()["sales-daily"]
    assert content.sales is not None
    assert content.sales.same_weekday is not None
    assert content.sales.previous is not None
    cent = replace(content.sales.same_weekday, revenue=1)
    sales = replace(content.sales, same_weekday=cent, previous=replace(content.sales.previous, revenue=1))
    document = build_document(replace(content, sales=sales))
    assert document.headline == "¥2,438: the Sunday before had ¥0.01"
    assert not [finding for finding in sales_finding("Sales", sales, Figures("CNY")) if "%" in finding]
