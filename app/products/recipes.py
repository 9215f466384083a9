"""Recipes: a machine's programs, registered as they are named."""

from collections.abc import Collection, MutableMapping

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


def register_recipes(
    connection: Connection,
    recipes: Collection[tuple[str, str | None]],
    known: MutableMapping[tuple[str, str | None], int],
) -> None:
    """Give every (name, revision) a recipe, and add it to `known`."""
    missing = {recipe for recipe in recipes if recipe not in known}
    for statement in (_FIND, _ENTER, _FIND):
        if not missing:
            return
        given = {
            "names": [name for name, _ in missing],
            "revisions": [revision for _, revision in missing],
        }
        result = connection.execute(statement, given)
        if result.returns_rows:
            known.update(((row[0], row[1]), row[2]) for row in result)
            missing -= set(known)
