"""Long work of the orders floor, as jobs; see :mod:`billing_site.web.jobs`."""

from collections.abc import Callable
from itertools import islice

from billing_site.web.jobs import JobRun, job_kind
from orders.services.conversion import Outcome, convert_lines, unconvert_lines

AT_ONCE = 500


@job_kind("orders.convert_lines", resumable=True, permission="orders.convert_orderline")
def convert(job: JobRun) -> None:
    """Make assets of the selected lines (L-21)."""
    _for_selected(job, lambda ids: convert_lines(line_ids=ids, by=job.owner, at=job.now()))


@job_kind("orders.unconvert_lines", resumable=True, permission="orders.convert_orderline")
def unconvert(job: JobRun) -> None:
    """Undo the conversion of the selected lines (D-09)."""
    _for_selected(job, lambda ids: unconvert_lines(line_ids=ids, by=job.owner, at=job.now()))


def _for_selected(job: JobRun, action: Callable[[list[int]], list[Outcome]]) -> None:
    ids = job.selection_ids()
    job.total(len(ids))
    waiting = iter(job.unfinished(ids))
    while some := list(islice(waiting, AT_ONCE)):
        job.check_cancelled()
        named = set(some)
        for outcome in action(some):
            if outcome.line_id not in named:
                continue  # a part of a selected package; it went along
            if outcome.refusal:
                job.skip(outcome.label, reason=outcome.refusal, object_id=outcome.line_id)
            else:
                job.item(outcome.label, object_id=outcome.line_id)
