// Elementwise, in the order in which the numbers lie.

// grad where the result y of a ReLU is above 0, else 0
extern "C" __global__ void relu_gradient(const T* __restrict__ y, const T* __restrict__ grad, T* __restrict__ result, Index count) {
    EACH(e) result[e] = y[e] > T(0) ? grad[e] : T(0);
}

// The sum over pixels of rows (pixels, O), in two steps and in float64: a thread adds up `many` pixels of a channel, then a thread adds up the
// sums of a channel. Neighbouring threads take neighbouring channels. The order of additions is fixed, so results repeat.

extern "C" __global__ void part_sums(const T* __restrict__ rows, double* __restrict__ partial, Index o, Index pixels, Index many, Index count) {
    EACH(e) {
        Index channel = e % o, first = e / o * many, last = first + many < pixels ? first + many : pixels;
        double sum = 0;
        for (Index p = first; p < last; p++) sum += rows[p * o + channel];
        partial[e] = sum;
    }
}

extern "C" __global__ void whole_sums(const double* __restrict__ partial, T* __restrict__ sums, Index o, Index parts, Index count) {
    EACH(channel) {
        double sum = 0;
        for (Index p = 0; p < parts; p++) sum += partial[p * o + channel];
        sums[channel] = T(sum);
    }
}
