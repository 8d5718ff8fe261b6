// Elementwise, in the order in which the numbers lie.

// grad where the result y of a ReLU is above 0, else 0
extern "C" __global__ void relu_gradient(const T* __restrict__ y, const T* __restrict__ grad, T* __restrict__ result, Index count) {
    EACH(e) result[e] = y[e] > T(0) ? grad[e] : T(0);
}
