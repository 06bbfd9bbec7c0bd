"""What the probe imports from its layer."""

GREETING = "from the layer"
