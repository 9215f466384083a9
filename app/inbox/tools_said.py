"""CFX messages about tools into what they say: used, loaded, unloaded, cleaned; and calibrations of stations."""

from app.cfx.messages import production, resource
from app.cfx.messages.structures import Tool
from app.inbox.handlers import Handlers, about_parts, position_number
from app.inbox.said import Said, ToolChange, Touched

HANDLERS = Handlers()

_KINDS = {"SMTStencil": "stencil", "SMTSqueegee": "squeegee", "SMTHeadAndNozzle": "nozzle"}


def _name(tool: Tool | None) -> str | None:
    return (tool.unique_identifier or tool.name) if tool else None


def _kind(tool: Tool | None) -> str | None:
    """What kind of tool its `$type` names: `CFX.Structures.SolderPastePrinting.SMTStencil, CFX`."""
    if tool is None or tool.type_ is None:
        return None
    return _KINDS.get(tool.type_.partition(",")[0].rpartition(".")[2].strip())


@HANDLERS.of(production.ToolsUsed)
def _tools_used(said: Said, message: production.ToolsUsed) -> None:
    about_parts(said, message.used_tools)
    for one in message.used_tools:
        tool = _name(one.tool)
        if tool and (one.unit_identifier or said.transaction_id):
            position = position_number(one.position)
            said.tools.append(Touched(one.unit_identifier, position, tool, one.usage_cycles, _kind(one.tool)))


def _changed(said: Said, kind: str, tool: Tool | None) -> None:
    name = _name(tool)
    if name:
        said.tool_changes.append(ToolChange(kind, name, _kind(tool)))


@HANDLERS.of(production.ToolsLoaded, production.ToolsUnloaded, production.ToolsCleaned)
def _tools_moved(
    said: Said, message: production.ToolsLoaded | production.ToolsUnloaded | production.ToolsCleaned
) -> None:
    said.about = "station"
    kind = {production.ToolsLoaded: "loaded", production.ToolsUnloaded: "unloaded"}.get(type(message), "cleaned")
    for tool in message.tools:
        _changed(said, kind, tool)


@HANDLERS.of(resource.ToolChanged)
def _tool_changed(said: Said, message: resource.ToolChanged) -> None:
    said.about = "station"
    _changed(said, "unloaded", message.old_tool)
    _changed(said, "loaded", message.new_tool)


@HANDLERS.of(resource.StencilCleaned)
def _stencil_cleaned(said: Said, message: resource.StencilCleaned) -> None:
    said.about = "station"
    name = _name(message.stencil)
    if name:
        said.tool_changes.append(ToolChange("cleaned", name, "stencil"))


@HANDLERS.of(resource.SqueegeeCleaned)
def _squeegee_cleaned(said: Said, message: resource.SqueegeeCleaned) -> None:
    said.about = "station"
    name = _name(message.squeegee)
    if name:
        said.tool_changes.append(ToolChange("cleaned", name, "squeegee"))


@HANDLERS.of(resource.CalibrationPerformed)
def _calibration_performed(said: Said, message: resource.CalibrationPerformed) -> None:
    """A failed calibration calibrates nothing; it is kept as the station's statement all the same."""
    said.about = "station"
    if message.calibration.get("Status") not in {"Failed", 1, "1"}:
        said.tool_changes.append(ToolChange("calibrated", None, "station"))
