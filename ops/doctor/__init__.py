"""What a first deployment gets wrong, looked for in the stack itself: each finding with its cure.

`examine` runs every look and yields its findings. A look that this operator may not take, or whose service does not answer, is UNKNOWN:
it says nothing of the stack.
"""

from ops.doctor.examination import examine
from ops.doctor.findings import Finding

__all__ = ["Finding", "examine"]
