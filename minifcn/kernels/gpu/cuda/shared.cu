// What every source here begins with. NUMBER: the type of the numbers; INDEX: int, or long long for arrays of more than 2^30 numbers. They are types from here
// on, since a macro called T would break the compiler's own headers.
typedef NUMBER T;
typedef INDEX Index;

// A kernel's last parameter is `count`, how many numbers there are to make: EACH(e) takes this thread from one of its own to the next.
#define EACH(e) for (Index e = blockIdx.x * (Index)blockDim.x + threadIdx.x; e < count; e += (Index)gridDim.x * blockDim.x)

