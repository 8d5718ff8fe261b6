// What every source here begins with. Macros: T, the type of the numbers; Index, int, or long long for arrays of more than 2^30 numbers.
// A kernel's last parameter is `count`, how many numbers there are to make: EACH(e) takes this thread from one of its own to the next.
#define EACH(e) for (Index e = blockIdx.x * (Index)blockDim.x + threadIdx.x; e < count; e += (Index)gridDim.x * blockDim.x)
// a larger window may begin before the picture: rounding up must do for negative numbers too
#define CEIL_DIV(a, b) ((a) > 0 ? ((a) + (b) - 1) / (b) : -(-(a) / (b)))

