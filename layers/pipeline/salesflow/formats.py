"""The kinds of report and the file formats they come in."""

from enum import StrEnum


class ReportType(StrEnum):
    """The three reports."""

    SALES = "sales"
    STOCK = "stock"
    COMBINED = "combined"


class Format(StrEnum):
    """The file formats of a report."""

    PDF = "pdf"
    EXCEL = "excel"
    HTML = "html"
    CSV = "csv"
    PARQUET = "parquet"
    JSON = "json"

    @property
    def extension(self) -> str:
        """The file name's ending."""
        return "xlsx" if self is Format.EXCEL else self.value

    @property
    def label(self) -> str:
        """What readers call it, in any language."""
        return {Format.EXCEL: "Excel", Format.PARQUET: "Parquet"}.get(self, self.upper())

    @property
    def media_type(self) -> str:
        """The MIME type that S3 and mail attachments name."""
        return _MEDIA_TYPES[self]


_MEDIA_TYPES = {
    Format.PDF: "application/pdf",
    Format.EXCEL: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Format.HTML: "text/html; charset=utf-8",
    Format.CSV: "text/csv; charset=utf-8",
    Format.PARQUET: "application/vnd.apache.parquet",
    Format.JSON: "application/json",
}
