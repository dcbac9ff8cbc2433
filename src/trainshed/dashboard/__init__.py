"""The dashboard: server-rendered pages over the services. A page is plain data; HTML, JSON and live news come of it.

- `cells`, `page`: what a page consists of. `asked`: what a request asks it for. `links`: which resource has which page.
- `serve`: addresses, forms, headers. `wrong`: what is shown instead of a page. `live`: pages that change while one looks.
  `watching`: what keeps pages and logs up to date, once for everybody who looks.
- `render`, `drawing`, `wording`, `document`, `templates/`, `static/`: how they look, as HTML and as JSON; cells, and what is written in them.
- `logs`: the log viewer, for any page.
- `find`: what a name, an identifier or an address is of.
- `origin`: the commit and the data behind a run, in one cell.
- one module, or folder, per section of the navigation; each answers its `Address`es. `sections` serves them together.
"""

from trainshed.dashboard.page import Page
from trainshed.dashboard.sections import Section, routes
from trainshed.dashboard.serve import Address, failures

__all__ = ["Address", "Page", "Section", "failures", "routes"]
