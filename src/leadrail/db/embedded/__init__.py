"""PostgreSQL 18 in a data folder, started and stopped by Leadrail: nothing to install, nothing to configure."""

from leadrail.db.embedded.errors import EmbeddedError
from leadrail.db.embedded.folder import default_data_dir
from leadrail.db.embedded.server import EmbeddedServer, running_url

__all__ = ["EmbeddedError", "EmbeddedServer", "default_data_dir", "running_url"]
