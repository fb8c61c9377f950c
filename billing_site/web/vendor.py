"""Front-end libraries from node_modules, by an allow-list."""

from django.contrib.staticfiles.finders import BaseFinder


class NodeModulesFinder(BaseFinder):
    """Finds nothing yet."""

    def find(self, path, find_all=False, **kwargs):
        return []

    def list(self, ignore_patterns):
        return []
