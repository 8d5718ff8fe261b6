"""Wrong answers to the exercises of lesson 18, and words of the hint that each must get."""

import os

import numpy as np


def lost_of(confusion):
    lost = confusion.copy()
    np.fill_diagonal(lost, 0)
    return lost


def wrong_class(lost):
    return np.where(lost.max(1) > 0, lost.argmax(1), -1)


def taken_down_the_column(confusion):
    lost = lost_of(confusion).T
    return wrong_class(lost), lost.max(1) / np.maximum(confusion.sum(0), 1)


def taken_with_diagonal(confusion):
    return confusion.argmax(1), confusion.max(1) / np.maximum(confusion.sum(1), 1)


def taken_without_minus_one(confusion):
    lost = lost_of(confusion)
    return lost.argmax(1), lost.max(1) / np.maximum(confusion.sum(1), 1)


def taken_of_mistakes(confusion):
    lost = lost_of(confusion)
    return wrong_class(lost), lost.max(1) / np.maximum(lost.sum(1), 1)


def taken_of_all(confusion):
    lost = lost_of(confusion)
    return wrong_class(lost), lost.max(1) / confusion.sum()


def taken_of_predicted(confusion):
    lost = lost_of(confusion)
    return wrong_class(lost), lost.max(1) / np.maximum(confusion.sum(0), 1)


def taken_in_place(confusion):
    total = np.maximum(confusion.sum(1), 1)
    np.fill_diagonal(confusion, 0)
    return wrong_class(confusion), confusion.max(1) / total


def taken_nan(confusion):
    lost = lost_of(confusion)
    with np.errstate(all="ignore"):
        return wrong_class(lost), lost.max(1) / confusion.sum(1)


def write_straight(path, pieces):
    with open(path, "wb") as file:
        for piece in pieces:
            file.write(piece)
            file.flush()
    return path


def write_collected(path, pieces):
    path.write_bytes(b"".join(pieces))
    return path


def write_after_delete(path, pieces):
    path.unlink(missing_ok=True)
    draft = path.with_name("draft")
    try:
        draft.write_bytes(b"".join(pieces))
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    return path


def write_with_backup(path, pieces):
    backup = path.with_name("backup")
    if path.exists():
        os.replace(path, backup)
    path.write_bytes(b"".join(pieces))
    return path


def write_leaves_draft(path, pieces):
    draft = path.with_name("draft")
    with open(draft, "wb") as file:
        file.writelines(pieces)
    os.replace(draft, path)
    return path


def write_swallows(path, pieces):
    draft = path.with_name("draft")
    try:
        with open(draft, "wb") as file:
            file.writelines(pieces)
        os.replace(draft, path)
    except Exception:
        draft.unlink()
    return path


def order_of(seed, number, count):
    return np.random.default_rng([seed, number]).permutation(count)


def batch_by_choice(step, batch, count, seed):
    return np.random.default_rng([seed, step]).choice(count, batch)


def batch_drops_rest(step, batch, count, seed):
    a_pass = max(1, count // batch)
    order = np.resize(order_of(seed, step // a_pass, count), max(count, batch))
    start = step % a_pass * batch
    return order[start : start + batch]


def batch_same_order(step, batch, count, seed):
    turns = np.arange(step * batch, (step + 1) * batch)
    return order_of(seed, 0, count)[turns % count]


def batch_in_order(step, batch, count, seed):
    return np.arange(step * batch, (step + 1) * batch) % count


def batch_adds_seed(step, batch, count, seed):
    turns = np.arange(step * batch, (step + 1) * batch)
    return np.array([np.random.default_rng(seed + t // count).permutation(count)[t % count] for t in turns])


def batch_without_seed(step, batch, count, seed):
    turns = np.arange(step * batch, (step + 1) * batch)
    return np.array([order_of(0, t // count, count)[t % count] for t in turns])


class FromStream:
    def __init__(self):
        self.rng, self.rest = np.random.default_rng(0), []

    def __call__(self, step, batch, count, seed):
        if step == 0:
            self.rest = []
        while len(self.rest) < batch:
            self.rest += self.rng.permutation(count).tolist()
        now, self.rest = self.rest[:batch], self.rest[batch:]
        return np.array(now)


def batch_from_stream(step, batch, count, seed, remembered=FromStream()):  # noqa: B008 - that it remembers is the mistake
    return remembered(step, batch, count, seed)


def batch_global(step, batch, count, seed):
    return np.resize(np.random.permutation(count), batch)


def pieces_old_one_deleted_first(path, pieces):
    draft = path.with_name(path.name + ".part")
    try:
        with open(draft, "wb") as file:
            for piece in pieces:
                file.write(piece)
        path.unlink(missing_ok=True)
        draft.rename(path)
    finally:
        draft.unlink(missing_ok=True)
    return path


def pieces_gives_the_draft(path, pieces):
    draft = path.with_name(path.name + ".part")
    try:
        with open(draft, "wb") as file:
            for piece in pieces:
                file.write(piece)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    return draft


WRONG = [
    ("taken_for", taken_down_the_column, "read down a column"),
    ("taken_for", taken_with_diagonal, "leave the diagonal out"),
    ("taken_for", taken_without_minus_one, "-1"),
    ("taken_for", taken_of_mistakes, "divide by the class's mistakes"),
    ("taken_for", taken_of_all, "all pixels of the matrix"),
    ("taken_for", taken_of_predicted, "the column's sum"),
    ("taken_for", taken_in_place, "work on a copy"),
    ("taken_for", taken_nan, "NaN"),
    ("write_pieces", write_straight, "half of the new bytes"),
    ("write_pieces", write_collected, "Rename a finished draft"),
    ("write_pieces", write_after_delete, "finds nothing"),
    ("write_pieces", write_with_backup, "finds nothing"),
    ("write_pieces", write_leaves_draft, "try … finally"),
    ("write_pieces", write_swallows, "did not reach the caller"),
    ("batch_of", batch_by_choice, "twice"),
    ("batch_of", batch_drops_rest, "do not drop it"),
    ("batch_of", batch_same_order, "same order"),
    ("batch_of", batch_in_order, "order of the list"),
    ("batch_of", batch_adds_seed, "default_rng([seed, pass])"),
    ("batch_of", batch_without_seed, "use the seed"),
    ("batch_of", batch_from_stream, "something is remembered"),
    ("batch_of", batch_global, "something is remembered"),
    ("write_pieces", pieces_old_one_deleted_first, "before you rename the new one"),
    ("write_pieces", pieces_gives_the_draft, "return path when"),
]
