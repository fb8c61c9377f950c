"""PDF documents a second and core, warm, beside two pages that WeasyPrint lays out.

The *bare page* has as many table rows as the document, fixed columns, no style of ours and no fonts
of ours: what the engine itself takes for the same number of boxes. The *rich page* shows the same
document as a template is written without a thought of speed: flex, automatic columns, styles parsed
and fonts set up anew. All are laid out in turns, so that noise hits all; times are CPU time of this
process. Two processes are measured by the clock, beside one, over the same number of documents each.
"""

import argparse
import datetime as dt
import gc
import multiprocessing
import statistics
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from benchmarks.figures import Figure

TITLE = "PDF documents"


def add_arguments(parser: argparse._ArgumentGroup) -> None:
    parser.add_argument("--pdfs", type=int, default=15, help="measured documents of each length")


def run(options: argparse.Namespace) -> list[Figure]:
    """Documents a CPU second for one page (20 lines) and five pages (150 lines)."""
    from invoicing.exports.invoice_html import render_invoice_html
    from invoicing.exports.invoice_pdf import render_pdf

    figures = []
    for lines, pages, gate, stretch in ((20, 1, 10, 12), (150, 5, 1.8, 2.1)):
        document = _document(lines)

        def ours(document=document):
            return render_pdf(render_invoice_html(document))

        made = ours().pages
        calls = (ours, _bare(lines), _rich(document))
        ours_time, bare_time, rich_time = _in_turns(calls, options.pdfs)
        name = f"{lines} lines, {made} page{'s' if made > 1 else ''} (target: {pages})"
        figures += [
            Figure(name, 1 / ours_time, "PDF/CPU-s", None, "", gate, stretch),
            Figure(
                f"{lines} lines: share of the bare page",
                1000 * ours_time,
                "CPU ms",
                bare_time / ours_time,
                f"bare page, {1000 * bare_time:.0f} CPU ms",
            ),
            Figure(
                f"{lines} lines: beside the rich page",
                1000 * ours_time,
                "CPU ms",
                rich_time / ours_time,
                f"rich page, {1000 * rich_time:.0f} CPU ms",
                1.3,
                1.5,
            ),
        ]
    document = _document(20)
    one, two = (
        statistics.median(_by_the_clock(document, processes, options.pdfs) for _ in range(3))
        for processes in (1, 2)
    )
    return [*figures, Figure("2 processes", two, "PDF/s", two / one, "1 process", 1.6, 1.8)]


def _in_turns(calls: Sequence[Callable[[], object]], count: int) -> list[float]:
    """Median CPU seconds of each, after two rounds of warming up.

    What the one left to the collector is collected before the other begins: nobody pays for it.
    """
    times: list[list[float]] = [[] for _ in calls]
    for turn in range(count + 2):
        for call, kept in zip(calls, times, strict=True):
            gc.collect()
            began = time.process_time()
            call()
            if turn >= 2:
                kept.append(time.process_time() - began)
    return [statistics.median(kept) for kept in times]


def _by_the_clock(document: Any, processes: int, count: int) -> float:
    """Documents a second of so many warm processes, each making ``count``."""
    context = multiprocessing.get_context("fork")
    ready = context.Barrier(processes + 1)
    workers = [
        context.Process(target=_make_many, args=(document, ready, count)) for _ in range(processes)
    ]
    for worker in workers:
        worker.start()
    ready.wait()
    began = time.perf_counter()
    for worker in workers:
        worker.join()
    assert all(worker.exitcode == 0 for worker in workers), "a process failed"
    return processes * count / (time.perf_counter() - began)


def _make_many(document: Any, ready: Any, count: int) -> None:
    from invoicing.exports.invoice_html import render_invoice_html
    from invoicing.exports.invoice_pdf import render_pdf

    render_pdf(render_invoice_html(document))
    ready.wait()
    for _ in range(count):
        render_pdf(render_invoice_html(document))


RICH_STYLE = """
@page{size:A4;margin:18mm 18mm 26mm 22mm;@bottom-center{content:counter(page) " / " counter(pages)}}
body{font:9pt/1.36 sans-serif}
.head{display:flex;justify-content:space-between;margin-bottom:6mm}
.facts{display:grid;grid-template-columns:auto auto;gap:1mm 4mm}
table{width:100%;border-collapse:collapse}
th{text-align:left;border-bottom:1pt solid #222}
td{padding:1mm;border-bottom:.4pt solid #ddd}
td:nth-child(n+3){text-align:right}
tr:nth-child(even){background:#f6f6f6}
tr,.totals{break-inside:avoid}
.totals{display:flex;flex-direction:column;align-items:flex-end}
"""


