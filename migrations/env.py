"""Runs the migrations on the application's own engine."""

from alembic import context
from flask import current_app

config = context.config
target = current_app.extensions["migrate"].db


def _has_changes(_context, _revision, directives) -> None:
    if getattr(config.cmd_opts, "autogenerate", False) and directives[0].upgrade_ops.is_empty():
        directives[:] = []


def run() -> None:
    """Upgrade or downgrade online; batch mode, because SQLite cannot alter most of a table in place."""
    with target.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=target.metadata,
            render_as_batch=True,
            compare_type=True,
            process_revision_directives=_has_changes,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
