"""PDF objects: a document's objects written one after another, its table of them and its tree of pages."""

from array import array
from typing import BinaryIO

from isal import isal_zlib

_LEAF, _BRANCH = 64, 64
"""Pages below a node of the tree, and such nodes below one of the second level."""

_LEVEL = 1
"""Of compression: fast; a slower one makes these streams hardly smaller."""

HEADER = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"


def compress(content: bytes) -> bytes:
    """Returns the content as a stream of filter FlateDecode."""
    return isal_zlib.compress(content, _LEVEL)


def text_string(text: str) -> bytes:
    """Returns a text as a string of a dictionary, read in any script."""
    return b"<" + (b"\xfe\xff" + text.encode("utf-16-be", "replace")).hex().upper().encode() + b">"


class Objects:
    """The objects of a document, written forward only: of each, only its place is kept."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._written = 0
        self._places = array("Q", [0])
        self._put(HEADER)

    @property
    def written(self) -> int:
        """Bytes so far."""
        return self._written

    def reserve(self) -> int:
        """Returns the number of a new object, to be written later."""
        self._places.append(0)
        return len(self._places) - 1

    def write(self, number: int, content: bytes) -> None:
        """Writes the object of a number that was reserved."""
        self._places[number] = self._written
        self._put(b"%d 0 obj\n%b\nendobj\n" % (number, content))

    def add(self, content: bytes) -> int:
        """Writes a new object and returns its number."""
        number = self.reserve()
        self.write(number, content)
        return number

    def write_stream(self, number: int, content: bytes, entries: bytes = b"/Filter /FlateDecode") -> None:
        """Writes a stream whose content is as its `entries` say, compressed unless they say otherwise."""
        head = b"<< %b /Length %d >>\nstream\n" % (entries, len(content))
        self.write(number, head + content + b"\nendstream")

    def add_stream(self, content: bytes, entries: bytes = b"") -> int:
        """Compresses and writes a new stream with further entries; returns its number."""
        number = self.reserve()
        self.write_stream(number, compress(content), entries + b" /Filter /FlateDecode")
        return number

    def finish(self, root: int, info: int, identity: bytes) -> None:
        """Writes the table of objects; each number that was reserved must have been written."""
        start = self._written
        self._put(b"xref\n0 %d\n0000000000 65535 f \n" % len(self._places))
        for first in range(1, len(self._places), 4096):
            self._put(b"".join(b"%010d 00000 n \n" % place for place in self._places[first : first + 4096]))
        self._put(
            b"trailer\n<< /Size %d /Root %d 0 R /Info %d 0 R /ID [<%b> <%b>] >>\nstartxref\n%d\n%%%%EOF\n"
            % (len(self._places), root, info, identity, identity, start)
        )

    def _put(self, content: bytes) -> None:
        self._out.write(content)
        self._written += len(content)


class PageTree:
    """The document's pages, in a tree of three levels: an array may have only 8,191 elements."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self.root = objects.reserve()
        self._branches: list[tuple[int, int]] = []
        self._leaves: list[tuple[int, int]] = []
        self._leaf = self._branch = 0
        self._kids = 0
        self.pages = array("Q")
        """The objects of the pages so far."""

    @property
    def count(self) -> int:
        """Pages so far."""
        return len(self.pages)

    @property
    def parent(self) -> int:
        """The number of the object that is the next page's parent."""
        if not self._branch:
            self._branch = self._objects.reserve()
        if not self._leaf:
            self._leaf = self._objects.reserve()
        return self._leaf

    def add(self, page: int) -> None:
        """Takes a page's object, written with `parent`, as the next."""
        self.pages.append(page)
        self._kids += 1
        if self._kids == _LEAF:
            self._close_leaf()

    def finish(self) -> None:
        """Writes what is left of the tree."""
        if self._kids:
            self._close_leaf()
        if self._leaves:
            self._close_branch()
        self._write_node(self.root, self._branches, b"")

    def _close_leaf(self) -> None:
        kids = [(page, 1) for page in self.pages[-self._kids :]]
        self._write_node(self._leaf, kids, b"/Parent %d 0 R " % self._branch)
        self._leaves.append((self._leaf, self._kids))
        self._leaf = self._kids = 0
        if len(self._leaves) == _BRANCH:
            self._close_branch()

    def _close_branch(self) -> None:
        self._write_node(self._branch, self._leaves, b"/Parent %d 0 R " % self.root)
        self._branches.append((self._branch, sum(count for _, count in self._leaves)))
        self._branch, self._leaves = 0, []

    def _write_node(self, number: int, kids: list[tuple[int, int]], parent: bytes) -> None:
        listed = b" ".join(b"%d 0 R" % kid for kid, _ in kids)
        count = sum(count for _, count in kids)
        self._objects.write(number, b"<< /Type /Pages %b/Count %d /Kids [%b] >>" % (parent, count, listed))
