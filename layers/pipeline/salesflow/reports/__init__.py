"""Reports: results in, bytes out. Imports no AWS client, reads no clock and no environment."""
