"""Every sentence in the source that says what clears a reason, with the reason's code."""

import ast
from collections.abc import Iterator

from tests.architecture.sources import sources

_REASONS = {"Reason", "Ground", "against"}


def sentences_of_clearing() -> set[tuple[str, str]]:
    """(code, template) of each. Of what the source only hands on, a sentence or a code, there is "" instead."""
    return {pair for source in sources("app") for pair in _said_in(source.tree)}


def _said_in(module: ast.Module) -> Iterator[tuple[str, str]]:
    constants = [one for one in module.body if isinstance(one, ast.Assign | ast.AnnAssign)]
    functions = [one for one in ast.walk(module) if isinstance(one, ast.FunctionDef)]
    for function in functions:
        for call in _calls(function, _REASONS):
            if len(call.args) > 2:
                before = [one for one in ast.walk(function) if isinstance(one, ast.Assign) and one.lineno < call.lineno]
                templates = set(_templates(call.args[2], [*constants, *sorted(before, key=lambda one: one.lineno)]))
                for code in _codes(call.args[0]):
                    yield from ((code, template) for template in templates or {""} if code or template)


def _calls(inside: ast.AST, names: set[str]) -> Iterator[ast.Call]:
    for one in ast.walk(inside):
        if isinstance(one, ast.Call) and isinstance(one.func, ast.Name) and one.func.id in names:
            yield one


def _codes(given: ast.expr) -> list[str]:
    if isinstance(given, ast.IfExp):
        return _codes(given.body) + _codes(given.orelse)
    return [str(given.value) if isinstance(given, ast.Constant) else ""]


def _templates(given: ast.expr, assigned: list[ast.Assign | ast.AnnAssign]) -> Iterator[str]:
    """The sentences in an expression, and in what was last given the names in it."""
    for call in _calls(given, {"Sentence"}):
        if isinstance(call.args[0], ast.Constant):
            yield str(call.args[0].value)
    for name in {one.id for one in ast.walk(given) if isinstance(one, ast.Name)}:
        last = [one.value for one in assigned if name in _named(one)][-1:]
        for value in last:
            if value is not None:
                yield from _templates(value, [])


def _named(one: ast.Assign | ast.AnnAssign) -> set[str]:
    targets = one.targets if isinstance(one, ast.Assign) else [one.target]
    return {target.id for target in targets if isinstance(target, ast.Name)}
