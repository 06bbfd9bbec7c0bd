"""A replay of whole shops: which alerts their owners would have been mailed, and which of them were true."""
