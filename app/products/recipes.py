"""Recipes: a machine's programs, registered as they are named."""

from collections.abc import Collection, MutableMapping
from typing import TypeAlias

from sqlalchemy import Connection, text

_FIND = text(
    """
    SELECT recipe.name, recipe.revision, recipe.recipe_id
    FROM unnest(CAST(:names AS text[]), CAST(:revisions AS text[])) AS given (name, revision)
    JOIN recipe ON recipe.name = given.name AND recipe.revision IS NOT DISTINCT FROM given.revision
    """
)
_ENTER = text(
    """
    INSERT INTO recipe (name, revision, unplanned)
    SELECT name, revision, true
    FROM unnest(CAST(:names AS text[]), CAST(:revisions AS text[])) AS given (name, revision)
    ORDER BY name, revision
    ON CONFLICT DO NOTHING
    """
)


_PLANNED = text(
    """
    INSERT INTO recipe (name, revision, unplanned)
    SELECT name, revision, false FROM unnest(
        CAST(:names AS text[]), CAST(:revisions AS text[])
    ) AS given (name, revision)
    ORDER BY name, revision
    ON CONFLICT (name, revision) DO UPDATE SET unplanned = false WHERE recipe.unplanned
    """
)
Recipe: TypeAlias = tuple[str, str | None]
"""(name, revision)."""


def find_recipes(
    connection: Connection, recipes: Collection[Recipe], known: MutableMapping[Recipe, int]
) -> list[Recipe]:
    """Add these recipes to `known`; return those nobody has registered."""
    missing = [recipe for recipe in dict.fromkeys(recipes) if recipe not in known]
    if missing:
        known.update(((row[0], row[1]), row[2]) for row in connection.execute(_FIND, _given(missing)))
    return [recipe for recipe in missing if recipe not in known]


def plan_recipe_names(connection: Connection, recipes: Collection[Recipe]) -> None:
    """Register recipes that a person planned, before any machine runs them."""
    if recipes:
        connection.execute(_PLANNED, _given(sorted(set(recipes), key=repr)))


def register_recipes(connection: Connection, recipes: Collection[Recipe], known: MutableMapping[Recipe, int]) -> None:
    """Give every (name, revision) a recipe, and add it to `known`."""
    missing = {recipe for recipe in recipes if recipe not in known}
    for statement in (_FIND, _ENTER, _FIND):
        if not missing:
            return
        result = connection.execute(statement, _given(missing))
        if result.returns_rows:
            known.update(((row[0], row[1]), row[2]) for row in result)
            missing -= set(known)


def _given(recipes: Collection[Recipe]) -> dict[str, object]:
    return {"names": [name for name, _ in recipes], "revisions": [revision for _, revision in recipes]}
