"""Jobs: the list, one job with its progress and outcomes, cancel, retry, download."""

import datetime as dt
from typing import Any

from django.contrib import messages
from django.contrib.auth import get_user_model
from django.core.files.storage import default_storage
from django.db.models import Count, QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views import View
from django.views.generic import DetailView

from billing_site.kernel.errors import DomainError
from billing_site.web import jobs
from billing_site.web.enums import ItemOutcome, JobStatus
from billing_site.web.filters import JobFilter
from billing_site.web.keys import positive_key
from billing_site.web.list_parts import Export, QuickSearch, Suggestion
from billing_site.web.lists import ListView
from billing_site.web.models import Job
from billing_site.web.spreadsheets.columns import Column, Kind
from billing_site.web.spreadsheets.writing import write_csv
from billing_site.web.tables import JobTable

ITEMS_SHOWN = 200
JOBS_IN_PROGRESS_SHOWN = 5
TOLD, MOST_TOLD = "jobs_told", 50  # the key of the session, and how many keys it keeps
JUST_ENDED = dt.timedelta(minutes=1)
ITEM_COLUMNS = (
    Column("label", "Row"),
    Column("outcome", "Outcome"),
    Column("reason", "Reason"),
)


def visible_jobs(user) -> QuerySet:
    """The jobs this user may open; any other answers 404."""
    return Job.objects.visible_to(user)


class JobListView(ListView):
    key = "web.job"
    permission_required = ()
    title, one, many = "Jobs", "job", "jobs"
    table_class = JobTable
    filterset_class = JobFilter
    bar_fields = ("title",)
    row_template = "web/_job_row.html"
    ordering = ("-created_at",)
    quick_searches = (
        QuickSearch("active", "At work", lambda rows: rows.active()),
        QuickSearch("trouble", "Needs attention", lambda rows: rows.retryable()),
    )
    suggestions = {
        "owner": Suggestion(
            lambda user: get_user_model().objects.filter(jobs__in=visible_jobs(user)), "username"
        ),
    }
    export = Export(
        columns=(
            Column("title", "Job"),
            Column("get_status_display", "Status"),
            Column("owner", "Owner"),
            Column("done", "Done", Kind.INTEGER),
            Column("skipped", "Skipped", Kind.INTEGER),
            Column("failed", "Failed", Kind.INTEGER),
            Column("created_at", "Asked for", Kind.DATETIME),
            Column("finished_at", "Ended", Kind.DATETIME),
            Column("error", "Error"),
        ),
        values=lambda job: (
            job.title,
            job.get_status_display(),
            job.owner.get_username(),
            job.done,
            job.skipped,
            job.failed,
            job.created_at,
            job.finished_at,
            job.error,
        ),
    )
    empty_title = "No jobs yet"
    empty_text = (
        "Long work, such as an import, a large export or an action on many rows, appears here "
        "with its progress and with what became of each row."
    )

    @classmethod
    def scoped(cls, user) -> QuerySet:
        return visible_jobs(user)

    @classmethod
    def displayed(cls, rows: QuerySet) -> QuerySet:
        return rows.select_related("owner")


