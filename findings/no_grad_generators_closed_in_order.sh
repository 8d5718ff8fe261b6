#!/usr/bin/env bash
# PyTorch: two generators with `with no_grad(): yield`, closed in the order in which they began, leave gradients switched off for good.
#
# Guess, before it was run: scopes that are left in the order in which they were entered end in a wrong state, without a word. So it is: each puts back
# what it had found, the first one "on", and then the second one "off", for so it was inside the first. From there on no result records anything.
# Chainer 7.8.1 does the same. MyGrad 2.5.0 is right, and so is a generator that is decorated by @torch.no_grad().
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet torch==2.13.0 numpy==2.4.6 mygrad==2.5.0

cat > run.py <<'END'
import mygrad
import torch


def with_torch():
    with torch.no_grad():
        yield 1
        yield 2


@torch.no_grad()
def decorated():
    yield 1
    yield 2


def with_mygrad():
    with mygrad.no_autodiff:
        yield 1
        yield 2


def torch_records():
    return (torch.ones(1, requires_grad=True) * 2).requires_grad


def mygrad_records():
    return (mygrad.tensor([1.0]) * 2).creator is not None


print("torch", torch.__version__, "mygrad", mygrad.__version__)
found = {}
for make, records in ((with_torch, torch_records), (decorated, torch_records), (with_mygrad, mygrad_records)):
    first, second = make(), make()
    next(first)
    next(second)
    between = records()
    first.close()
    second.close()
    found[make.__name__] = (between, records())
    torch.set_grad_enabled(True)
print("records while they wait, and after both were closed:", found)
raise SystemExit(found != {"with_torch": (False, False), "decorated": (True, True), "with_mygrad": (False, True)})
END
venv/bin/python run.py
echo "as found: after torch.no_grad in two generators nothing records any more"
