"""The loaders of sources: how each kind of source is read into the landing, one case per kind.

What reads an API or a database takes long to import, and many nights need neither: each is
imported in its case.
"""

from typing import Protocol

from pipelines.project import Project
from pipelines.sources.files import EntityFiles, open_folder
from warehouse.landing import Days, Verdict
from warehouse.sources import DatabaseSource, FileSource, RestSource


class Loader(Protocol):
    """Reads one entity of a source into the landing."""

    def load(self, days: Days | None = None) -> Verdict:
        """Land what is new, or with `days` the rows of those days again.

        A fault is told by the verdict, which is kept in the landing; what was landed before stays.
        """
        ...


def open_loader(project: Project, name: str, entity: str) -> Loader:
    """The loader of an entity of the named source."""
    settings = project.settings
    match project.sources[name]:
        case FileSource() as source:
            folder = open_folder(source, settings.source_folder, settings.s3)
            return EntityFiles(project.landing, folder, name, source, entity, settings.database)
        case RestSource() as source:
            from pipelines.sources.rest import EntityPages  # noqa: PLC0415

            return EntityPages(
                project.landing, name, source, entity, settings.source_secrets, settings.database
            )
        case DatabaseSource() as source:
            from pipelines.sources.postgresql import TableLoader  # noqa: PLC0415

            secrets = settings.source_secrets
            return TableLoader(project.landing, name, source, entity, secrets, settings.database)
