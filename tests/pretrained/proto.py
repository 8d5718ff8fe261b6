"""Messages of Protocol Buffers, written from field numbers: what a test of a reader builds its files from. Knows nothing of the readers."""

import struct

import numpy as np


def varint(value):
    value &= (1 << 64) - 1  # a negative number is written with 64 bits
    found = bytearray()
    while True:
        found.append(value & 127 | (128 if value > 127 else 0))
        value >>= 7
        if not value:
            return bytes(found)


def whole(number, value):
    return varint(number << 3) + varint(value)


def block(number, content):
    content = content.encode() if isinstance(content, str) else bytes(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def float32(number, value):
    return varint(number << 3 | 5) + struct.pack("<f", value)


def packed_floats(number, values, dtype="<f4"):
    return block(number, np.ascontiguousarray(values, dtype).tobytes())


def loose_floats(number, values, dtype="<f4"):
    """A repeated field as it was written before fields were packed: the tag before every number."""
    kind = 5 if np.dtype(dtype).itemsize == 4 else 1
    tag = varint(number << 3 | kind)
    return b"".join(tag + np.asarray(value, dtype).tobytes() for value in np.ravel(values))


# Caffe, caffe.proto


def blob(array, shape="new", packed=True, double=False):
    """BlobProto: shape 7 with dim 1, or num, channels, height, width 1 to 4; data 5, double_data 8."""
    sides = np.shape(array)
    if shape == "new":
        head = block(7, block(1, b"".join(map(varint, sides))))
    else:
        four = (1, 1, 1, 1, *sides)[-4:]
        head = b"".join(whole(number, side) for number, side in enumerate(four, 1))
    write = packed_floats if packed else loose_floats
    return head + (write(8, array, "<f8") if double else write(5, array))


def layer(name, kind, blobs=(), bottom="x", top="y"):
    """LayerParameter: name 1, type 2, bottom 3, top 4, blobs 7, in `layer` 100."""
    content = block(1, name) + block(2, kind) + block(3, bottom) + block(4, top)
    return block(100, content + b"".join(block(7, each) for each in blobs))


def old_layer(name, kind, blobs=(), bottom="x", top="y"):
    """V1LayerParameter: bottom 2, top 3, name 4, type 5 (a number), blobs 6, in `layers` 2."""
    content = block(2, bottom) + block(3, top) + block(4, name) + whole(5, kind)
    return block(2, content + b"".join(block(6, each) for each in blobs))


def oldest_layer(name, kind, blobs=()):
    """V0LayerParameter: name 1, type 2, blobs 50, in `layer` 1 of a V1LayerParameter."""
    content = block(1, name) + block(2, kind) + b"".join(block(50, each) for each in blobs)
    return block(2, block(1, content))


# ONNX, onnx.proto

KINDS = {"float32": 1, "int64": 7, "float16": 10, "float64": 11}


def tensor(name, array, raw=True):
    """TensorProto: dims 1, data_type 2, float_data 4, name 8, raw_data 9."""
    array = np.asarray(array)
    dims = b"".join(whole(1, side) for side in array.shape)
    data = block(9, np.ascontiguousarray(array).tobytes()) if raw else packed_floats(4, array)
    return dims + whole(2, KINDS[array.dtype.name]) + block(8, name) + data


def node(operation, inputs, outputs, **attributes):
    """NodeProto: input 1, output 2, name 3, op_type 4, attribute 5."""
    content = b"".join(block(1, name) for name in inputs) + b"".join(block(2, name) for name in outputs)
    content += block(3, f"{operation}_{outputs[0]}") + block(4, operation)
    for name, value in attributes.items():
        if isinstance(value, float):
            content += block(5, block(1, name) + float32(2, value) + whole(20, 1))
        elif isinstance(value, int):
            content += block(5, block(1, name) + whole(3, value) + whole(20, 2))
        elif isinstance(value, str):
            content += block(5, block(1, name) + block(4, value) + whole(20, 3))
        elif isinstance(value, bytes):  # a TensorProto
            content += block(5, block(1, name) + block(5, value) + whole(20, 4))
        elif all(isinstance(each, float) for each in value):
            content += block(5, block(1, name) + b"".join(float32(7, each) for each in value) + whole(20, 6))
        else:
            content += block(5, block(1, name) + b"".join(whole(8, each) for each in value) + whole(20, 7))
    return content


def model(nodes, tensors):
    """ModelProto: ir_version 1, producer 2, graph 7; GraphProto: node 1, name 2, initializer 5."""
    graph = b"".join(block(1, each) for each in nodes) + block(2, "g") + b"".join(block(5, each) for each in tensors)
    return whole(1, 8) + block(2, "a test") + block(7, graph)
