// What a CUDA source needs, on a CPU. Blocks run one after the other; the threads of a block are fibres that take turns at
// __syncthreads(), so that shared memory and barriers mean what they mean on a GPU.
#pragma once
#include <cfloat>
#include <climits>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <ucontext.h>
#include <vector>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __restrict__
#define __shared__ static
#define __launch_bounds__(...)
#define __constant__ static const
#define __ldg(p) (*(p))

struct dim3 { int x, y, z; };
struct Launch { int grid[3], block[3]; };
static dim3 gridDim, blockDim, blockIdx, threadIdx;

static const size_t STACK = 64 * 1024;
static ucontext_t home;
struct Fibre { ucontext_t context; dim3 index; bool done, waiting; std::vector<char> stack; };
static std::vector<Fibre> fibres;
static size_t current;
static bool barriers;
static std::function<void()> body;

static void yield_to_home() {
    fibres[current].waiting = true;
    swapcontext(&fibres[current].context, &home);
    threadIdx = fibres[current].index;
}
static void start() {
    threadIdx = fibres[current].index;
    body();
    fibres[current].done = true;
    swapcontext(&fibres[current].context, &home);
}
#define __syncthreads() yield_to_home()

// Every thread of a block runs up to the next barrier, then all go on. 2: some ended while others waited.
static int run_block() {
    size_t count = (size_t)blockDim.x * blockDim.y * blockDim.z;
    fibres.clear();
    fibres.resize(count);
    for (size_t i = 0; i < count; i++) {
        Fibre& f = fibres[i];
        f.index = {int(i % blockDim.x), int(i / blockDim.x % blockDim.y), int(i / blockDim.x / blockDim.y)};
        f.done = f.waiting = false;
    }
    // without a barrier a thread is a plain call, which is a hundred times cheaper
    if (!barriers) {
        for (current = 0; current < count; current++) { threadIdx = fibres[current].index; body(); }
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        Fibre& f = fibres[i];
        f.stack.resize(STACK);
        getcontext(&f.context);
        f.context.uc_stack.ss_sp = f.stack.data();
        f.context.uc_stack.ss_size = STACK;
        f.context.uc_link = &home;
        makecontext(&f.context, start, 0);
    }
    for (;;) {
        size_t done = 0, waiting = 0;
        for (current = 0; current < count; current++) {
            if (fibres[current].done) { done++; continue; }
            fibres[current].waiting = false;
            swapcontext(&home, &fibres[current].context);
            done += fibres[current].done;
            waiting += fibres[current].waiting && !fibres[current].done;
        }
        if (done == count) return 0;
        if (done) return 2;
    }
}
static int run_blocks(const Launch& launch, std::function<void()> function) {
    body = function;
    barriers = USES_BARRIERS;
    gridDim = {launch.grid[0], launch.grid[1], launch.grid[2]};
    blockDim = {launch.block[0], launch.block[1], launch.block[2]};
    for (int z = 0; z < gridDim.z; z++)
        for (int y = 0; y < gridDim.y; y++)
            for (int x = 0; x < gridDim.x; x++) {
                blockIdx = {x, y, z};
                if (int code = run_block()) return code;
            }
    return 0;
}
static inline int min(int a, int b) { return a < b ? a : b; }
static inline int max(int a, int b) { return a > b ? a : b; }
static inline long long min(long long a, long long b) { return a < b ? a : b; }
static inline long long max(long long a, long long b) { return a > b ? a : b; }
using std::isnan;
