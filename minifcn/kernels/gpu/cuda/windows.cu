// Windows of a picture into the rows of a matrix product, and rows added back where they were read: im2col and col2im.
//   KH KW kernel   SH SW stride   DH DW dilation: macros.   Neighbouring threads take neighbouring channels, which lie side by side in memory.

// rows (count / (KH·KW·channels), KH, KW, channels): the windows `first`, `first` + 1, … of x, zeros where they hang over.
extern "C" __global__ void columns(const T* __restrict__ x, T* __restrict__ rows, Index channels, Index height, Index width, Index out_height,
                                   Index out_width, Index top, Index left, Index xn, Index xc, Index xh, Index xw, Index first, Index count) {
    EACH(e) {
        Index c = e % channels, tap = e / channels % (KH * KW), window = e / channels / (KH * KW) + first;
        Index ow = window % out_width, oh = window / out_width % out_height, n = window / out_width / out_height;
        Index h = oh * SH - top + tap / KW * DH, w = ow * SW - left + tap % KW * DW;
        bool inside = h >= 0 && h < height && w >= 0 && w < width;
        rows[e] = inside ? x[n * xn + c * xc + h * xh + w * xw] : T(0);
    }
}

// picture (N, height, width, channels) of one group += the rows of windows first … first + windows - 1. Each pixel gathers what belongs to it, in the order
// of the taps: nothing is added by two threads at once, and a sum comes out the same every time.
extern "C" __global__ void fold(const T* __restrict__ rows, T* __restrict__ picture, Index channels, Index height, Index width, Index out_height,
                                Index out_width, Index top, Index left, Index pn, Index ph, Index pw, Index first, Index windows,
                                Index first_picture, Index first_row, Index some_rows, Index count) {
    EACH(e) {
        Index c = e % channels, w = e / channels % width, h = e / channels / width % some_rows + first_row;
        Index n = e / channels / width / some_rows + first_picture;
        T sum = 0;
        for (int i = 0; i < KH; i++) {
            Index y = h + top - i * DH;
            if (y < 0 || y % SH || y / SH >= out_height) continue;
            for (int j = 0; j < KW; j++) {
                Index z = w + left - j * DW;
                if (z < 0 || z % SW || z / SW >= out_width) continue;
                Index row = (n * out_height + y / SH) * out_width + z / SW - first;
                if (row >= 0 && row < windows) sum += rows[(row * (KH * KW) + i * KW + j) * channels + c];
            }
        }
        picture[n * pn + h * ph + w * pw + c] += sum;
    }
}
