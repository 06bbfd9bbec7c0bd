"""The document as a page; the templates of pages and mails."""
