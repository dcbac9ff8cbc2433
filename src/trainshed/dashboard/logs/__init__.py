"""The log viewer: a part for any page, and an address that answers any log by pieces, however long it is.

`part` (what a page says), `serving` (the address), `following` (while it grows); `text` (bytes and beginnings of
lines), `index` (numbers of lines), `reading` (pieces and search), `ansi` (colours). The other half is
`static/log.js`: `log_viewer` (where one is), `log_source` (asks), `log_tools` (buttons and keys), `log_lines`,
`log_row`, `log_search`, `log_words`.
"""

from trainshed.dashboard.logs.part import Log, wanted_line
from trainshed.dashboard.logs.reading import Source
from trainshed.dashboard.logs.serving import Address, Logs

__all__ = ["Address", "Log", "Logs", "Source", "wanted_line"]