class JobDetailView(DetailView):
    """One job; asked by htmx while it works, it answers with the part that changes."""

    context_object_name = "job"

    def get_queryset(self) -> QuerySet:
        return visible_jobs(self.request.user).select_related("owner", "retry_of", "retried_by")

    def get_template_names(self) -> list[str]:
        return ["web/_job_state.html" if self.request.htmx else "web/job_detail.html"]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        job: Job = self.object
        wanted = self.request.GET.get("outcome", "")
        items = job.items.order_by("pk")
        if wanted in ItemOutcome.values:
            items = items.filter(outcome=wanted)
        counts = dict(job.items.values_list("outcome").annotate(n=Count("pk")).order_by("outcome"))
        shown = list(items[: ITEMS_SHOWN + 1])
        return super().get_context_data(**kwargs) | {
            "items": shown[:ITEMS_SHOWN],
            "more_items": len(shown) > ITEMS_SHOWN,
            "items_shown": ITEMS_SHOWN,
            "outcome": wanted,
            "outcomes": [(o.value, o.label, counts.get(o.value, 0)) for o in ItemOutcome],
            "item_count": sum(counts.values()),
            "remaining": job.remaining(at=timezone.now()),
            "can_retry": job.is_retryable
            and job.owner_id == self.request.user.pk
            and getattr(job, "retried_by", None) is None,
            "was_active": job.is_active,
        }

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.GET.get("part") == "export":
            return self._export()
        return super().get(request, *args, **kwargs)

    def _export(self) -> HttpResponse:
        job = self.get_object()
        response = HttpResponse(content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="job-{job.pk}-outcome.csv"'
        rows = job.items.order_by("pk").iterator(chunk_size=2000)
        cells = ((item.label, item.get_outcome_display(), item.reason) for item in rows)
        write_csv(response, ITEM_COLUMNS, cells)
        return response


class JobProgressView(View):
    """The indicator at the top of every page: the person's own work, and what just ended with the
    way to its result.

    A page tells the end of the jobs that it showed at work. What ended before a page could show
    it (a quick job, or one that ended between two pages) is told by whichever page asks next;
    the session remembers what was told.
    """

    def get(self, request: HttpRequest) -> HttpResponse:
        mine = Job.objects.filter(owner=request.user)
        active = list(mine.active().newest_first()[:JOBS_IN_PROGRESS_SHOWN])
        at = timezone.now()
        watched = [positive_key(text) for text in request.GET.get("watched", "").split(",")]
        told = request.session.get(TOLD, [])
        ended = list(
            mine.just_ended(
                watched=[pk for pk in watched if pk][:JOBS_IN_PROGRESS_SHOWN],
                told=told,
                since=at - JUST_ENDED,
            ).newest_first()[:JOBS_IN_PROGRESS_SHOWN]
        )
        untold = [job.pk for job in ended if job.pk not in told]
        if untold:
            request.session[TOLD] = [*told, *untold][-MOST_TOLD:]
        here = request.htmx.current_url_abs_path if request.htmx else None
        context = {
            "active": [(job, job.remaining(at=at)) for job in active],
            "ended": [job for job in ended if not _is_page_of(job, here)],
            "watched": ",".join(str(job.pk) for job in active),
        }
        return render(request, "web/_job_progress.html", context)


def _is_page_of(job: Job, address: str | None) -> bool:
    """The page of a job shows its end by itself."""
    return address is not None and address.partition("?")[0] == job.get_absolute_url()


class JobCancelView(View):
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        job = get_object_or_404(visible_jobs(request.user), pk=pk)
        try:
            jobs.cancel_job(job=job, at=timezone.now())
        except DomainError as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, f"“{job.title}” stops at its next safe point.")
        return redirect(job)


class JobRetryView(View):
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        job = get_object_or_404(visible_jobs(request.user), pk=pk)
        try:
            again = jobs.retry_job(job=job, by=request.user, at=timezone.now())
        except DomainError as refusal:
            messages.error(request, str(refusal))
            return redirect(job)
        messages.success(request, f"“{again.title}” was started again.")
        return redirect(again)


class JobDownloadView(View):
    """The file that a job wrote, for those who may see the job."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        job = get_object_or_404(visible_jobs(request.user), pk=pk)
        name = job.result.get("file", "")
        if job.status not in (JobStatus.COMPLETED, JobStatus.COMPLETED_WITH_ERRORS) or not name:
            raise Http404("This job has no file.")
        if not default_storage.exists(name):
            raise Http404("The file is no longer kept; start the export again.")
        return FileResponse(
            default_storage.open(name, "rb"),
            as_attachment=True,
            filename=job.result.get("file_name", "export"),
        )
