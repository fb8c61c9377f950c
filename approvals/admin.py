"""The approvals floor for administrators: processes and steps are edited, the rest is read."""

from typing import Any

from django.contrib import admin
from django.forms import BaseInlineFormSet, ValidationError

from approvals.models import ApprovalProcess, ApprovalStep, Decision, Review
from billing_site.web.admin_pages import ReadOnlyAdmin, ReferenceAdmin

PROCESS_SENTENCES = {
    "approvals_approvalprocess_name_key": (
        "name",
        "Another process has this name already; names are unique. Give another one.",
    ),
    "approvals_approvalprocess_customer_cluster_id_key": (
        "customer_cluster",
        "This cluster has a process already; change that one.",
    ),
    "process_one_default": (
        "customer_cluster",
        "There is a process for all customers already; choose a cluster for this one.",
    ),
    "step_position_once": ("name", "Two steps have the same position; number them 1, 2, 3."),
}


class StepFormSet(BaseInlineFormSet):
    """A process without a step could approve nothing."""

    def clean(self) -> None:
        super().clean()
        if any(self.errors):
            return
        kept = [
            form
            for form in self.forms
            if form.cleaned_data and not form.cleaned_data.get("DELETE", False)
        ]
        if not kept:
            raise ValidationError("A process needs at least one step: choose a user group.")


class ApprovalStepInline(admin.TabularInline):
    model = ApprovalStep
    formset = StepFormSet
    extra = 1
    min_num = 0
    autocomplete_fields = ("group",)


@admin.register(ApprovalProcess)
class ApprovalProcessAdmin(ReferenceAdmin):
    """Running reviews keep the steps they started with (D-42)."""

    sentences = PROCESS_SENTENCES
    list_display = ("name", "customer_cluster", "four_eyes", "allow_empty")
    list_select_related = ("customer_cluster",)
    search_fields = ("name",)
    autocomplete_fields = ("customer_cluster",)
    inlines = (ApprovalStepInline,)


@admin.register(Review)
class ReviewAdmin(ReadOnlyAdmin):
    list_display = ("id", "invoice", "process", "position", "status", "requested_by", "ended_at")
    list_select_related = ("invoice", "process", "requested_by")
    list_filter = ("status",)
    search_fields = ("=invoice__number",)
    search_help_text = "The whole number of the invoice."
    ordering = ("-id",)


@admin.register(Decision)
class DecisionAdmin(ReadOnlyAdmin):
    list_display = ("id", "invoice", "step", "round", "verdict", "user", "decided_at")
    list_select_related = ("review__invoice", "user")
    list_filter = ("verdict",)
    search_fields = ("=review__invoice__number",)
    search_help_text = "The whole number of the invoice."
    ordering = ("-id",)

    @admin.display()
    def invoice(self, decision: Decision) -> Any:
        return decision.review.invoice
