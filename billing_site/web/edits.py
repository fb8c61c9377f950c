"""Saving what a person typed: validated, refused in words, guarded against lost updates."""

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.core.exceptions import NON_FIELD_ERRORS, FieldDoesNotExist, ValidationError
from django.db import IntegrityError, models, transaction
from django.utils import formats, timezone

from billing_site.kernel.errors import DomainError

# Constraint (or trigger) of the database -> the field it is about, and what to do.
Sentences = Mapping[str, tuple[str, str]]


class FieldsRefused(DomainError):
    """Values that cannot be stored; ``fields`` has the sentences by field name."""

    def __init__(self, fields: Mapping[str, Iterable[str]], model: type[models.Model]) -> None:
        self.fields = {name: list(sentences) for name, sentences in fields.items()}
        super().__init__(
            " ".join(
                sentence if name == NON_FIELD_ERRORS else f"{_label(model, name)}: {sentence}"
                for name, sentences in self.fields.items()
                for sentence in sentences
            )
        )


class EditIsStale(DomainError):
    """Somebody else changed the record after the form was shown."""


def save_valid(
    row: models.Model, *, sentences: Sentences, update_fields: Iterable[str] | None = None
) -> None:
    """Validate and store ``row``; a refusal of the model or of the database comes in words.

    :raises FieldsRefused: nothing was stored.
    """
    # a protected status takes no value, not even its own; a generated one is not known yet
    untyped = {f.name for f in row._meta.fields if f.generated or getattr(f, "protected", False)}
    try:
        row.full_clean(exclude=untyped, validate_constraints=False)
        row.validate_constraints()
    except ValidationError as error:
        raise FieldsRefused(in_words(error, sentences, type(row)), type(row)) from error
    with refusals_in_words(type(row), sentences):
        row.save(update_fields=None if update_fields is None else list(update_fields))


class refusals_in_words:
    """Turns a violated constraint into :class:`FieldsRefused`, in a savepoint of its own."""

    def __init__(self, model: type[models.Model], sentences: Sentences) -> None:
        self.model, self.sentences = model, sentences
        self.savepoint = transaction.atomic()

    def __enter__(self) -> None:
        self.savepoint.__enter__()

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self.savepoint.__exit__(kind, error, trace)
        if isinstance(error, IntegrityError):
            name = constraint_of(error)
            if name in self.sentences:
                field, sentence = self.sentences[name]
                raise FieldsRefused({field: [sentence]}, self.model) from error


def constraint_of(error: IntegrityError) -> str:
    """The name of the violated constraint; empty when the database gives none."""
    diagnosis = getattr(error.__cause__, "diag", None)
    return getattr(diagnosis, "constraint_name", None) or ""


def in_words(
    error: ValidationError, sentences: Sentences, model: type[models.Model]
) -> dict[str, list[str]]:
    """The messages of a validation by field; constraints get the sentence of the app."""
    by_field = getattr(error, "error_dict", None) or {NON_FIELD_ERRORS: error.error_list}
    found: dict[str, list[str]] = {}
    for field, errors in by_field.items():
        for one in errors:
            for message in one.messages:
                name = _violated(one, field, message, sentences, model)
                where, sentence = sentences[name] if name else (field, message)
                found.setdefault(where, []).append(sentence)
    return found


def _violated(
    error: ValidationError,
    field: str,
    message: str,
    sentences: Sentences,
    model: type[models.Model],
) -> str:
    """The name of the constraint behind a message; empty when the app has no sentence for it."""
    unique = f"{model._meta.db_table}_{field}_key"  # as PostgreSQL names it
    if error.code == "unique" and unique in sentences:
        return unique
    return next((name for name in sentences if f"“{name}”" in message), "")


def _label(model: type[models.Model], name: str) -> str:
    try:
        label = str(model._meta.get_field(name).verbose_name)
    except FieldDoesNotExist:
        label = name.replace("_", " ")
    return label[:1].upper() + label[1:]


class WordedModelForm(forms.ModelForm):
    """A model form whose constraint messages are the app's sentences, beside their fields."""

    sentences: Sentences = {}

    def _update_errors(self, errors: ValidationError) -> None:
        """Django's own place for what the model and its constraints say."""
        words = in_words(errors, self.sentences, type(self.instance))
        for field, messages in words.items():
            self._add(field, messages)

    def add_refusal(self, refusal: DomainError) -> None:
        """Show a refusal of a service beside the fields it is about, else above the form."""
        if isinstance(refusal, FieldsRefused):
            for field, messages in refusal.fields.items():
                self._add(field, messages)
        else:
            self.add_error(None, str(refusal))

    def _add(self, field: str, messages: Iterable[str]) -> None:
        self.add_error(field if field in self.fields else None, list(messages))


class EditForm(WordedModelForm):
    """A form that remembers which version of the record it shows."""

    version = forms.IntegerField(
        required=False, min_value=0, max_value=2**31 - 1, widget=forms.HiddenInput
    )

    def __init__(self, *args: Any, version: int | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if version is not None:
            self.initial["version"] = version

    def with_version(self, version: int) -> "EditForm":
        """The same entries, now knowingly on top of the newer record."""
        self.data = self.data.copy()
        self.data[self.add_prefix("version")] = str(version)
        return self

    @property
    def entries(self) -> dict[str, Any]:
        """What was typed into the fields of the model."""
        return {name: self.cleaned_data[name] for name in self._meta.fields if name in self.fields}


def version_of(row: models.Model) -> int:
    """The id of the newest audit event of ``row``; 0 when there is none.

    Read it before the row, so that a form never claims to show more than it does.
    """
    newest = type(row).pgh_event_model.objects.filter(pgh_obj_id=row.pk)
    return newest.aggregate(newest=models.Max("pgh_id"))["newest"] or 0


def refuse_stale(row: models.Model, *, version: int | None) -> None:
    """Refuse to overwrite what the person has not seen; ``row`` is locked and fresh.

    :raises EditIsStale: says what was changed, by whom, when.
    """
    events = type(row).pgh_event_model.objects.filter(pgh_obj_id=row.pk)
    newest = events.select_related("pgh_context").order_by("-pgh_id").first()
    if newest is None or newest.pgh_id == (version or 0):
        return
    seen = events.filter(pgh_id=version or 0).first()
    changed = [
        field
        for field in row._meta.concrete_fields
        if field.editable
        and hasattr(newest, field.attname)
        and (seen is None or getattr(seen, field.attname) != getattr(newest, field.attname))
    ]
    if seen is not None and not changed:
        return
    now = "; ".join(f"{_label(type(row), f.name)} is now “{_shown(row, f)}”" for f in changed)
    what = f" {now}." if seen is not None else ""
    moment = formats.date_format(timezone.localtime(newest.pgh_created_at), "d M Y, H:i")
    raise EditIsStale(
        f"{_author(newest)} changed this record on {moment}, after you opened the form.{what} "
        "Nothing was saved. Your entries are still below: check them, then save again."
    )


def _shown(row: models.Model, field: models.Field) -> str:
    if field.choices:
        return str(getattr(row, f"get_{field.name}_display")())
    value = getattr(row, field.name)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _author(event: Any) -> str:
    context = event.pgh_context
    pk = context.metadata.get("user") if context else None
    user = get_user_model()._default_manager.filter(pk=pk).first() if pk else None
    return (user.get_full_name() or user.get_username()) if user else "The system"
