"""What a report says: from results to a document, before it takes a format."""
