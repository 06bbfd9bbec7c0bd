"""The system of record: the SalesFlow Lite API, called with the system token, and its answers as checked tables."""
