// Windows of a picture into the rows of a matrix product, and rows added back where they were read: im2col and col2im. A row is (channels, KH, KW), as a
// kernel lies in memory, so that all kernels are a matrix without being turned.
//   KH KW kernel   SH SW stride   DH DW dilation: macros, so that the compiler divides by a multiplication.
#define TAPS (KH * KW)

// rows (windows, channels·KH·KW): the windows `first`, `first` + 1, … of x, zeros where they hang over. `lanes` threads share a row: where the window lies is
// worked out once a row, and what is left for a number is to divide by constants. Threads beside each other write beside each other; they read a few runs of
// neighbouring channels.
extern "C" __global__ void columns(const T* __restrict__ x, T* __restrict__ rows, Index channels, Index height, Index width, Index out_height,
                                   Index out_width, Index top, Index left, Index xn, Index xc, Index xh, Index xw, Index first, Index lanes, Index count) {
    Index numbers = channels * TAPS;
    EACH(e) {
        Index lane = e % lanes, row = e / lanes, window = row + first;
        Index ow = window % out_width, oh = window / out_width % out_height, n = window / out_width / out_height;
        Index h0 = oh * SH - top, w0 = ow * SW - left;
        for (Index k = lane; k < numbers; k += lanes) {
            Index c = k / TAPS, tap = k % TAPS, h = h0 + tap / KW * DH, w = w0 + tap % KW * DW;
            bool inside = h >= 0 && h < height && w >= 0 && w < width;
            rows[row * numbers + k] = inside ? x[n * xn + c * xc + h * xh + w * xw] : T(0);
        }
    }
}

// A block's threads take WIDE channels of so many pixels: the taps of one window lie together in a row, and neighbouring pixels want them in turn.
#define WIDE 8
#define ACROSS 8
#define DOWN 4
#define UP(length, part) (((length) + (part) - 1) / (part))

// picture (N, height, width, channels) of one group = the rows of windows first … first + windows - 1, or += where `adds`. Each pixel gathers what belongs to
// it, in the order of the taps: nothing is added by two threads at once, and a sum comes out the same every time.
extern "C" __global__ void fold(const T* __restrict__ rows, T* __restrict__ picture, Index channels, Index width, Index out_height, Index out_width, Index top,
                                Index left, Index pn, Index ph, Index pw, Index first, Index windows, Index first_picture, Index first_row, Index some_rows,
                                Index adds, Index count) {
    EACH(e) {
        Index block = e / (WIDE * ACROSS * DOWN), c = block % UP(channels, WIDE) * WIDE + e % WIDE;
        block /= UP(channels, WIDE);
        Index w = block % UP(width, ACROSS) * ACROSS + e / WIDE % ACROSS;
        block /= UP(width, ACROSS);
        Index row_of_some = block % UP(some_rows, DOWN) * DOWN + e / (WIDE * ACROSS) % DOWN, n = block / UP(some_rows, DOWN) + first_picture;
        if (c >= channels || w >= width || row_of_some >= some_rows) continue;
        Index h = row_of_some + first_row;
        T sum = 0;
        for (int i = 0; i < KH; i++) {
            Index y = h + top - i * DH;
            if (y < 0 || y % SH || y / SH >= out_height) continue;
            for (int j = 0; j < KW; j++) {
                Index z = w + left - j * DW;
                if (z < 0 || z % SW || z / SW >= out_width) continue;
                Index row = (n * out_height + y / SH) * out_width + z / SW - first;
                if (row >= 0 && row < windows) sum += rows[(row * channels + c) * TAPS + i * KW + j];
            }
        }
        T* target = picture + n * pn + h * ph + w * pw + c;
        *target = adds ? *target + sum : sum;
    }
}
