"""Which format a file is in, by what it begins with and never by its name alone; then its reader."""

import os
from collections.abc import Callable
from pathlib import Path

from minifcn.weights.formats.caffe import read_caffe
from minifcn.weights.formats.contents import Contents, DamagedError, Entry, one_line
from minifcn.weights.formats.hdf5.reading import read_hdf5
from minifcn.weights.formats.mapped import mapped
from minifcn.weights.formats.npz import read_npz
from minifcn.weights.formats.onnx.reading import read_onnx
from minifcn.weights.formats.torch_old import BEGINS, read_torch_old
from minifcn.weights.formats.torch_zip import read_torch_zip
from minifcn.weights.formats.zipped import Zipped
from minifcn.weights.state import WeightsError, load_arrays

# what is no weights file though it is called one: the first bytes, and what happened
NONE = {
    b"<": "a web page and no weights: the download went wrong; open the address in a browser",
    b"version https://git-lfs": "a pointer of Git LFS and no weights: fetch the file itself with git lfs pull",
    b"\x1f\x8b": "a file packed with gzip; unpack it first",
    b"{": "a text in JSON and no weights: where it lists the files of a network in several parts, those hold them, and a whole file is read",
    b"BZh": "a file packed with bzip2; unpack it first",
    b"7z\xbc\xaf": "a 7z archive; unpack it first",
    b"GIF8": "a picture",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"%PDF": "a PDF file",
    b"\x12\x01"
    + 6
    * b"\0": "an MXNet file of parameters, which is not read: in MXNet or Gluon, save the arrays with numpy.savez, or export to ONNX",
    b"\x93NUMPY": "a single array of NumPy's (.npy), or a dict of Python's in one; save the arrays by name, with numpy.savez",
    b"GGUF": "a GGUF file, of language models; save the weights as safetensors",
    b"MATLAB 5.0 MAT": "a MATLAB file (.mat), as MatConvNet has them, which is not read: with scipy.io.loadmat and numpy.savez, make a .npz of it",
    b"MATLAB 7.3 MAT": "a MATLAB file (.mat, 7.3), which is not read: with h5py and numpy.savez, make a .npz of it",
    b"7767517\n": "ncnn's text of a network, and no weights",
}
# the same of marks that stand further in
INSIDE = {
    4: (b"TFL3", "a TensorFlow Lite file, which is not read; import the network that it was made of"),
    257: (b"ustar", "a tar archive: PyTorch's format of before 2017, or packed files; unpack it, or save it again with a newer PyTorch"),
    -8: (bytes.fromhex("57fb808b247547db"), "the list of a TensorFlow checkpoint, which is not read: with tf.train.load_checkpoint and numpy.savez, make a .npz of it"),
}  # fmt: skip
HDF5 = b"\x89HDF\r\n\x1a\n"
KERAS = "model.weights.h5"  # in a .keras file
EXPECTED = "safetensors, PyTorch's .pth, Caffe's .caffemodel, ONNX, NumPy's .npz or Keras's .h5 or .keras"


def read_file(path: str | os.PathLike[str]) -> Contents:
    """All arrays of a weights file, mostly as views of it. Raises WeightsError, in one sentence that begins with the file."""
    path = Path(path)
    content = mapped(path)
    try:
        return reader_of(content, path)()
    except DamagedError as error:
        raise WeightsError(f"{path}: {one_line(str(error))}") from error


def reader_of(content: memoryview, path: Path) -> Callable[[], Contents]:
    """What reads this file. Raises DamagedError where nothing does."""
    begins = bytes(content[:64])
    if begins[4:9] == b"\0\0\0\0{":  # first: the length before it can look like any mark
        return lambda: read_safetensors(path)
    for start, what in NONE.items():
        if begins.lstrip().startswith(start) if start == b"<" else begins.startswith(start):
            raise DamagedError(what)
    if begins.startswith(b"PK"):
        return zip_reader(Zipped(content))
    if BEGINS in begins[2:24]:  # from protocol 4 on the length of a frame stands before
        return lambda: read_torch_old(content)
    if begins[:1] == b"\x80" and begins[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        raise DamagedError(
            "a bare pickle, which can hold anything and is not read; save tensors with torch.save or as safetensors"
        )
    if begins.startswith(HDF5):
        return lambda: read_hdf5(content)
    for place, (mark, what) in INSIDE.items():
        if bytes(content[place:][: len(mark)]) == mark:
            raise DamagedError(what)
    return message_reader(content, path)


def zip_reader(archive: Zipped) -> Callable[[], Contents]:
    names = archive.members
    if not names:
        raise DamagedError("a zip file with nothing in it")
    if any(name.endswith("data.pkl") for name in names):
        return lambda: read_torch_zip(archive)
    if any(name.endswith("archive_format") for name in names):
        raise DamagedError(
            "a program of torch.export; save the weights alone: in PyTorch, torch.save(model.state_dict(), file)"
        )
    if KERAS in names:
        return lambda: read_hdf5(archive.read(KERAS))
    if all(name.endswith(".npy") for name in names):
        return lambda: read_npz(archive)
    raise DamagedError(f"a zip file, but with {next(iter(names))[:60]!r} in it; expected {EXPECTED}")


def message_reader(content: memoryview, path: Path) -> Callable[[], Contents]:
    """Caffe and ONNX have no mark at the beginning. ONNX begins with its version, a number; Caffe with the network's name or a layer."""
    if content[0] == 0x08:
        return lambda: read_onnx(content, path.parent)
    if content[0] in (0x0A, 0x12, 0x1A) or bytes(content[:2]) == b"\xa2\x06":
        return lambda: read_caffe(content)
    if is_text(bytes(content[:64])):
        raise DamagedError(
            f"a text and no weights; where it describes a network, its numbers are in another file: {EXPECTED}"
        )
    raise DamagedError(f"none of the formats that are read: {EXPECTED}")


def is_text(begins: bytes) -> bool:
    return (
        begins.decode("ascii", "replace").replace("\n", "").replace("\r", "").replace("\t", "").isprintable()
        and begins.isascii()
    )


def read_safetensors(path: Path) -> Contents:
    """safetensors: bfloat16 comes as float32, and what NumPy lacks is refused by name."""
    contents = Contents("safetensors")
    try:
        arrays, header = load_arrays(path)
    except WeightsError as error:  # it begins with the path already
        raise WeightsError(f"{path}{one_line(str(error).removeprefix(str(path)))}") from error
    for name, array in arrays.items():
        contents.add(name, Entry(array, array.dtype.name))
    contents.header = header if isinstance(header, dict) else {}
    return contents
