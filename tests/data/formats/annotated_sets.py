"""All sets of annotation tools that write shapes: name → build(root), which returns name of a picture → its labels after an import."""

from .coco_sets import COCO_SETS
from .cvat_xml_sets import CVAT_XML_SETS
from .labelstudio_sets import LABELSTUDIO_SETS
from .supervisely_sets import SUPERVISELY_SETS

ANNOTATED_SETS = {**COCO_SETS, **CVAT_XML_SETS, **LABELSTUDIO_SETS, **SUPERVISELY_SETS}
