#!/usr/bin/env bash
# gunpowder: DeformAugment enlarges what it is given even without any deformation: of 80 pixels asked for it shows 61; with few control points and subsample=4, one pixel everywhere.
#
# Guess, before it was run: raw data and labels stay on each other, and with no jitter, scale 1 and no rotation both come back as they were.
# Seen: they stay on each other, but the last control_point_spacing - 1 pixels never come up, and the rest is stretched over their place: 80 pixels
# at a spacing of 20 are the first 61 (1.3 times as large), at 10 the first 71. With subsample=4, which its docs call safe, 80 pixels at a spacing
# of 20 all come from one place. ElasticAugment, the older of the two, gives back what came. gunpowder 1.5.0 (Python 3.12) does the same.
# Why it matters: nothing but a known picture shows it, and a network trained on it meets objects of another size in use. Choose the spacing small
# against the patch, or ask for ElasticAugment.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet gunpowder==1.4.4 augment-nd==0.1.3 numpy==2.4.6 scipy==1.17.1 zarr==2.18.7
"$folder/venv/bin/python" - <<'PY'
import importlib.metadata
import sys
import warnings

warnings.simplefilter("ignore")
import gunpowder as gp
import numpy as np

print("Python", sys.version.split()[0], *(f"{name} {importlib.metadata.version(name)}" for name in ("gunpowder", "augment-nd", "numpy", "scipy")))
KEYS = {gp.ArrayKey("RAW"): np.float32, gp.ArrayKey("LABELS"): np.uint64}
RAW, LABELS = KEYS


class Columns(gp.BatchProvider):
    """160 x 160 pixels; each holds the number of its column."""

    def setup(self):
        for key, dtype in KEYS.items():
            roi = gp.Roi((0, 0), (160, 160))
            self.provides(key, gp.ArraySpec(roi=roi, dtype=dtype, voxel_size=(1, 1), interpolatable=key == RAW))

    def provide(self, request):
        batch = gp.Batch()
        whole = np.broadcast_to(np.arange(160), (160, 160))
        for key, spec in request.array_specs.items():
            cut = tuple(slice(int(b), int(e)) for b, e in zip(spec.roi.begin, spec.roi.end))
            own = self.spec[key].copy()
            own.roi = spec.roi
            batch.arrays[key] = gp.Array(whole[cut].astype(KEYS[key]), own)
        return batch


def seen(node):
    """Columns 40 to 119 asked for: the first, the last, and how many columns the labels still have."""
    request = gp.BatchRequest(random_seed=3)
    for key in KEYS:
        request[key] = gp.ArraySpec(roi=gp.Roi((40, 40), (80, 80)))
    pipeline = Columns() + node
    with gp.build(pipeline):
        batch = pipeline.request_batch(request)
    raw, labels = batch[RAW].data[40], batch[LABELS].data[40]
    assert np.abs(raw - labels).max() <= 0.5 + 1e-3, "raw and labels are apart"
    return round(float(raw[0]), 2), round(float(raw[-1]), 2), len(np.unique(labels))


nothing = dict(jitter_sigma=(0.0, 0.0), scale_interval=(1.0, 1.0), rotate=False)
found = {
    "ElasticAugment, spacing 20": seen(gp.ElasticAugment((20, 20), (0.0, 0.0), (0.0, 0.0))),
    "DeformAugment, spacing 20": seen(gp.DeformAugment((20, 20), **nothing)),
    "DeformAugment, spacing 10": seen(gp.DeformAugment((10, 10), **nothing)),
    "DeformAugment, spacing 20, subsample 4": seen(gp.DeformAugment((20, 20), subsample=4, **nothing)),
}
for name, (first, last, number) in found.items():
    print(f"{name}: columns {first:g} to {last:g}, {number} different, of 40 to 119")
sys.exit([number for *_, number in found.values()] != [80, 61, 71, 1])
PY
echo "as found: DeformAugment enlarges, ElasticAugment does not"