def _rich(document: Any) -> Callable[[], bytes]:
    """The same facts, lines and sums, laid out by a plain template of many people."""
    from django.template import Context, Engine
    from weasyprint import HTML
    from weasyprint.text.fonts import FontConfiguration

    from invoicing.exports.invoice_html import page_context

    source = (
        f"<style>{RICH_STYLE}</style>"
        "<div class=head><div>{% for line in recipient_lines %}"
        "<div>{{ line }}</div>{% endfor %}</div><div class=facts>{% for name, value in facts %}"
        "<div>{{ name }}</div><div>{{ value }}</div>{% endfor %}</div></div><h1>{{ title }}</h1>"
        "<table><thead><tr><th>No.<th>Product<th>Quantity<th>Price<th>Amount</thead><tbody>"
        "{% for group in groups %}<tr><th colspan=4>{{ group.name }}<td>{{ group.net }}</tr>"
        "{% for row in group.rows %}<tr><td>{{ row.position }}<td>{{ row.label }}"
        "<td>{{ row.quantity }}<td>{{ row.unit_price }}<td>{{ row.amount }}</tr>{% endfor %}"
        "{% endfor %}</tbody></table><div class=totals><div>{{ net }}</div>"
        "{% for label, amount in vat %}<div>{{ label }} {{ amount }}</div>{% endfor %}"
        "<div><strong>{{ total }} {{ currency }}</strong></div></div>"
        "{% for sentence in payment %}<p>{{ sentence }}</p>{% endfor %}"
    )

    def page() -> bytes:
        html = Engine().from_string(source).render(Context(page_context(document)))
        return HTML(string=html).write_pdf(font_config=FontConfiguration())

    return page


def _bare(lines: int) -> Callable[[], bytes]:
    from weasyprint import CSS, HTML
    from weasyprint.text.fonts import FontConfiguration

    fonts = FontConfiguration()
    style = CSS(string="table{table-layout:fixed;width:100%}td{font-size:9pt}", font_config=fonts)
    row = "<tr><td>1</td><td>Fibre Business</td><td>4,403 min</td><td>2.62</td><td>11,535</td></tr>"
    page = f"<table>{row * lines}</table>"
    return lambda: HTML(string=page).write_pdf(stylesheets=[style], font_config=fonts)


def _document(lines: int):
    from invoicing.documents import (
        Agreement,
        DocumentGroup,
        DocumentLine,
        InvoiceDocument,
        Parties,
        Provider,
        Recipient,
        VatLine,
    )

    day = dt.date(2026, 1, 31)
    first = dt.date(2026, 1, 1)
    amount = Decimal("11535.86")
    rows = [
        DocumentLine(
            position=position,
            label=f"Mobile voice national, tariff {position}",
            amount=amount,
            quantity=Decimal("4403.00"),
            unit="min",
            unit_price=Decimal("2.62"),
        )
        for position in range(1, lines + 1)
    ]
    net = amount * lines
    vat = (net * Decimal("0.19")).quantize(Decimal("0.01"))
    provider = Provider(
        name="Nordlicht Telekom GmbH",
        street="Speicherstadt 12",
        postal_code="20457",
        city="Hamburg",
        country="DE",
        vat_id="DE811234567",
        registration="Amtsgericht Hamburg HRB 1047",
        email="billing@nordlicht.example",
        bank_name="Hamburger Bank",
        iban="DE02 2005 0550 1015 8717 14",
        bic="HASPDEHHXXX",
    )
    recipient = Recipient(
        code="C00042",
        name="Alpenquell Cloud & Medien AG",
        street="Bahnhofstraße 7",
        postal_code="80331",
        city="München",
        country="DE",
        language="de",
    )
    half = lines // 2
    return InvoiceDocument(
        parties=Parties(provider, recipient, Agreement("V00042", "net_days", 14)),
        is_credit_note=False,
        number="R2026-0022",
        reference="",
        currency="EUR",
        invoice_date=day,
        due_date=dt.date(2026, 2, 14),
        period_from=first,
        period_to=day,
        service_from=first,
        service_to=day,
        groups=(
            DocumentGroup("Voice", tuple(rows[:half]), amount * half),
            DocumentGroup("Data", tuple(rows[half:]), amount * (lines - half)),
        ),
        adjustments=None,
        vat=(VatLine(Decimal(19), net, vat),),
        net_total=net,
        vat_total=vat,
        gross_total=net + vat,
    )
