"""Which kernels a CUDA source has, and a C function a kernel that calls it for every thread."""

import re

HEAD = re.compile(
    r'extern\s+"C"\s+__global__\s+(?:__launch_bounds__\([^)]*\)\s*)?void\s+(?:__launch_bounds__\([^)]*\)\s*)?(\w+)\s*\(([^)]*)\)'
)


def kernels(code):
    """(name, types of the parameters) of each `extern "C" __global__ void name(…)`."""
    code = re.sub(r"//[^\n]*|/\*.*?\*/", "", code, flags=re.S)
    found = []
    for name, parameters in HEAD.findall(code):
        kinds = [re.sub(r"\w+\s*$", "", each.strip()).strip() for each in parameters.split(",") if each.strip()]
        found.append((name, kinds))
    return found


def wrappers(found):
    """The C functions: run_NAME(launch, pointers to the arguments, their number) -> 0, 1 for a wrong number, 2 for a barrier not met."""
    parts = []
    for name, kinds in found:
        values = ", ".join(f"*({kind}*)a[{number}]" for number, kind in enumerate(kinds))
        parts.append(
            f'extern "C" int run_{name}(const Launch* launch, void** a, int count) {{\n'
            f"    if (count != {len(kinds)}) return 1;\n"
            f"    return run_blocks(*launch, [&] {{ {name}({values}); }});\n}}\n"
        )
    return "\n".join(parts)
