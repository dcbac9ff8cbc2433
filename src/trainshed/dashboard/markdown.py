"""Markdown that somebody's task wrote, as HTML that can do nothing.

The parser escapes everything, HTML included, and knows which addresses are safe. What is changed here: nothing is
loaded from elsewhere (a picture is shown where its data stand in its address, otherwise linked to), headings stand
below those of the page, and there are no `style` attributes, which the pages' policy forbids.
"""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.renderer import RendererHTML
    from markdown_it.token import Token
    from markdown_it.utils import EnvType, OptionsDict

_LEVELS_BELOW = 2  # h1 is the page's, h2 the part's
_DEEPEST = 6


def render(text: str) -> Markup:
    """Answer the HTML of a text; whatever the text holds, it is safe to put into a page."""
    parser = _parser()
    tokens = parser.parse(text)
    _tame(tokens)
    return Markup(parser.renderer.render(tokens, parser.options, {}))  # noqa: S704  (the parser escaped it)


@cache
def _parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt  # not before somebody looks at such a document: a server is small

    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    parser.add_render_rule("image", _image)
    return parser


def _tame(tokens: Sequence["Token"]) -> None:
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(int(token.tag[1:]) + _LEVELS_BELOW, _DEEPEST)}"
        if style := token.attrs.pop("style", None):  # of a table's cell: text-align:right
            token.attrs["class"] = str(style).rpartition(":")[2].strip()
        if token.type == "link_open":
            token.attrs["rel"] = "noopener noreferrer nofollow"
        _tame(token.children or ())


def _image(
    renderer: "RendererHTML", tokens: Sequence["Token"], place: int, options: "OptionsDict", env: "EnvType"
) -> str:
    token = tokens[place]
    address = str(token.attrs.get("src", ""))
    if address.startswith("data:image/"):
        return renderer.image(tokens, place, options, env)
    words = renderer.renderInlineAsText(token.children, options, env) or address
    link = Markup('<a href="{}" rel="noopener noreferrer nofollow">{}</a>')
    return str(link.format(address, words))
