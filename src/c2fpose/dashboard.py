"""``python -m c2fpose.dashboard SWEEP_DIR...``: show a sweep's curves, pictures and tables, as HTML or in W&B."""

from pathlib import Path

from c2fpose.base.errors import exits_cleanly
from c2fpose.base.files import write_text
from c2fpose.config.command_line import options
from c2fpose.config.schema import Schema
from c2fpose.config.sweep import RootDepth, SweepDirectories
from c2fpose.reports.dashboard.panels import shape_of
from c2fpose.reports.dashboard.wandb import default_entity


class DashboardSettings(Schema):
    """The keys of ``conf/dashboard.yaml``."""

    sweeps: SweepDirectories
    out: str | None = None
    online: bool = False
    project: str = "c2fpose"
    entity: str | None = None
    root_depth: RootDepth = "ground_truth"
    accept_code: bool = False


@exits_cleanly
def main(words: list[str] | None = None) -> None:
    """One dashboard of one experiment from its sweep directories."""
    settings = options(DashboardSettings, "dashboard.yaml", words, positional="sweeps")
    from c2fpose.reports.dashboard.html import page
    from c2fpose.reports.dashboard.panels import sections
    from c2fpose.reports.results import read_results
    from c2fpose.reports.tables import difference_table, error_table

    results = read_results(settings.sweeps, settings.accept_code)
    stacks, volumes = shape_of(results)
    if not settings.online:
        out = Path(settings.out) if settings.out else settings.sweeps[0] / "dashboard.html"
        write_text(out, page(results, sections(stacks, volumes), settings.root_depth))
        print(f"dashboard: {out}")
        return
    from c2fpose.reports.dashboard.wandb import make_report, make_workspace, publish

    entity = settings.entity or default_entity()
    error = error_table(results, results.sweep.metric, settings.root_depth).markdown()
    text = error + "\n" + difference_table(results, settings.root_depth).markdown()
    group = f"{results.name}/{results.scale}"
    workspace = make_workspace(settings.project, entity, stacks, volumes)
    report = make_report(settings.project, entity, stacks, volumes, results.sweep.title, text, group)
    for address in publish(workspace, report):
        print(f"dashboard: {address}")


if __name__ == "__main__":
    main()
