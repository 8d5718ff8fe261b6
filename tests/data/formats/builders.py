"""All sets that the tests can write: name → build(root), which returns name of a picture → its labels after an import, uint8 (H, W)."""

from .other_fields import FIELDS
from .public_sets import PUBLIC_SETS

BUILDERS = {**PUBLIC_SETS, **FIELDS}
