"""What a page says as a tree, for readers who do not see it: headings, paragraphs, tables, figures with their words, in reading order.

A tagged PDF (ISO 32000-1, 14.6 to 14.8; PDF/UA-1 is ISO 14289-1): all that is drawn stands in marked content that an element of the tree
names, or is said to be an artefact. ReportLab knows neither, so both are written here.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from xml.sax.saxutils import escape

from reportlab.pdfbase.pdfdoc import PDFDictionary, PDFName, PDFObject, PDFStream
from reportlab.pdfgen.canvas import Canvas

_XMP: Final = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/">
<pdfuaid:part>1</pdfuaid:part>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<dc:language><rdf:Bag><rdf:li>{language}</rdf:li></rdf:Bag></dc:language>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>"""


@dataclass(slots=True)
class _Mark:
    """Marked content: the number of its page, counted from 1, and its own on that page, counted from 0."""

    page: int
    number: int


@dataclass(slots=True)
class _Node:
    """An element of the tree and what is in it, in reading order."""

    role: str
    parent: "_Node | None"
    more: str = ""
    kids: list["_Node | _Mark"] = field(default_factory=list)


class _Written(PDFObject):  # type: ignore[misc]  # ReportLab has no types
    """An object of the file whose text is made when the file is: only then do the others have their numbers."""

    __RefOnly__ = 1

    def __init__(self) -> None:
        self.parts: list[Any] = []

    def format(self, document: Any) -> bytes:
        """The object's text; what is an object itself is named by its number."""
        texts = (
            part.encode() if isinstance(part, str) else document.Reference(part).format(document) for part in self.parts
        )
        return b"".join(texts)


class TaggedCanvas(Canvas):  # type: ignore[misc]  # ReportLab has no types
    """A canvas whose file holds the tree of what was drawn within `tagged` and `grouped`."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.root = self.current = _Node("Document", None)
        self._pages: dict[int, list[_Node]] = {}
        self._parts: dict[tuple[str, object], _Node] = {}

    def node(self, role: str, more: str = "", key: object = None) -> _Node:
        """A new element in the current one; with a key the one that was made with that key before: a table that goes on."""
        known = None if key is None else self._parts.get((role, key))
        if known is None:
            known = _Node(role, self.current, more)
            self.current.kids.append(known)
            if key is not None:
                self._parts[role, key] = known
        return known

    def mark(self, node: _Node) -> int:
        """The number of new marked content of the element on this page."""
        on_page = self._pages.setdefault(self.getPageNumber(), [])
        on_page.append(node)
        node.kids.append(_Mark(self.getPageNumber(), len(on_page) - 1))
        return len(on_page) - 1

    def save(self) -> None:
        """Writes the file, the tree with it."""
        document, pages = self._doc, self._doc.Pages.pages
        for n, page in enumerate(pages):
            page.__NoDefault__ = [*page.__NoDefault__, "StructParents", "Tabs"]
            page.StructParents, page.Tabs = n, PDFName("S")
        written: dict[int, _Written] = {}
        top, numbers, root = _Written(), _Written(), self._write(self.root, written)
        written[id(self.root)].parts.insert(1, top)
        written[id(self.root)].parts.insert(1, "/P ")
        top.parts = ["<</Type/StructTreeRoot/K ", root, "/ParentTree ", numbers, f"/ParentTreeNextKey {len(pages)}>>"]
        numbers.parts = ["<</Nums["]
        for n in range(len(pages)):
            numbers.parts.append(f"{n}[")
            for node in self._pages.get(n + 1, ()):
                numbers.parts += [written[id(node)], " "]
            numbers.parts.append("]")
        numbers.parts.append("]>>")
        catalog, info = document.Catalog, document.info
        catalog.StructTreeRoot, catalog.MarkInfo = top, PDFDictionary({"Marked": "true"})
        xmp = _XMP.format(title=escape(str(info.title)), language=escape(str(self._doc.Catalog.Lang)))
        kind = PDFDictionary({"Type": PDFName("Metadata"), "Subtype": PDFName("XML")})
        catalog.Metadata = PDFStream(kind, xmp.encode(), filters=[])
        document._pdfVersion = max(document._pdfVersion, (1, 7))  # noqa: SLF001  # what PDF/UA-1 is written for
        super().save()

    def _write(self, node: _Node, written: dict[int, _Written]) -> _Written:
        """The object of an element, after those of what is in it."""
        made = written[id(node)] = _Written()
        pages = self._doc.Pages.pages
        made.parts = [f"<</Type/StructElem/S/{node.role}{node.more}"]
        own = next((kid.page for kid in node.kids if isinstance(kid, _Mark)), 0)
        if own:
            made.parts += ["/Pg ", pages[own - 1]]
        made.parts.append("/K[")
        for kid in node.kids:
            if isinstance(kid, _Node):
                inner = self._write(kid, written)
                inner.parts[1:1] = ["/P ", made]
                made.parts += [inner, " "]
            elif kid.page == own:
                made.parts.append(f"{kid.number} ")
            else:
                made.parts += ["<</Type/MCR/Pg ", pages[kid.page - 1], f"/MCID {kid.number}>> "]
        made.parts.append("]>>")
        return made


@contextmanager
def grouped(canvas: TaggedCanvas, role: str, *, key: object = None) -> Iterator[None]:
    """What is drawn within belongs to one element that holds others: a table, a row of one."""
    before, canvas.current = canvas.current, canvas.node(role, key=key)
    yield
    canvas.current = before


@contextmanager
def tagged(canvas: TaggedCanvas, role: str, more: str = "", *, key: object = None) -> Iterator[None]:
    """What is drawn within is an element of that role. more: its further entries, as they stand in the file."""
    node = canvas.node(role, more, key)
    canvas.addLiteral(f"/{role} <</MCID {canvas.mark(node)}>> BDC")
    yield
    canvas.addLiteral("EMC")


@contextmanager
def artefact(canvas: Canvas) -> Iterator[None]:
    """What is drawn within says nothing: a line, a bar beside its figure, the head and foot of a page."""
    canvas.addLiteral("/Artifact BMC")
    yield
    canvas.addLiteral("EMC")


def cell(canvas: TaggedCanvas, scope: str = "") -> Any:
    """A cell of a table's row; scope: "Column" or "Row" for one that heads others."""
    return tagged(canvas, "TH", f"/A<</O/Table/Scope/{scope}>>") if scope else tagged(canvas, "TD")


def figure(canvas: TaggedCanvas, words: str, wide: float, tall: float) -> Any:
    """A picture with its words, from the origin downwards."""
    left, top = canvas.absolutePosition(0, 0)
    box = " ".join(f"{value:.2f}" for value in (left, top - tall, left + wide, top))
    return tagged(canvas, "Figure", f"/Alt{hexed(words)}/A<</O/Layout/Placement/Block/BBox[{box}]>>")


def hexed(text: str) -> str:
    """A text as a string of the file, in any script."""
    return f"<FEFF{text.encode('utf-16-be').hex().upper()}>"
