// What dropout keeps, drawn where it is needed: the numbers of NumPy's generator PCG64, one by one the same. A linear congruential generator of 128 bits can
// jump ahead (F. Brown, 1994): each thread goes to its own numbers by itself. O'Neill, "PCG", HMC-CS-2014-0905, 2014; the output is XSL-RR.

typedef unsigned long long Word;
struct Wide { Word high, low; };  // 128 bits

__device__ Word high_part(Word a, Word b) {  // of the product of two words
#ifdef __CUDACC__
    return __umul64hi(a, b);
#else  // the same where there is no GPU: so the tests run it
    Word a1 = a >> 32, a0 = a & 0xffffffffull, b1 = b >> 32, b0 = b & 0xffffffffull;
    Word middle = a1 * b0 + (a0 * b0 >> 32), other = a0 * b1 + (middle & 0xffffffffull);
    return a1 * b1 + (middle >> 32) + (other >> 32);
#endif
}

__device__ Wide times(Wide a, Wide b) {
    Wide r;
    r.low = a.low * b.low;
    r.high = high_part(a.low, b.low) + a.high * b.low + a.low * b.high;
    return r;
}

__device__ Wide plus(Wide a, Wide b) {
    Wide r;
    r.low = a.low + b.low;
    r.high = a.high + b.high + (r.low < a.low ? 1 : 0);
    return r;
}

// The state after so many steps of s := s·M + increment: M^steps·s + (M^(steps-1) + … + 1)·increment, by repeated squaring
__device__ Wide after(Wide state, Wide increment, Word steps) {
    Wide factor = {2549297995355413924ull, 4865540595714422341ull}, add = increment, all_factors = {0, 1}, all_adds = {0, 0};
    for (; steps; steps >>= 1) {
        if (steps & 1) {
            all_factors = times(all_factors, factor);
            all_adds = plus(times(all_adds, factor), add);
        }
        add = plus(times(factor, add), add);
        factor = times(factor, factor);
    }
    return plus(times(all_factors, state), all_adds);
}

// kept[i]: whether number `first` + i is `p` or more, `numbers` of them. A step of the generator gives two numbers, its low half first; numbers count from the state
// given, whose own two are 0 and 1. To jump costs as much as twenty steps, so each of `count` threads jumps once, to a step of its own, and goes on by `count` steps
// at a time: neighbouring threads write side by side. `generator`: the state, its increment, and what `count` steps multiply by and add, high word and low word of each.
extern "C" __global__ void draw(const Word* __restrict__ generator, bool* __restrict__ kept, float p, Index first, Index numbers, Index count) {
    Wide factor = {generator[4], generator[5]}, add = {generator[6], generator[7]};
    EACH(e) {
        Wide state = {generator[0], generator[1]}, increment = {generator[2], generator[3]};
        state = after(state, increment, (Word)first / 2 + (Word)e);
        for (Index i = 2 * e - first % 2; i < numbers; i += 2 * count) {
            Word mixed = state.high ^ state.low;
            int turn = (int)(state.high >> 58);
            Word word = (mixed >> turn) | (mixed << ((64 - turn) & 63));
            if (i >= 0) kept[i] = ((unsigned int)word >> 8) * (1.0f / 16777216.0f) >= p;
            if (i + 1 < numbers) kept[i + 1] = ((unsigned int)(word >> 32) >> 8) * (1.0f / 16777216.0f) >= p;
            state = plus(times(state, factor), add);
        }
    }
}
