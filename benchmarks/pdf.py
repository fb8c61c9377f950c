"""PDF documents a second and core, warm, beside a bare page that WeasyPrint lays out.

The bare page has as many table rows as the document, fixed columns, no style of ours and no fonts
of ours: what the engine itself takes for the same number of boxes. Documents and bare pages are
laid out in turns, so that noise hits both; times are CPU time of this process.
"""

import argparse
import datetime as dt
import gc
import statistics
import time
from collections.abc import Callable
from decimal import Decimal

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
        ours_time, floor_time = _in_turns(ours, _bare(lines), options.pdfs)
        name = f"{lines} lines, {made} page{'s' if made > 1 else ''} (target: {pages})"
        figures += [
            Figure(name, 1 / ours_time, "PDF/CPU-s", None, "", gate, stretch),
            Figure(
                f"{lines} lines: share of the bare page",
                1000 * ours_time,
                "CPU ms",
                floor_time / ours_time,
                f"bare page, {1000 * floor_time:.0f} CPU ms",
            ),
        ]
    return figures


def _in_turns(
    one: Callable[[], object], other: Callable[[], object], count: int
) -> tuple[float, float]:
    """Median CPU seconds of each, after two rounds of warming up.

    What the one left to the collector is collected before the other begins: nobody pays for it.
    """
    times: tuple[list[float], list[float]] = ([], [])
    for turn in range(count + 2):
        for call, kept in zip((one, other), times, strict=True):
            gc.collect()
            began = time.process_time()
            call()
            if turn >= 2:
                kept.append(time.process_time() - began)
    return statistics.median(times[0]), statistics.median(times[1])


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
