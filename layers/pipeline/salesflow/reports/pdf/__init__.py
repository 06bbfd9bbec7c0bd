"""The document as PDF: A4 or Letter, vector charts, selectable text in every script."""
