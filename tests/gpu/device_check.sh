#!/usr/bin/env bash
# Everything that only a GPU can tell of minifcn, in one run of at most eight minutes, and one file of what was found. From a checkout:
#
#     tests/gpu/device_check.sh              writes minifcn-gpu.json here; that file is all that there is to send
#     tests/gpu/device_check.sh FILE         writes it there
#     tests/gpu/device_check.sh --standin    tries the script itself where there is no GPU; it shows nothing of one
#
# Installs nothing. Needs Python with minifcn's dependencies, CuPy and pytest; PyTorch with CUDA, NCCL, pytest-xdist and compute-sanitizer where
# they are, and says what it did without. PYTHON chooses the interpreter, STAGES="facts graph" some of the stages. Each stage is a process with a
# time limit of its own; one that fails, hangs or dies hides none of the others. Exit: 0 all right, 1 something is not, 2 no GPU here.
set -u
python=${PYTHON:-python3} standin="" file=""
for word in "$@"; do
    case $word in
        --standin) standin=--standin ;;
        -*) echo "usage: $0 [--standin] [FILE]" >&2; exit 2 ;;
        *) file=$word ;;
    esac
done
case ${file:=minifcn-gpu.json} in /*) ;; *) file=$PWD/$file ;; esac
cd "$(dirname "$0")/../.." || exit 2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export PYTHONPATH=$PWD:$PWD/tests${PYTHONPATH:+:$PYTHONPATH} PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PYTHONWARNINGS=default

if [ -z "$standin" ]; then
    "$python" -c 'from minifcn import backend; raise SystemExit(backend.gpu_problem())' || exit 2
fi
command -v timeout >/dev/null || { echo "the program timeout is missing: it comes with GNU coreutils" >&2; exit 2; }
stages=$("$python" -m gpu.device list) || { echo "the stages cannot be listed: is this a checkout with its dependencies?" >&2; exit 2; }
for name in ${STAGES:-}; do
    grep -q "^$name " <<<"$stages" || { echo "STAGES: there is no stage $name; there are" $(cut -d' ' -f1 <<<"$stages") >&2; exit 2; }
done
while read -r name limit; do
    case " ${STAGES:-$name} " in *" $name "*) ;; *) continue ;; esac
    start=$SECONDS
    timeout -k 5 "$limit" "$python" -m gpu.device "$name" "$folder/$name.jsonl" $standin </dev/null >"$folder/$name.log" 2>&1
    code=$?
    echo "$code $((SECONDS - start))" >"$folder/$name.end"
    echo "$name: exit $code, $((SECONDS - start)) s of $limit"
    [ "$code" = 0 ] || tail -n 5 "$folder/$name.log" | cut -c1-300
done <<<"$stages"
"$python" -m gpu.device collect "$folder" "$file" $standin
verdict=$?
echo "written: $file"
exit $verdict
