// Softmax cross-entropy, a thread a pixel: scores (N, classes, P) are read once for the maximum and once for the sum, and the softmax is written.

extern "C" __global__ void losses(const T* __restrict__ scores, const long long* __restrict__ labels, const bool* __restrict__ valid, T* __restrict__ loss,
                                  T* __restrict__ softmax, Index classes, Index pixels, Index sn, Index sc, Index sp, Index count) {
    EACH(e) {
        Index n = e / pixels, p = e % pixels;
        const T* s = scores + n * sn + p * sp;
        T* q = softmax + n * classes * pixels + p;
        T largest = s[0];
        for (Index c = 1; c < classes; c++) { T v = s[c * sc]; if (v > largest || v != v) largest = v; }
        T sum = 0;
        for (Index c = 0; c < classes; c++) { T v = exp(s[c * sc] - largest); q[c * pixels] = v; sum += v; }
        for (Index c = 0; c < classes; c++) q[c * pixels] /= sum;
        loss[e] = valid[e] ? log(sum) - (s[labels[e] * sc] - largest) : T(0);
    }
}

// d loss / d scores = factor · (softmax - one hot), 0 where the pixel does not count, whatever its scores were: (N, classes, P). `factor` by its strides, which
// are 0 where it is one number for all.
extern "C" __global__ void gradient(const T* __restrict__ softmax, const long long* __restrict__ labels, const bool* __restrict__ valid,
                                    const T* __restrict__ factor, T* __restrict__ scores, Index classes, Index pixels, Index fn, Index fp, Index count) {
    EACH(e) {
        Index p = e % pixels, c = e / pixels % classes, n = e / pixels / classes, pixel = n * pixels + p;
        scores[e] = valid[pixel] ? (softmax[e] - T(labels[pixel] == c)) * factor[n * fn + p * fp] : T(0);
    }
}
