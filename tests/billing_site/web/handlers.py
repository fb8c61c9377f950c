"""Kinds of jobs that exist only in tests; what they did is written into lists."""

from billing_site.kernel.errors import DomainError
from billing_site.web.jobs import JobRun, job_kind

SEEN: list[int] = []


class Refusal(DomainError):
    pass


@job_kind("test.nothing")
def nothing(job: JobRun) -> None:
    job.advance(1)


@job_kind("test.refuse")
def refuse(job: JobRun) -> None:
    raise Refusal("Row 7, column Quantity: 'abc' is not a number.")


@job_kind("test.crash")
def crash(job: JobRun) -> None:
    job.item("first", object_id=1)
    raise ZeroDivisionError("a secret of the code")


@job_kind("test.rows", resumable=True, permission="auth.change_group")
def rows(job: JobRun) -> None:
    ids = job.selection_ids() if "selection" in job.params else job.params["ids"]
    job.total(len(ids))
    for pk in job.unfinished(ids):
        job.check_cancelled()
        SEEN.append(pk)
        if pk in job.params.get("bad", []):
            job.fail(f"row {pk}", reason="It is bad.", object_id=pk)
        elif pk in job.params.get("skip", []):
            job.skip(f"row {pk}", reason="Already done.", object_id=pk)
        else:
            job.item(f"row {pk}", object_id=pk)
        job.flush()
        if pk == job.params.get("die_after") and job.job.attempts == 1:
            raise KeyboardInterrupt  # what kill -9 looks like from inside: nothing more is written
