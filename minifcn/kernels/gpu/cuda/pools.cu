// Max and average pooling. KH KW kernel   SH SW stride   DH DW dilation: macros.   x is addressed by strides, results have the channels last.
// The ways back gather: each pixel looks at the windows that cover it, in the order of the taps, so that nothing is added by two threads at once.

#define OUTPUT(e) Index c = e % channels, ow = e / channels % out_width, oh = e / channels / out_width % out_height, n = e / channels / out_width / out_height
#define PIXEL(e) Index c = e % channels, w = e / channels % width, h = e / channels / width % height, n = e / channels / width / height

// The largest value of each window and the number of its tap. The first wins a tie, a NaN wins over all; outside is -inf, and never wins over a pixel.
extern "C" __global__ void largest(const T* __restrict__ x, T* __restrict__ best, int* __restrict__ place, Index channels, Index height, Index width,
                                   Index out_height, Index out_width, Index top, Index left, Index xn, Index xc, Index xh, Index xw, Index count) {
    EACH(e) {
        OUTPUT(e);
        Index h0 = oh * SH - top, w0 = ow * SW - left;
        Index first_i = h0 < 0 ? min((Index)(-h0 + DH - 1) / DH, (Index)(KH - 1)) : 0, first_j = w0 < 0 ? min((Index)(-w0 + DW - 1) / DW, (Index)(KW - 1)) : 0;
        int winner = first_i * KW + first_j;
        T value = -1 / T(0);  // -inf; NVIDIA's compiler knows no math.h
        for (int i = 0; i < KH; i++) {
            Index h = h0 + i * DH;
            if (h < 0 || h >= height) continue;
            for (int j = 0; j < KW; j++) {
                Index w = w0 + j * DW;
                if (w < 0 || w >= width) continue;
                T seen = x[n * xn + c * xc + h * xh + w * xw];
                if (seen > value || seen != seen) { value = seen; winner = i * KW + j; }
            }
        }
        best[e] = value;
        place[e] = winner;
    }
}

// grad and place (N, out_height, out_width, C) -> x (N, height, width, C): the pixel that won gets the window's gradient.
extern "C" __global__ void largest_gradient(const T* __restrict__ grad, const int* __restrict__ place, T* __restrict__ x, Index channels, Index height,
                                            Index width, Index out_height, Index out_width, Index top, Index left, Index count) {
    EACH(e) {
        PIXEL(e);
        T sum = 0;
        for (int i = 0; i < KH; i++) {
            Index a = h + top - i * DH;
            if (a < 0 || a % SH || a / SH >= out_height) continue;
            for (int j = 0; j < KW; j++) {
                Index b = w + left - j * DW;
                if (b < 0 || b % SW || b / SW >= out_width) continue;
                Index window = ((n * out_height + a / SH) * out_width + b / SW) * channels + c;
                if (place[window] == i * KW + j) sum += grad[window];
            }
        }
        x[e] = sum;
    }
}

// How many pixels the mean of one window divides by, along one axis: all that lie in the picture, and the padding (not what hangs over it) if it counts.
__device__ Index extent(Index start, Index kernel, Index length, Index after, Index counts) {
    Index end = min(start + kernel, length + (counts ? after : 0));
    return end - (counts ? start : max(start, (Index)0));
}

#define AREA(oh, ow) max(extent((oh) * SH - top, KH, height, bottom, counts) * extent((ow) * SW - left, KW, width, right, counts), (Index)1)

extern "C" __global__ void mean(const T* __restrict__ x, T* __restrict__ y, Index channels, Index height, Index width, Index out_height, Index out_width,
                                Index top, Index left, Index bottom, Index right, Index counts, Index xn, Index xc, Index xh, Index xw, Index count) {
    EACH(e) {
        OUTPUT(e);
        T sum = 0;
        for (int i = 0; i < KH; i++) {
            Index h = oh * SH - top + i;
            if (h < 0 || h >= height) continue;
            for (int j = 0; j < KW; j++) {
                Index w = ow * SW - left + j;
                if (w >= 0 && w < width) sum += x[n * xn + c * xc + h * xh + w * xw];
            }
        }
        y[e] = sum / T(AREA(oh, ow));
    }
}

extern "C" __global__ void mean_gradient(const T* __restrict__ grad, T* __restrict__ x, Index channels, Index height, Index width, Index out_height,
                                         Index out_width, Index top, Index left, Index bottom, Index right, Index counts, Index count) {
    EACH(e) {
        PIXEL(e);
        T sum = 0;
        for (int i = 0; i < KH; i++) {
            Index a = h + top - i;
            if (a < 0 || a % SH || a / SH >= out_height) continue;
            for (int j = 0; j < KW; j++) {
                Index b = w + left - j;
                if (b < 0 || b % SW || b / SW >= out_width) continue;
                sum += grad[((n * out_height + a / SH) * out_width + b / SW) * channels + c] / T(AREA(a / SH, b / SW));
            }
        }
        x[e] = sum;
    }
}
