// The sum over pixels of rows (pixels, O), in float64: a block takes WIDE channels of `many` pixels, each of its threads every DEPTH-th of these pixels, and then
// one thread a channel adds up what they found. Many pixels are summed in two such steps. The order of additions depends on the shape alone, so results repeat.
#define WIDE 32
#define DEPTH 8

// sums (parts, O) of rows (pixels, O), `many` pixels a part
template <class From, class To> __device__ void sums(const From* __restrict__ rows, To* __restrict__ found, Index o, Index pixels, Index many, Index parts) {
    __shared__ double seen[DEPTH][WIDE];
    Index groups = (o + WIDE - 1) / WIDE, lane = threadIdx.x % WIDE, depth = threadIdx.x / WIDE;
    for (Index block = blockIdx.x; block < groups * parts; block += gridDim.x) {
        Index channel = block % groups * WIDE + lane, part = block / groups, last = min((part + 1) * many, pixels);
        double sum = 0;
        if (channel < o)
            for (Index p = part * many + depth; p < last; p += DEPTH) sum += rows[p * o + channel];
        seen[depth][lane] = sum;
        __syncthreads();
        if (depth == 0 && channel < o) {
            for (int d = 1; d < DEPTH; d++) sum += seen[d][lane];
            found[part * o + channel] = To(sum);
        }
        __syncthreads();
    }
}

extern "C" __global__ void all_sums(const T* __restrict__ rows, T* __restrict__ found, Index o, Index pixels, Index count) {
    sums(rows, found, o, pixels, pixels, count);
}

extern "C" __global__ void part_sums(const T* __restrict__ rows, double* __restrict__ found, Index o, Index pixels, Index many, Index count) {
    sums(rows, found, o, pixels, many, count);
}

extern "C" __global__ void whole_sums(const double* __restrict__ rows, T* __restrict__ found, Index o, Index pixels, Index count) {
    sums(rows, found, o, pixels, pixels, count);
}
