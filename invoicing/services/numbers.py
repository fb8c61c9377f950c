"""Invoice numbers: which scheme numbers an invoice, and the next numbers of its counter (R1, X-13).

``take_numbers`` locks the counters until the transaction ends. Call it last, write what it gave,
and commit; anything that fails after it gives the numbers back.
"""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import connection

from billing_site.kernel.errors import DomainError
from billing_site.kernel.numbers import NumberFormat
from billing_site.kernel.periods import local_date
from billing_site.web.trees import nearest
from invoicing.enums import NumberDate
from invoicing.errors import NumberTaken
from invoicing.models import Invoice, NumberCounter, NumberScheme

TAKE = """
UPDATE invoicing_numbercounter SET last_number = last_number + %s WHERE id = %s
RETURNING last_number
"""


@dataclass(frozen=True, slots=True)
class NumberedInvoice:
    """An invoice's scheme, the counter it counts in, and the date its number shows."""

    scheme: NumberScheme
    key: str
    number_format: NumberFormat
    on: dt.date

    @property
    def counter(self) -> tuple[int, str]:
        return self.scheme.pk, self.key


@dataclass(frozen=True, slots=True)
class IssuedNumber:
    """A number taken; ``issued_at`` never falls as the sequence rises."""

    text: str
    counter_id: int
    sequence: int
    issued_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Numbering:
    """The schemes as they are at one moment; numbers belong to the firm, so in its time zone."""

    schemes: Mapping[int | None, NumberScheme]  # by customer cluster; None: for all customers
    today: dt.date

    @classmethod
    def load(cls, *, at: dt.datetime) -> "Numbering":
        schemes = {scheme.customer_cluster_id: scheme for scheme in NumberScheme.objects.all()}
        return cls(schemes=schemes, today=local_date(at, settings.TIME_ZONE))

    def plan(self, invoice: Invoice) -> NumberedInvoice:
        """Which counter numbers ``invoice`` (H-CB11): that of the nearest cluster with a scheme.

        :raises DomainError: there is no scheme, or its format cannot number documents.
        """
        scheme = nearest(invoice.customer.cluster.path, self.schemes)
        if scheme is None:
            raise DomainError(
                "No number scheme is defined for this customer; an administrator adds one for "
                "all customers under Administration, Invoicing, Number schemes."
            )
        on = {
            NumberDate.APPROVAL: self.today,
            NumberDate.PERIOD_START: invoice.period_from,
            NumberDate.PERIOD_END: invoice.period_to,
        }[NumberDate(scheme.date_source)]
        number_format = NumberFormat.parse(scheme.format, scheme.reset)
        return NumberedInvoice(scheme, number_format.counter_key(on), number_format, on)


def take_numbers(planned: Sequence[NumberedInvoice], *, at: dt.datetime) -> list[IssuedNumber]:
    """Take the next number for each, in the order given; inside the approving transaction.

    :raises NumberTaken: a number exists already, made by another scheme.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("numbers are taken inside the transaction that uses them")
    wanted = Counter(plan.counter for plan in planned)
    counters = _counters(planned)
    taken: dict[tuple[int, str], tuple[int, dt.datetime]] = {}
    for key in sorted(wanted):  # one order for everybody, so that nobody waits in a circle
        with connection.cursor() as cursor:
            cursor.execute(TAKE, [wanted[key], counters[key]])
            last = cursor.fetchone()[0]
        taken[key] = last - wanted[key], _not_before_the_last(counters[key], last - wanted[key], at)
    given: defaultdict[tuple[int, str], int] = defaultdict(int)
    numbers = []
    for plan in planned:
        given[plan.counter] += 1
        before, issued_at = taken[plan.counter]
        sequence = before + given[plan.counter]
        text = plan.number_format.render(sequence, plan.on)
        numbers.append(IssuedNumber(text, counters[plan.counter], sequence, issued_at))
    _refuse_taken([number.text for number in numbers])
    return numbers


def _counters(planned: Sequence[NumberedInvoice]) -> dict[tuple[int, str], int]:
    """Ids of the counters, made where they are missing (the first number of a year)."""
    wanted = {plan.counter: plan for plan in planned}
    found = _existing_counters(wanted)
    missing = sorted(wanted.keys() - found.keys())
    if missing:
        NumberCounter.objects.bulk_create(
            [
                NumberCounter(
                    scheme=wanted[key].scheme,
                    key=key[1],
                    last_number=wanted[key].scheme.first_number - 1,
                )
                for key in missing
            ],
            ignore_conflicts=True,
        )
        found = _existing_counters(wanted)
    return found


def _existing_counters(wanted: Mapping[tuple[int, str], object]) -> dict[tuple[int, str], int]:
    rows = NumberCounter.objects.filter(
        scheme__in={scheme for scheme, _ in wanted}, key__in={key for _, key in wanted}
    )
    return {(row.scheme_id, row.key): row.pk for row in rows}


def _not_before_the_last(counter_id: int, last: int, at: dt.datetime) -> dt.datetime:
    """``at``, or the moment of the number before, whichever is later (R1).

    Two approvals read the clock before they wait for the counter; the one that waited longer may
    have read it earlier.
    """
    before = (
        Invoice.objects.filter(number_counter=counter_id, number_sequence=last)
        .values_list("approved_at", flat=True)
        .first()
    )
    return max(at, before) if before else at


def _refuse_taken(numbers: Sequence[str]) -> None:
    twice = [text for text, count in Counter(numbers).items() if count > 1]
    taken = twice or list(
        Invoice.objects.filter(number__in=numbers).values_list("number", flat=True)[:1]
    )
    if taken:
        raise NumberTaken(
            f"The number {taken[0]} would be given twice: two number schemes make the same "
            "numbers. An administrator gives each scheme a format of its own, such as a "
            "different letter in front."
        )
