"""Choosing a node of a tree (clusters, categories): indented, so that one sees what is below what."""

from typing import Any

import django_filters as filters
from django import forms

from billing_site.web.trees import TreeNode

INDENT = "\u2003"  # an em space: a browser keeps it at the beginning of an option


class TreeChoiceField(forms.ModelChoiceField):
    """A select of the nodes of a :class:`~billing_site.web.trees.TreeNode`, parents first."""

    def __init__(self, queryset: Any, **kwargs: Any) -> None:
        super().__init__(queryset.as_tree(), **kwargs)

    def label_from_instance(self, node: TreeNode) -> str:
        return f"{INDENT * node.depth}{node.name}"


class TreeChoiceFilter(filters.ModelChoiceFilter):
    """Filter by a node; ``method`` decides what the node means for a row."""

    field_class = TreeChoiceField

    def get_queryset(self, request: Any) -> Any:
        return self.queryset.as_tree()
