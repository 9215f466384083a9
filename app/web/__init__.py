"""The HTML door: pages for people, rendered on the server. One query or one deed each, no SQL.

How to add a page
-----------------
1. A module here with a `router`, named in `site.install`; a `Page` in `navigation` if everybody
   with a permission shall find it. A route takes the visitor (`TheVisitor`, or
   `Annotated[Visitor, Depends(Visiting(Permission.read_line))]`) and, to read, `Reading`::

       @router.get("/feeders")
       def feeders(request: Request, visitor: LineReader, connection: Reading) -> Response:
           told = {"feeders": loaded_feeders(connection)}
           return answer(request, "feeders.html", visitor, told)

   `answer` makes three forms of what was told: the page, JSON and CSV, by `Accept`, `?format=csv`
   or the suffix (`/feeders.csv`). What only the page needs goes in as further keywords.
2. A template that extends `base.html` with the blocks `title` and `content` (exactly one `h1`), and
   `scripts` for its own modules. `parts.html` has what several pages draw the same way
   (`{% import "parts.html" as show %}`). A screen without the frame leaves `top` and `bottom` empty.
3. Every English text goes through `_("...")`, with values as `_("Slot %(slot)s", slot=one.slot)`, or
   through `ngettext("%(num)s reel", "%(num)s reels", count)`; a word looked up by its value
   (`_(outcome)`) is listed in `tests/doors/wording.py`. The German text goes into
   `translations/de.po`, or into `translations/de.AREA.po` of your own. A script gets its words from
   `data-` attributes of the page. The test names what is missing, ready to paste.
4. A form posts with `{{ token() }}`, its route has `dependencies=[PostedByUs]`. A script
   sends the field `X-Form-Token` (in `<meta name="form-token">`).
   After a deed: `RedirectResponse(..., 303)`; a refusal renders the page again with `problem=refused`
   and `show.refusal(problem)`; better at its field, with what was typed: `app.web.filled` and `forms.html`.
5. Live: mark a part `<div data-live="/feeders?fragment=true">` and put `{{ show.pulse() }}` on the
   page; the part is asked for again when something was recorded. The body fires `recorded`, too
   (`document.body.addEventListener("recorded", ...)`).
6. Libraries: `{{ library("cytoscape.js") }}` in `scripts` (names in `app.browser_libraries.FILES`), and
   `{{ show.needs(["cytoscape.js"]) }}` where the page is nothing without them: they may be missing.
7. The policy (`app/http/plumbing.py`) lets nothing inline and nothing from elsewhere run: no
   `style=`, no `onclick=`, no `<style>`. Scripts may set `element.style`. Cytoscape's own
   stylesheet is in ours. zxing-wasm:
   `ZXingWASM.prepareZXingModule({overrides: {locateFile: (file) => `/static/vendor/${file}`}})`.
8. Colours are the variables of `static/style.css`, which hold for both themes; targets are 44 px
   high; colour never speaks alone (a word and an icon beside it).
9. `tests/doors/test_every_page.py` looks at every route by itself: size, text, targets, axe-core, both themes and
   languages, foreign requests. An address that needs a value wants an example there. Its twins are looked at where
   `PAGES` of `tests/doors/test_pages.py` names it.
"""
