// One step of one parameter: every number is read once and written once, where the formula written with arrays goes over the memory ten times.
// `row`: what the step multiplies by, on the device, so that a captured step finds today's numbers there. Nothing moves where `only_if` is false.

// v = momentum v + g;  data -= row[0] v
extern "C" __global__ void sgd(T* __restrict__ data, const T* __restrict__ gradient, T* velocity, const T* __restrict__ row, const bool* __restrict__ only_if,
                               T decay, T momentum, Index count) {
    if (!*only_if) return;
    EACH(e) {
        T g = gradient[e] + decay * data[e];
        if (velocity) {
            g += momentum * velocity[e];
            velocity[e] = g;
        }
        data[e] -= row[0] * g;
    }
}

// Both means move; data -= row[0] mean / (sqrt(square / row[1]) + eps)
extern "C" __global__ void adam(T* __restrict__ data, const T* __restrict__ gradient, T* __restrict__ mean, T* __restrict__ square, const T* __restrict__ row,
                                const bool* __restrict__ only_if, T decay, T first, T second, T eps, Index count) {
    if (!*only_if) return;
    EACH(e) {
        T g = gradient[e] + decay * data[e];
        T m = first * mean[e] + (1 - first) * g, s = second * square[e] + (1 - second) * g * g;
        mean[e] = m;
        square[e] = s;
        data[e] -= row[0] * m / (sqrt(s / row[1]) + eps);
    }
}
