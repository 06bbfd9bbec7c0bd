"""What operators and developers run on their own machines; nothing of it is deployed."""
