"""Public sets written small, as their releases are: each function writes one and returns name → the labels that an import must give."""

import json

import numpy as np
from PIL import Image

from .drawing import becomes, blocks, photo, save, text
from .other_fields import module


def pets(root):
    """Two cats and two dogs for trainval, one for test; one of the .jpg is a PNG, one a GIF; a Mac's notes beside the trimaps."""
    names = {"Abyssinian_1": "1 1 1", "Abyssinian_10": "1 1 1", "american_bulldog_2": "2 2 1", "beagle_30": "5 2 4"}
    test = {"Bombay_7": "8 1 4"}
    expected = {}
    for seed, name in enumerate(names | test):
        labels = blocks((1, 2, 3), seed)
        save(root / f"annotations/trimaps/{name}.png", labels)
        (root / f"annotations/trimaps/._{name}.png").write_bytes(b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        ")
        save(root / f"images/{name}.jpg", photo(seed), format=("JPEG", "PNG", "GIF")[seed % 3])
        expected[name] = becomes(labels, {1: 1, 2: 0, 3: 255})
    heading = ("#Image CLASS-ID SPECIES BREED ID", "#ID: 1:37 Class ids", "#SPECIES: 1:Cat 2:Dog")
    text(root / "annotations/list.txt", *heading, *(f"{name} {numbers}" for name, numbers in (names | test).items()))
    text(root / "annotations/trainval.txt", *(f"{name} {numbers}" for name, numbers in names.items()))
    text(root / "annotations/test.txt", *(f"{name} {numbers}" for name, numbers in test.items()))
    return expected


CAMVID = {  # red green blue, blanks between (one tab or two in the release), name; Void stands between others
    "Animal": (64, 128, 64), "Bicyclist": (0, 128, 192), "Building": (128, 0, 0), "Car": (64, 0, 128), "Misc_Text": (128, 128, 64),
    "SignSymbol": (192, 128, 128), "Sky": (128, 128, 128), "Tree": (128, 128, 0), "Void": (0, 0, 0), "Wall": (64, 192, 0),
}  # fmt: skip
CAMVID_NUMBERS = dict(zip(CAMVID, (0, 1, 2, 3, 4, 5, 6, 7, 255, 8), strict=True))


def coloured(labels, colours):
    """Numbers as the colours of a dict in its order."""
    return np.array(list(colours.values()), np.uint8)[labels]


def camvid_labels(seed):
    """Numbers by the order of CAMVID, and what an import must give."""
    labels = blocks(range(len(CAMVID)), seed)
    return labels, becomes(labels, dict(enumerate(CAMVID_NUMBERS.values())))


def camvid(root):
    """The release: 701_StillsRaw_full/NAME.png, LabeledApproved_full/NAME_L.png, label_colors.txt; no splits."""
    lines = [f"{r} {g} {b}{chr(9) * (1 + (r < 100))}{name}" for name, (r, g, b) in CAMVID.items()]
    text(root / "label_colors.txt", *lines)
    expected = {}
    for seed in range(4):
        labels, expected[f"0016E5_0{seed}"] = camvid_labels(seed)
        save(root / f"701_StillsRaw_full/0016E5_0{seed}.png", photo(seed))
        save(root / f"LabeledApproved_full/0016E5_0{seed}_L.png", coloured(labels, CAMVID))
    return expected


def camvid_kaggle(root):
    """Kaggle's copy: train/, train_labels/ and so on, class_dict.csv with a heading."""
    text(root / "class_dict.csv", "name,r,g,b", *(f"{name},{r},{g},{b}" for name, (r, g, b) in CAMVID.items()))
    expected = {}
    for seed, split in enumerate(("train", "train", "val", "test")):
        labels, expected[f"0001TP_{seed}"] = camvid_labels(seed)
        save(root / f"{split}/0001TP_{seed}.png", photo(seed))
        save(root / f"{split}_labels/0001TP_{seed}_L.png", coloured(labels, CAMVID))
    return expected


def camvid_fastai(root):
    """fast.ai's copy: numbers in labels/NAME_P.png, codes.txt, valid.txt."""
    text(root / "codes.txt", *CAMVID)
    expected = {}
    for seed in range(3):
        labels, expected[f"Seq05VD_f0{seed}"] = camvid_labels(seed)
        save(root / f"images/Seq05VD_f0{seed}.png", photo(seed))
        save(root / f"labels/Seq05VD_f0{seed}_P.png", labels)
    text(root / "valid.txt", "Seq05VD_f02.png")
    return expected


SEGNET = {number: number for number in range(11)} | {11: 255}


def segnet(root):
    """SegNet's: train/ and trainannot/, lists of two columns of paths of its author's machine."""
    expected = {}
    for split, names in {"train": "abc", "val": "d", "test": "e"}.items():
        for name in names:
            labels = blocks(range(12), ord(name))
            save(root / f"{split}/0006R0_{name}.png", photo(ord(name)))
            save(root / f"{split}annot/0006R0_{name}.png", labels)
            expected[f"0006R0_{name}"] = becomes(labels, SEGNET)
        paths = [f"/SegNet/CamVid/{split}{{}}/0006R0_{name}.png" for name in names]
        text(root / f"{split}.txt", *(f"{path.format('')} {path.format('annot')}" for path in paths))
    return expected


# labelId → train id, from the table of cityscapesscripts; 255 where its evaluation ignores the label
CITYSCAPES = dict.fromkeys(range(34), 255) | {
    7: 0, 8: 1, 11: 2, 12: 3, 13: 4, 17: 5, 19: 6, 20: 7, 21: 8, 22: 9, 23: 10, 24: 11, 25: 12, 26: 13, 27: 14, 28: 15, 31: 16, 32: 17,
    33: 18,
}  # fmt: skip


def cityscapes(root):
    """leftImg8bit and gtFine: split/city/NAME_leftImg8bit.png; labelIds, colours and instances of a picture side by side."""
    expected = {}
    places = {"aachen_000000_000019": "train", "aachen_000001_000019": "train", "bochum_000000_000313": "train",
              "lindau_000000_000019": "val"}  # fmt: skip
    for seed, (name, split) in enumerate(places.items()):
        place = f"{split}/{name.split('_')[0]}/{name}"
        labels = blocks(range(34), seed)
        save(root / f"leftImg8bit/{place}_leftImg8bit.png", photo(seed))
        save(root / f"gtFine/{place}_gtFine_labelIds.png", labels)
        save(root / f"gtFine/{place}_gtFine_instanceIds.png", Image.fromarray((labels * 1000 + 1).astype(np.uint16)))
        save(root / f"gtFine/{place}_gtFine_color.png", Image.new("RGBA", labels.shape[::-1], (128, 64, 128, 255)))
        text(root / f"gtFine/{place}_gtFine_polygons.json", "{}")
        expected[name] = becomes(labels, CITYSCAPES)
    return expected


def cityscapes_train_ids(root):
    """What cityscapesscripts' createTrainIdLabelImgs adds, with labelIds taken away."""
    expected = {}
    for seed, split in enumerate(("train", "train", "val")):
        name = f"jena_00000{seed}_000019"
        labels = blocks([*range(19), 255], seed)
        save(root / f"leftImg8bit/{split}/jena/{name}_leftImg8bit.png", photo(seed))
        save(root / f"gtFine/{split}/jena/{name}_gtFine_labelTrainIds.png", labels)
        expected[name] = becomes(labels, {number: number for number in range(19)} | {255: 255})
    return expected


ADE20K = ("wall", "building, edifice", "sky", "floor, flooring", "tree", "bed ", "windowpane, window ")


def ade20k(root):
    """SceneParsing's release: a list with a heading, tabs, blanks behind some numbers and names."""
    heading = "\t".join(("Idx", "Ratio", "Train", "Val", "Name"))
    rows = ["\t".join((f"{n}{' ' * (n == 4)}", "0.1576", "11664", "1172", name)) for n, name in enumerate(ADE20K, 1)]
    text(root / "objectInfo150.txt", heading, *rows)
    expected = {}
    for seed, (name, split) in enumerate({"train_1": "training", "train_2": "training", "val_1": "validation"}.items()):
        labels = blocks(range(len(ADE20K) + 1), seed)
        save(root / f"images/{split}/ADE_{name}.jpg", photo(seed))
        save(root / f"annotations/{split}/ADE_{name}.png", labels)
        expected[f"ADE_{name}"] = becomes(labels, {0: 255} | {number: number - 1 for number in range(1, 8)})
    return expected


def drive(root):
    """Pictures .tif, vessels and fields of view .gif; test has a second person's vessels too."""
    expected = {}
    for split, numbers in {"training": (21, 22, 23), "test": (1, 2)}.items():
        for number in numbers:
            vessels, view = blocks((0, 255), number), blocks((255, 0, 255), number, side=9)
            save(root / f"{split}/images/{number:02}_{split}.tif", photo(number))
            save(root / f"{split}/1st_manual/{number:02}_manual1.gif", vessels)
            save(root / f"{split}/mask/{number:02}_{split}_mask.gif", view)
            if split == "test":
                save(root / f"{split}/2nd_manual/{number:02}_manual2.gif", 255 - vessels)
            expected[f"{number:02}_{split}"] = np.where(view == 0, 255, becomes(vessels, {0: 0, 255: 1}))
    return expected


def sbd(root):
    """benchmark_RELEASE/dataset with MATLAB files as SciPy writes them, with the boundaries that SBD has too."""
    savemat, csc_matrix = module("scipy.io").savemat, module("scipy.sparse").csc_matrix
    place = root / "benchmark_RELEASE/dataset"
    expected = {}
    for seed, name in enumerate(("2008_000002", "2008_000003", "2008_000007", "2008_000009")):
        labels = blocks(range(21), seed).astype(np.uint8)
        save(place / f"img/{name}.jpg", photo(seed))
        (place / "cls").mkdir(exist_ok=True)
        boundaries = np.empty((20, 1), object)
        boundaries[:] = [[csc_matrix(labels == number + 1)] for number in range(20)]
        content = {
            "Boundaries": boundaries,
            "Segmentation": labels,
            "CategoriesPresent": np.arange(1, 21, dtype=np.uint8),
        }
        savemat(place / f"cls/{name}.mat", {"GTcls": content}, do_compression=True)
        expected[name] = labels
    text(place / "train.txt", "2008_000002", "2008_000003", "2008_000007")
    text(place / "val.txt", "2008_000009")
    return expected


def loveda(root):
    """Train and Val, each of Urban and Rural; Test has pictures alone."""
    expected = {}
    for seed, place in enumerate(("Train/Urban/1366", "Train/Rural/0", "Val/Urban/3514", "Test/Rural/4191")):
        folder, name = place.rsplit("/", 1)
        save(root / f"{folder}/images_png/{name}.png", photo(seed))
        if not place.startswith("Test"):
            labels = blocks(range(8), seed)
            save(root / f"{folder}/masks_png/{name}.png", labels)
            expected[place.replace("/", "__")] = becomes(labels, {0: 255} | {n: n - 1 for n in range(1, 8)})
    return expected


def bdd100k(root):
    """images/10k and labels/sem_seg/masks; colormaps beside the masks are for the eye."""
    expected = {}
    for seed, (name, split) in enumerate(
        {"0004a4c0-d4dff0ad": "train", "0016a6ae-5c4c1f00": "train", "7d06fefd-f7be05a6": "val"}.items()
    ):
        labels = blocks([*range(19), 255], seed)
        save(root / f"images/10k/{split}/{name}.jpg", photo(seed))
        save(root / f"labels/sem_seg/masks/{split}/{name}.png", labels)
        save(root / f"labels/sem_seg/colormaps/{split}/{name}.png", photo(seed))
        expected[name] = labels.astype(np.uint8)
    return expected


KITTI = ("000000_10", "000001_10", "000002_10", "000003_10")


def kitti(root):
    """Pictures, label ids, ids and objects in 16 bits, and a drawing for the eye; testing has pictures alone."""
    expected = {}
    classes = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
    numbers = {number: classes.index(number) if number in classes else 255 for number in range(34)}
    for seed, name in enumerate(KITTI):
        labels = blocks(range(34), seed)
        save(root / f"training/image_2/{name}.png", photo(seed))
        save(root / f"training/semantic/{name}.png", labels)
        objects = (labels * 256 + labels % 3).astype(np.uint16)
        save(root / f"training/instance/{name}.png", Image.fromarray(objects))
        save(root / f"training/semantic_rgb/{name}.png", photo(seed))
        expected[name] = becomes(labels, numbers)
    save(root / "testing/image_2/000000_10.png", photo(9))
    return expected


VISTAS = ("Bird", "Ground Animal", "Curb", "Ego Vehicle", "Unlabeled")


def mapillary(root):
    """Labels of version 1.2 as palette PNGs; the last label is not evaluated."""
    labels = [
        {"name": name.lower(), "readable": name, "evaluate": name != "Unlabeled", "color": [1, 2, 3]} for name in VISTAS
    ]
    text(root / "config_v1.2.json", json.dumps({"version": "1.2", "labels": labels}))
    expected = {}
    for seed, split in enumerate(("training", "training", "validation")):
        numbers = blocks(range(5), seed)
        image = Image.fromarray(numbers.astype(np.uint8))
        image.putpalette(list(range(200, 0, -1)) * 3)
        save(root / f"{split}/images/_{seed}Ab.jpg", photo(seed))
        save(root / f"{split}/v1.2/labels/_{seed}Ab.png", image, bits=8)
        save(root / f"{split}/v1.2/instances/_{seed}Ab.png", Image.fromarray((numbers * 256).astype(np.uint16)))
        expected[f"_{seed}Ab"] = becomes(numbers, {0: 0, 1: 1, 2: 2, 3: 3, 4: 255})
    return expected


def cocostuff(root):
    """images/train2017 and annotations/train2017; COCO's own annotations are JSON."""
    expected = {}
    for seed, (name, split) in enumerate(
        {"000000000009": "train", "000000000025": "train", "000000000139": "val"}.items()
    ):
        labels = blocks((0, 90, 91, 156, 181, 255), seed)
        save(root / f"images/{split}2017/{name}.jpg", photo(seed))
        save(root / f"annotations/{split}2017/{name}.png", labels)
        expected[name] = labels.astype(np.uint8)
    text(root / "annotations/instances_val2017.json", "{}")
    return expected


PUBLIC_SETS = {
    "pets": pets,
    "camvid": camvid,
    "camvid_kaggle": camvid_kaggle,
    "fastai": camvid_fastai,
    "segnet": segnet,
    "cityscapes": cityscapes,
    "cityscapes_train_ids": cityscapes_train_ids,
    "ade20k": ade20k,
    "drive": drive,
    "sbd": sbd,
    "loveda": loveda,
    "bdd100k": bdd100k,
    "kitti": kitti,
    "mapillary": mapillary,
    "cocostuff": cocostuff,
}
