// Convolution of each channel by itself, and its transpose: what bilinear upsampling is made of. A matrix product has nothing to gain here.
//   KH KW kernel   SH SW stride   DH DW dilation: macros.   x and y are addressed by strides: any memory order. Sums run in the order of the taps.

// y (N, C, out_height, out_width) = the windows of x times the channel's kernel, weight (C, KH, KW).
extern "C" __global__ void forward(const T* __restrict__ x, const T* __restrict__ weight, T* __restrict__ y, Index channels, Index height, Index width,
                                   Index out_height, Index out_width, Index top, Index left, Index xn, Index xc, Index xh, Index xw,
                                   Index yn, Index yc, Index yh, Index yw, Index count) {
    EACH(e) {
        Index c = e % channels, ow = e / channels % out_width, oh = e / channels / out_width % out_height, n = e / channels / out_width / out_height;
        const T* kernel = weight + c * KH * KW;
        const T* plane = x + n * xn + c * xc;
        T sum = 0;
        for (int i = 0; i < KH; i++) {
            Index h = oh * SH - top + i * DH;
            if (h < 0 || h >= height) continue;
            for (int j = 0; j < KW; j++) {
                Index w = ow * SW - left + j * DW;
                if (w >= 0 && w < width) sum += plane[h * xh + w * xw] * kernel[i * KW + j];
            }
        }
        y[n * yn + c * yc + oh * yh + ow * yw] = sum;
    }
}

// x (N, C, height, width) = the transpose: each pixel gathers from the cells whose windows reach it. With a kernel of 2f and a stride of f these are four.
extern "C" __global__ void transpose(const T* __restrict__ y, const T* __restrict__ weight, T* __restrict__ x, Index channels, Index height, Index width,
                                     Index out_height, Index out_width, Index top, Index left, Index xn, Index xc, Index xh, Index xw,
                                     Index yn, Index yc, Index yh, Index yw, Index count) {
    EACH(e) {
        Index c = e % channels, w = e / channels % width, h = e / channels / width % height, n = e / channels / width / height;
        const T* kernel = weight + c * KH * KW;
        const T* plane = y + n * yn + c * yc;
        T sum = 0;
        // with dilation 1 only every SH-th tap can lie on a cell; the first is known
        for (Index i = DH == 1 ? (h + top) % SH : 0; i < KH; i += DH == 1 ? SH : 1) {
            Index a = h + top - i * DH;
            if (a < 0 || a % SH || a / SH >= out_height) continue;
            for (Index j = DW == 1 ? (w + left) % SW : 0; j < KW; j += DW == 1 ? SW : 1) {
                Index b = w + left - j * DW;
                if (b < 0 || b % SW || b / SW >= out_width) continue;
                sum += plane[a / SH * yh + b / SW * yw] * kernel[i * KW + j];
            }
        }
        x[n * xn + c * xc + h * xh + w * xw] = sum;
    }
}
