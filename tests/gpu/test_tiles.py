"""How much of a convolution is done at a time, on pretended GPUs: small ones are kept busy, and large ones work within their cache."""

from types import SimpleNamespace

import pytest

from minifcn.kernels.gpu import tiles, winograd

# second cache in MB, multiprocessors
GPUS = {"RTX 3060": (3, 28), "RTX 3090": (6, 82), "RTX 4090": (72, 128), "A100": (40, 108), "H200": (60, 132)}
# of VGG16 at 512x512: side of the map, channels in, out
LAYERS = {"conv1_2": (512, 64, 64), "conv3_2": (128, 256, 256), "conv4_2": (64, 512, 512), "conv5_2": (32, 512, 512)}


@pytest.fixture(params=GPUS)
def card(request, monkeypatch):
    megabytes, processors = GPUS[request.param]
    runtime = SimpleNamespace(
        getDeviceProperties=lambda device: {"l2CacheSize": megabytes << 20, "multiProcessorCount": processors}
    )
    cupy = SimpleNamespace(cuda=SimpleNamespace(runtime=runtime, Device=lambda: SimpleNamespace(id=0)))
    monkeypatch.setattr(tiles, "import_cupy", lambda: cupy)
    tiles.properties.cache_clear()
    yield SimpleNamespace(cache=megabytes << 20, processors=processors)
    tiles.properties.cache_clear()


def waves(rows, columns, stacked, card):
    """How often a product of this shape fills the GPU with blocks of 128x128."""
    return stacked * -(-rows // 128) * -(-columns // 128) / card.processors


@pytest.mark.parametrize("pictures", [1, 4])
@pytest.mark.parametrize("layer", LAYERS)
def test_a_tile_of_windows_keeps_the_gpu_busy(layer, pictures, card):
    side, channels, outputs = LAYERS[layer]
    bytes_a_window = channels * 9 * 4
    parts = tiles.tiles(pictures, (side, side), tiles.rows_at_a_time(bytes_a_window, outputs))
    covered = [window for first, count in parts for window in (first, first + count)]
    assert covered[0] == 0 and covered[-1] == pictures * side * side
    assert covered[1:-1:2] == covered[2::2]  # each begins where the one before ends
    assert all(count % side == 0 for _, count in parts)  # rows of windows
    counts = [count for _, count in parts]
    if max(counts) < side * side:
        assert max(counts) - min(counts) <= side  # even, to a row
    else:
        assert max(counts) - min(counts) <= side * side  # or to a picture
    # to be even may halve a tile, but for which there would be one too many; rows of windows are whole
    if len(parts) > 1:
        assert (
            waves(min(counts) + side, outputs, 1, card) >= 1
            or (min(counts) + side) * bytes_a_window > tiles.MOST_BYTES // 2
        )
        assert max(counts) * bytes_a_window <= max(card.cache // 2, tiles.MOST_BYTES)


@pytest.mark.parametrize("layer", LAYERS)
def test_a_block_of_winograd_s_keeps_the_gpu_busy(layer, card):
    side, channels, outputs = LAYERS[layer]
    parts = winograd.blocks((side // 4) ** 2, channels, outputs, 4)
    assert sum(count for _, count in parts) == (side // 4) ** 2
    counts = [count for _, count in parts]
    assert max(counts) - min(counts) <= 1
    if len(parts) > 1:
        assert waves(min(counts), outputs, 36, card) >= 1
    # the cache holds what is transformed, or the small GPU's is too small for two waves
    bytes_of_block = max(counts) * 36 * (channels + outputs) * 4
    most = 2 * card.processors * 128 * 128 / max(outputs, 128) / 36 + 1
    assert bytes_of_block <= card.cache / 2 or max(counts) <= most


def test_a_small_gpu_is_not_asked_a_hundred_times(monkeypatch):
    """By its cache alone, an RTX 3060's conv1_2 at 512x512 would be 203 blocks of three launches each."""
    monkeypatch.setattr(
        tiles, "import_cupy", lambda: SimpleNamespace(cuda=SimpleNamespace(Device=lambda: SimpleNamespace(id=0)))
    )
    monkeypatch.setattr(tiles, "cache_bytes", lambda device: 3 << 20)
    monkeypatch.setattr(tiles, "processors", lambda device: 0)
    assert len(winograd.blocks(128 * 128, 64, 64, 4)) > 190
    monkeypatch.setattr(tiles, "processors", lambda device: 28)
    assert len(winograd.blocks(128 * 128, 64, 64, 4)) < 90


@pytest.mark.parametrize("length, most", [(0, 5), (1, 5), (5, 5), (6, 5), (11, 5), (100, 7), (3, 1)])
def test_parts_are_even_and_as_few_as_can_be(length, most):
    parts = tiles.even(length, most)
    assert sum(count for _, count in parts) == length and len(parts) == -(-length // most)
    assert all(0 < count <= most for _, count in parts)
    assert [first for first, _ in parts] == [sum(count for _, count in parts[:k]) for k in range(len(parts))]
