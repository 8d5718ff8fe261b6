// Winograd's F(4x4, 3x3), in steps between which cuBLAS multiplies: minifcn/kernels/cpu/winograd.py says why. A tile of 6x6 pixels gives 4x4 outputs.
//   MATRIX_B (6, 6), MATRIX_G (6, 3), MATRIX_A (4, 6): macros, numbers row by row.   Neighbouring threads take neighbouring channels.
// What a product needs on both sides is made in one launch: the first threads take one side, the others the other.
#define PICTURE(r, s) matrix[(r) * 6 + (s)]
#define KERNEL(r, s) matrix[(r) * 3 + (s)]
#define KERNEL_BACK(r, s) matrix[(s) * 3 + (r)]
#define OUTPUT(r, s) matrix[(r) * 6 + (s)]
#define OUTPUT_BACK(r, s) matrix[(s) * 6 + (r)]

// y (R, R) = P x P transposed, of x (S, S), where P reads `MATRIX`. All loops are unrolled, and a number of the matrix that is 0 or 1 costs nothing.
#define SANDWICH(MATRIX, P, R, S, x, y)                                                               \
    const T matrix[] = MATRIX;                                                                        \
    T half[(R) * (S)];                                                                                \
    for (int r = 0; r < (R); r++)                                                                     \
        for (int s = 0; s < (S); s++) {                                                               \
            T sum = 0;                                                                                \
            for (int k = 0; k < (S); k++)                                                             \
                if (P(r, k) != 0) sum += P(r, k) * x[k * (S) + s];                                    \
            half[r * (S) + s] = sum;                                                                  \
        }                                                                                             \
    for (int r = 0; r < (R); r++)                                                                     \
        for (int q = 0; q < (R); q++) {                                                               \
            T sum = 0;                                                                                \
            for (int k = 0; k < (S); k++)                                                             \
                if (P(q, k) != 0) sum += half[r * (S) + k] * P(q, k);                                 \
            y[r * (R) + q] = sum;                                                                     \
        }

#define TILE(e) Index c = e % channels, t = e / channels, tile = t + first, column = tile % across, row = tile / across % down, n = tile / across / down

// Number e of the tiles `first`, `first` + 1, … of x, transformed; places (36, tiles, channels), pixels outside are 0
__device__ void picture_place(const T* __restrict__ x, T* __restrict__ places, Index channels, Index height, Index width, Index top, Index left, Index down,
                              Index across, Index xn, Index xc, Index xh, Index xw, Index first, Index e, Index numbers) {
    TILE(e);
    T seen[36], found[36];
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 6; j++) {
            Index h = row * 4 - top + i, w = column * 4 - left + j;
            bool inside = h >= 0 && h < height && w >= 0 && w < width;
            seen[i * 6 + j] = inside ? x[n * xn + c * xc + h * xh + w * xw] : T(0);
        }
    SANDWICH(MATRIX_B, PICTURE, 6, 6, seen, found)
    for (int k = 0; k < 36; k++) places[k * numbers + e] = found[k];
}

// places (36, tiles, channels) of x, `pictures` numbers each, and kernels (36, C, O) of weight (O, C, 3, 3) by its strides: once a convolution
extern "C" __global__ void places(const T* __restrict__ x, T* __restrict__ places, Index channels, Index height, Index width, Index top, Index left, Index down,
                                  Index across, Index xn, Index xc, Index xh, Index xw, Index first, Index pictures, const T* __restrict__ weight,
                                  T* __restrict__ kernels, Index outputs, Index wo, Index wc, Index wh, Index ww, Index count) {
    EACH(e) {
        if (e < pictures) {
            picture_place(x, places, channels, height, width, top, left, down, across, xn, xc, xh, xw, first, e, pictures);
            continue;
        }
        Index number = e - pictures, o = number % outputs, c = number / outputs;
        T taps[9], found[36];
        for (int k = 0; k < 9; k++) taps[k] = weight[o * wo + c * wc + k / 3 * wh + k % 3 * ww];
        SANDWICH(MATRIX_G, KERNEL, 6, 3, taps, found)
        for (int k = 0; k < 36; k++) kernels[k * (count - pictures) + number] = found[k];
    }
}

// y (N, out_height, out_width, channels) from the products at the places, (36, tiles, channels), plus bias (channels) where there is one
extern "C" __global__ void outputs(const T* __restrict__ places, const T* __restrict__ bias, T* __restrict__ y, Index channels, Index out_height, Index out_width,
                                   Index down, Index across, Index first, Index count) {
    EACH(e) {
        TILE(e);
        T seen[36], found[16];
        for (int k = 0; k < 36; k++) seen[k] = places[k * count + e];
        SANDWICH(MATRIX_A, OUTPUT, 4, 6, seen, found)
        T more = bias ? bias[c] : T(0);
        for (int k = 0; k < 16; k++) {
            Index h = row * 4 + k / 4, w = column * 4 + k % 4;
            if (h < out_height && w < out_width) y[((n * out_height + h) * out_width + w) * channels + c] = found[k] + more;
        }
    }
}

// places as above, and gradients (36, tiles, outputs) by the way back of `outputs`, of an incoming gradient (N, outputs, out_height, out_width) by its strides
extern "C" __global__ void gradient_places(const T* __restrict__ x, T* __restrict__ places, Index channels, Index height, Index width, Index top, Index left,
                                           Index down, Index across, Index xn, Index xc, Index xh, Index xw, Index first, Index pictures,
                                           const T* __restrict__ grad, T* __restrict__ gradients, Index outputs, Index out_height, Index out_width, Index gn,
                                           Index gc, Index gh, Index gw, Index count) {
    EACH(e) {
        if (e < pictures) {
            picture_place(x, places, channels, height, width, top, left, down, across, xn, xc, xh, xw, first, e, pictures);
            continue;
        }
        Index number = e - pictures, channels = outputs;
        TILE(number);
        T seen[16], found[36];
        for (int k = 0; k < 16; k++) {
            Index h = row * 4 + k / 4, w = column * 4 + k % 4;
            seen[k] = h < out_height && w < out_width ? grad[n * gn + c * gc + h * gh + w * gw] : T(0);
        }
        SANDWICH(MATRIX_A, OUTPUT_BACK, 6, 4, seen, found)
        for (int k = 0; k < 36; k++) gradients[k * (count - pictures) + number] = found[k];
    }
}

// The way back of the kernels' places: weight (O, C, 3, 3) from places (36, C, O)
extern "C" __global__ void kernel_gradient(const T* __restrict__ places, T* __restrict__ weight, Index outputs, Index inputs, Index count) {
    EACH(e) {
        Index o = e % outputs, c = e / outputs;
        T seen[36], found[9];
        for (int k = 0; k < 36; k++) seen[k] = places[k * count + e];
        SANDWICH(MATRIX_G, KERNEL_BACK, 3, 6, seen, found)
        for (int k = 0; k < 9; k++) weight[(o * inputs + c) * 9 + k] = found[k];
    }
}
