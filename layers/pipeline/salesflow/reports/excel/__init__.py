"""The document as a workbook."""
