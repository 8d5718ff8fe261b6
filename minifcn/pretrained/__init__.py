"""Networks that others trained: what their files call the layers, and the way from there to a network of ours."""

from minifcn.pretrained.importing import Import, backbone_of, import_file, load_pretrained, load_start

__all__ = ["Import", "backbone_of", "import_file", "load_pretrained", "load_start"]


def __dir__() -> list[str]:
    return sorted(__all__)
