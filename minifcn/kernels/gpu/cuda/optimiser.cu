// One step: every number is read once and written once, where the formula written with arrays goes over the memory ten times.
// `row`: what the step multiplies by, on the device, so that a captured step finds today's numbers there. Nothing moves where `only_if` is false.

// v = momentum v + g;  data -= row[0] v
__device__ void sgd_moves(T* data, const T* gradient, T* velocity, const T* row, T decay, T momentum, long long e) {
    T g = gradient[e] + decay * data[e];
    if (velocity) {
        g += momentum * velocity[e];
        velocity[e] = g;
    }
    data[e] -= row[0] * g;
}

// Both means move; data -= row[0] mean / (sqrt(square / row[1]) + eps)
__device__ void adam_moves(T* data, const T* gradient, T* mean, T* square, const T* row, T decay, T first, T second, T eps, long long e) {
    T g = gradient[e] + decay * data[e];
    T m = first * mean[e] + (1 - first) * g, s = second * square[e] + (1 - second) * g * g;
    mean[e] = m;
    square[e] = s;
    data[e] -= row[0] * m / (sqrt(s / row[1]) + eps);
}

// One parameter, whose addresses are noted with the launch: for a captured step
extern "C" __global__ void sgd(T* __restrict__ data, const T* __restrict__ gradient, T* velocity, const T* __restrict__ row, const bool* __restrict__ only_if,
                               T decay, T momentum, Index count) {
    if (!*only_if) return;
    EACH(e) sgd_moves(data, gradient, velocity, row, decay, momentum, e);
}

extern "C" __global__ void adam(T* __restrict__ data, const T* __restrict__ gradient, T* __restrict__ mean, T* __restrict__ square, const T* __restrict__ row,
                                const bool* __restrict__ only_if, T decay, T first, T second, T eps, Index count) {
    if (!*only_if) return;
    EACH(e) adam_moves(data, gradient, mean, square, row, decay, first, second, eps, e);
}

// All parameters in one launch. `table`: an entry a parameter; a block takes CHUNK numbers of one, and `block` counts the blocks of those before it.
#define CHUNK 4096
struct Parameter { T* data; const T* gradient; T* first; T* second; long long size, block; double decay; };

// The last entry that begins at this block or before it. One without blocks is passed over: the next begins there too.
__device__ int entry(const Parameter* table, int entries, long long block) {
    int low = 0, high = entries;
    while (high - low > 1) {
        int middle = (low + high) / 2;
        if (table[middle].block <= block) low = middle; else high = middle;
    }
    return low;
}

extern "C" __global__ void sgd_all(const Parameter* __restrict__ table, const T* __restrict__ rows, const bool* __restrict__ only_if, T momentum, Index blocks,
                                   Index count) {
    if (!*only_if) return;
    for (Index block = blockIdx.x; block < blocks; block += gridDim.x) {
        int number = entry(table, count, block);
        Parameter p = table[number];
        long long start = (block - p.block) * CHUNK, end = min(start + CHUNK, p.size);
        for (long long e = start + threadIdx.x; e < end; e += blockDim.x) sgd_moves(p.data, p.gradient, p.first, rows + number, T(p.decay), momentum, e);
    }
}

extern "C" __global__ void adam_all(const Parameter* __restrict__ table, const T* __restrict__ rows, const bool* __restrict__ only_if, T first, T second, T eps,
                                    Index blocks, Index count) {
    if (!*only_if) return;
    for (Index block = blockIdx.x; block < blocks; block += gridDim.x) {
        int number = entry(table, count, block);
        Parameter p = table[number];
        long long start = (block - p.block) * CHUNK, end = min(start + CHUNK, p.size);
        for (long long e = start + threadIdx.x; e < end; e += blockDim.x)
            adam_moves(p.data, p.gradient, p.first, p.second, rows + 2 * number, T(p.decay), first, second, eps, e);
    }
}
