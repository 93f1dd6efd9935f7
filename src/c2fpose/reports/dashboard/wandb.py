"""The dashboard as a workspace and a report in W&B, built as code. Needs the package ``wandb-workspaces``."""

from typing import Any

import wandb

from c2fpose.base.errors import ConfigError, UserError, how_to_install
from c2fpose.reports.dashboard.panels import Panel, sections


def _interfaces() -> tuple[Any, Any]:
    try:
        import wandb_workspaces.reports.v2 as reports  # noqa: PLC0415  # of the extra dashboard
        import wandb_workspaces.workspaces as workspaces  # noqa: PLC0415  # of the extra dashboard
    except ImportError:
        raise UserError(f"online=true needs wandb-workspaces; {how_to_install('dashboard')}") from None
    return workspaces, reports


def make_workspace(project: str, entity: str, stacks: int, volumes: bool) -> Any:
    """Make a workspace of all panels, runs grouped by sweep; unsaved."""
    workspaces, reports = _interfaces()
    parts = [
        workspaces.Section(name=name, panels=[_panel(reports, panel) for panel in panels], is_open=True)
        for name, panels in sections(stacks, volumes).items()
    ]
    settings = workspaces.RunsetSettings(groupby=[workspaces.Metric("Group")])
    return workspaces.Workspace(
        name="c2fpose", project=project, entity=entity, sections=parts, runset_settings=settings
    )


def make_report(
    project: str, entity: str, stacks: int, volumes: bool, title: str, tables_markdown: str, group: str
) -> Any:
    """Make a report: the tables as text, and the panels over the runs of one sweep; unsaved."""
    _, reports = _interfaces()
    runset = reports.Runset(project=project, entity=entity, name=group, filters=f"Metric('Group') = '{group}'")
    blocks: list[Any] = [reports.MarkdownBlock(text=tables_markdown)]
    for name, panels in sections(stacks, volumes).items():
        grid = reports.PanelGrid(runsets=[runset], panels=[_panel(reports, panel) for panel in panels])
        blocks += [reports.H2(text=name), grid]
    return reports.Report(project=project, entity=entity, title=title[:128], blocks=blocks, width="fluid")


def _panel(reports: Any, panel: Panel) -> Any:
    if panel.kind == "pictures":
        return reports.MediaBrowser(title=panel.title, media_keys=list(panel.metrics), num_columns=2)
    if panel.kind == "bars":
        return reports.BarPlot(title=panel.title, metrics=list(panel.metrics))
    if panel.kind == "table":
        return reports.WeavePanelSummaryTable(table_name=panel.metrics[0])
    return reports.LinePlot(title=panel.title, x="trainer/global_step", y=list(panel.metrics))


def publish(workspace: Any, report: Any) -> tuple[str, str]:
    """Save both; returns their addresses. Needs an account."""
    workspace.save()
    report.save()
    return workspace.url, report.url


def default_entity() -> str:
    """Find the account that W&B is logged in with."""
    try:
        entity = wandb.Api().default_entity
    except wandb.errors.Error:  # no account, or no network
        entity = None
    if not entity:
        raise ConfigError("online=true: not logged in to W&B; run `wandb login`, or give entity=...")
    return entity
