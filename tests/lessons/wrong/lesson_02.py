"""Wrong answers to the exercises of lesson 02, each with words of the hint that it must be given."""

import numpy as np


def turned(x):
    return x.swapaxes(1, 2)


def summed(x, grad):
    return (turned(x) @ grad).sum(axis=0)


def swapped(grad, x, w):
    return summed(x, grad), grad @ w.T


def w_not_transposed(grad, x, w):
    return grad @ w, summed(x, grad)


def x_not_transposed(grad, x, w):
    return grad @ w.T, (x @ grad).sum(axis=0)


def all_axes_turned(grad, x, w):
    return grad @ w.T, (x.T @ grad).sum(axis=0)


def transposed_at_the_end(grad, x, w):
    return grad @ w.T, summed(grad, x)


def without_grad(grad, x, w):
    return np.ones_like(grad) @ w.T, summed(x, np.ones_like(grad))


def not_added_up(grad, x, w):
    return grad @ w.T, turned(x) @ grad


def mean_over_stack(grad, x, w):
    return grad @ w.T, summed(x, grad) / len(x)


def last_one_wins(grad, x, w):
    for i in range(len(x)):
        grad_w = x[i].T @ grad[i]
    return grad @ w.T, grad_w


def one_of_them(grad, x, w):
    return grad @ w.T


def sign_turned(grad, x, w):
    return -(grad @ w.T), summed(x, grad)


def into_grad(grad, x, w):
    grad *= 2
    return grad @ w.T / 2, summed(x, grad) / 2


def as_it_is(grad, shape):
    return grad


def leading_only(grad, shape):
    return grad.sum(axis=tuple(range(grad.ndim - len(shape))))


def axes_lost(grad, shape):
    grad = grad.sum(axis=tuple(range(grad.ndim - len(shape))))
    return grad.sum(axis=tuple(axis for axis, length in enumerate(shape) if length == 1))


def ones_only(grad, shape):
    shape = (1,) * (grad.ndim - len(shape)) + shape
    return grad.sum(axis=tuple(axis for axis, length in enumerate(shape) if length == 1), keepdims=True)


def averaged(grad, shape):
    grad = grad.mean(axis=tuple(range(grad.ndim - len(shape))))
    return grad.mean(axis=tuple(axis for axis, length in enumerate(shape) if length == 1), keepdims=True)


def first_use(grad, shape):
    grad = grad[(0,) * (grad.ndim - len(shape))]
    for axis, length in enumerate(shape):
        grad = grad.take(range(length), axis) if length == 1 else grad
    return grad


def first_axis(grad, shape):
    return grad.sum(axis=0).reshape(shape)


def everything(grad, shape):
    return np.full(shape, grad.sum())


def depth_first(result, sources):
    order, to_look_at, met = [], [result], {result}
    while to_look_at:
        node = to_look_at.pop()
        order.append(node)
        for source in sources(node):
            if source not in met:
                met.add(source)
                to_look_at.append(source)
    return order


def breadth_first(result, sources):
    order = [result]
    for node in order:
        for source in sources(node):
            if source not in order[-3000:]:
                order.append(source)
    return order


def every_path(result, sources):
    order, to_look_at = [], [result]
    while to_look_at:
        node = to_look_at.pop()
        if node in order:
            order.remove(node)  # the last visit counts
        order.append(node)
        to_look_at += sources(node)
    return order


def by_recursion(result, sources):
    done, met = [], set()

    def visit(node):
        if node not in met:
            met.add(node)
            for source in sources(node):
                visit(source)
            done.append(node)

    visit(result)
    return done[::-1]


def turned_round(result, sources):
    return by_recursion(result, sources)[::-1]


def with_repeats(result, sources):
    order, to_look_at = [], [result]
    while to_look_at:
        order.append(to_look_at.pop())
        to_look_at += sources(order[-1])
    return order


def without_leaves(result, sources):
    return [node for node in by_recursion(result, sources) if sources(node)]


def last_axes(grad, shape):
    grad = grad.sum(axis=tuple(range(len(shape), grad.ndim)))
    return grad.sum(axis=tuple(a for a, n in enumerate(shape) if n == 1), keepdims=True)


def what_was_not_stretched(grad, shape):
    grad = grad.sum(axis=tuple(range(grad.ndim - len(shape))))
    return grad.sum(axis=tuple(a for a, n in enumerate(shape) if n != 1), keepdims=True)


def visits(result, sources, up=list, down=list):
    """The right way, but for how the sources are counted up and down."""
    uses, to_look_at = {result: 0}, [result]
    while to_look_at:
        for source in up(sources(to_look_at.pop())):
            if source not in uses:
                uses[source] = 0
                to_look_at.append(source)
            uses[source] += 1
    order, complete = [], [result]
    while complete:
        node = complete.pop()
        order.append(node)
        for source in down(sources(node)):
            uses[source] -= 1
            if uses[source] == 0:
                complete.append(source)
    return order


def counted_up_once(result, sources):
    return visits(result, sources, up=set)


def counted_down_once(result, sources):
    return visits(result, sources, down=set)


def without_the_result(result, sources):
    return visits(result, sources)[1:]


WRONG = [
    ("matmul_backward", swapped, "the other way round"),
    ("matmul_backward", w_not_transposed, "w is not transposed"),
    ("matmul_backward", x_not_transposed, "x is not transposed"),
    ("matmul_backward", all_axes_turned, "turns round all three axes"),
    ("matmul_backward", transposed_at_the_end, "that is the transpose of it"),
    ("matmul_backward", without_grad, "you do not use the incoming gradient"),
    ("matmul_backward", not_added_up, "add up the s gradients"),
    ("matmul_backward", mean_over_stack, "you take the mean over the stack"),
    ("matmul_backward", last_one_wins, "the last matrix alone"),
    ("matmul_backward", one_of_them, "expected a pair"),
    ("matmul_backward", sign_turned, "sign turned round"),
    ("matmul_backward", into_grad, "you changed grad"),
    ("sum_to_shape", as_it_is, "leading axes that the input does not have"),
    ("sum_to_shape", leading_only, "axes where the input has length 1 are summed as well"),
    ("sum_to_shape", axes_lost, "keepdims=True"),
    ("sum_to_shape", ones_only, "leading axes that the input does not have"),
    ("sum_to_shape", averaged, "that is the mean"),
    ("sum_to_shape", first_use, "one use alone"),
    ("sum_to_shape", first_axis, "was stretched to"),
    ("sum_to_shape", everything, "you add up everything"),
    ("order_of_visits", depth_first, "its gradient is not complete then"),
    ("order_of_visits", breadth_first, "its gradient is not complete then"),
    ("order_of_visits", every_path, "you walk every path"),
    ("order_of_visits", by_recursion, "recursion ends"),
    ("order_of_visits", turned_round, "turn the list round"),
    ("order_of_visits", with_repeats, "more than once"),
    ("order_of_visits", without_leaves, "missing"),
    ("sum_to_shape", last_axes, "are the leading axes, not the last ones"),
    ("sum_to_shape", what_was_not_stretched, "you sum an axis that was not stretched"),
    ("order_of_visits", counted_up_once, "its gradient is not complete then"),
    ("order_of_visits", counted_down_once, "count uses up and down alike"),
    ("order_of_visits", without_the_result, "the result itself is missing"),
]
