#!/bin/sh
# ci.sh short|medium|long [STEP...] - everything that CI does, here and at home.
#
# Steps run one after another; each prints one line, writes a log, and does not stop
# the ones behind it.  Named steps run alone: tools/ci.sh medium tsan clang-debug.
# A step whose tools are missing says which and how to install them.
#
#   CI_OUT        folder for builds, logs and the summary; default build-ci
#   CI_JOBS       processes at once; default: the processors
#   CI_MINUTES    of each fuzzer in the long tier; default 30
set -u
cd "$(dirname "$0")/.." || exit 1
root=$(pwd)
out=${CI_OUT:-build-ci}
jobs=${CI_JOBS:-$(nproc)}
case $out in /*) ;; *) out=$root/$out ;; esac
SKIP=77

short="short"
medium="layers style names headers short symbols no-openmp no-blas gcc-debug
clang-release clang-debug asan tsan scalar avx2 blas threads package docker aarch64"
long="fuzz scripts demo mpi"

usage()
{
    cat <<END
usage: tools/ci.sh TIER [STEP...]

  short   $(echo $short): what ./run test does
  medium  $(echo $medium)
  long    the medium tier, then $(echo $long)
END
}

# ---- what the steps are made of ---------------------------------------------------------

# need COMMAND PACKAGE: leave the step, aloud, when the command is not there.
need()
{
    command -v "$1" >/dev/null 2>&1 && return 0
    leave "$1 is missing; apt-get install $2"
}

leave()
{
    echo "$*" >"$out/logs/$step.skip"
    exit $SKIP
}

# build FOLDER [cmake arguments]: everything, warnings are errors.
build()
{
    folder=$out/$1
    shift
    cmake -S . -B "$folder" -G Ninja -Wno-dev -DCMAKE_C_FLAGS=-Werror "$@" &&
        cmake --build "$folder" -j "$jobs" -- -k 0
}

# tests FOLDER [ctest arguments]
tests()
{
    folder=$out/$1
    shift
    (cd "$folder" && ctest --output-on-failure -j "$jobs" "$@")
}

# The build that several steps look at.
release()
{
    build release -DCMAKE_BUILD_TYPE=Release
}

# links_none FOLDER PATTERN: no program or library there needs such a library.
links_none()
{
    for file in "$out/$1/offramp" "$out/$1"/*.so; do
        [ -e "$file" ] || continue
        if readelf -d "$file" | grep NEEDED | grep -E "$2"; then
            echo "$file: needs a library that the build was to do without"
            return 1
        fi
    done
}

# without OPTION PATTERN: built with the option off, where there is one, nothing links
# such a library, and the tests pass.
without()
{
    if grep -q "option($1 " CMakeLists.txt; then
        build "no-$1" -DCMAKE_BUILD_TYPE=Release "-D$1=OFF" && links_none "no-$1" "$2" &&
            tests "no-$1"
    else
        echo "there is no option $1: every build is without it"
        release && links_none release "$2"
    fi
}

# ---- steps: static checks -----------------------------------------------------------------

step_layers()
{
    sh tools/check_layers.sh
}

step_style()
{
    sh tools/check_style.sh
}

step_names()
{
    sh tools/check_names.sh
}

step_symbols()
{
    release && sh tools/check_symbols.sh "$out/release"
}

# Every header compiles alone; the public one as C11 and C++17, with both compilers.
# Those of kernels/cpu are bodies that ops_*.c include with their vectors defined.
step_headers()
{
    need g++ g++
    failed=0
    for compiler in gcc clang; do
        command -v $compiler >/dev/null || continue
        for header in $(find src -name '*.h' ! -path 'src/kernels/cpu/*' | sort); do
            $compiler -std=c11 -fsyntax-only -Wall -Wextra -Werror -D_GNU_SOURCE \
                -DOFR_X86=1 -Isrc -Iinclude -x c -include "$header" /dev/null ||
                { echo "$compiler: $header does not compile alone"; failed=1; }
        done
        $compiler -std=c11 -fsyntax-only -Wall -Wextra -Wpedantic -Werror \
            -x c -include include/offramp.h /dev/null || failed=1
    done
    for compiler in g++ clang++; do
        command -v $compiler >/dev/null || continue
        $compiler -std=c++17 -fsyntax-only -Wall -Wextra -Wpedantic -Werror \
            -x c++ -include include/offramp.h /dev/null || failed=1
    done
    return $failed
}

# ---- steps: compilers and sanitizers --------------------------------------------------------

step_short()
{
    ./run test
}

step_gcc_debug()
{
    need gcc gcc
    build gcc-debug -DCMAKE_C_COMPILER=gcc -DCMAKE_BUILD_TYPE=Debug && tests gcc-debug
}

step_clang_release()
{
    need clang clang
    build clang-release -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Release &&
        tests clang-release
}

step_clang_debug()
{
    need clang clang
    build clang-debug -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Debug &&
        tests clang-debug
}

step_asan()
{
    build asan -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG='-O1 -g' \
        -DOFR_SANITIZE=address,undefined && tests asan
}

step_tsan()
{
    need clang clang
    echo 'int main(void) { return 0; }' |
        clang -fsanitize=thread -x c -o "$out/probe" - ||
        leave "clang has no ThreadSanitizer; apt-get install libclang-rt-14-dev"
    build tsan -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Debug \
        -DCMAKE_C_FLAGS_DEBUG='-O1 -g' -DOFR_SANITIZE=thread &&
        tests tsan -L threads
}

step_no_openmp()
{
    without OFR_OPENMP 'lib(gomp|omp|iomp5)\.so'
}

step_no_blas()
{
    without OFR_BLAS 'lib(openblas|blas|cblas|mkl|blis)[^/]*\.so'
}

# ---- steps: instruction sets, threads ---------------------------------------------------------

step_scalar()
{
    release && OFR_CPU=scalar tests release -E cli_demo
}

step_avx2()
{
    grep -q ' avx2 ' /proc/cpuinfo || leave "this processor has no AVX2"
    release && OFR_CPU=avx2 tests release
}

# Tests that compute with products by a BLAS, and what the build is told about it:
# kernels against plain loops and against ours, whole models, sessions, the runner,
# training on one thread and on more; doctor; the installed library.
with_blas='checkkernel|encoder_|token_exits|ranks|determinism|test_(api|run$|stream$)'
with_blas="$with_blas|outputs|evaluate|test_cpu|doctor|cli_install"

step_blas()
{
    need pkg-config pkg-config
    pkg-config --exists openblas ||
        leave "openblas is missing; apt-get install libopenblas-dev"
    build blas -DCMAKE_BUILD_TYPE=Release -DOFR_BLAS=ON || return 1
    OFR_CPU=blas
    export OFR_CPU
    tests blas -R "$with_blas"
}

# One training with 1 and with 4 threads: the same bytes.
step_threads()
{
    release || return 1
    folder=$out/threads
    rm -rf "$folder"
    mkdir -p "$folder"
    for n in 1 4; do
        "$out/release/offramp" demo -q --threads "$n" --keep "$folder/$n" >/dev/null ||
            return 1
    done
    cmp "$folder/1/model.safetensors" "$folder/4/model.safetensors"
}

# ---- steps: packages -------------------------------------------------------------------------

step_package()
{
    need dpkg-shlibdeps dpkg-dev
    need lintian lintian
    build package -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX=/usr -DOFR_TESTS=OFF &&
        (cd "$out/package" && rm -f ./*.deb && cpack -G DEB) || return 1
    lintian --fail-on error "$out/package"/*.deb
}

step_docker()
{
    tool=docker
    command -v podman >/dev/null && tool=podman
    need $tool docker.io
    $tool info >/dev/null 2>&1 || leave "the daemon of docker does not answer"
    $tool build -t offramp-ci . || return 1
    [ "$($tool run --rm --entrypoint id offramp-ci -u)" != 0 ] ||
        { echo 'the image runs as root'; return 1; }
    $tool run --rm --network none offramp-ci demo
}

# Cross-compiled and run under qemu.  The libraries are Debian's for arm64, beside those
# of this machine.
step_aarch64()
{
    need aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu
    need qemu-aarch64-static qemu-user-static
    libraries=/usr/lib/aarch64-linux-gnu
    for name in jansson utf8proc pcre2-8 z lzma cmocka; do
        [ -e "$libraries/lib$name.so" ] || leave "lib$name for arm64 is missing;" \
            "dpkg --add-architecture arm64; apt-get update; apt-get install" \
            "libjansson-dev:arm64 libutf8proc-dev:arm64 libpcre2-dev:arm64" \
            "zlib1g-dev:arm64 liblzma-dev:arm64 libcmocka-dev:arm64"
    done
    PKG_CONFIG_LIBDIR=$libraries/pkgconfig:/usr/share/pkgconfig \
        build aarch64 -DCMAKE_BUILD_TYPE=Release -DCMAKE_SYSTEM_NAME=Linux \
        -DCMAKE_SYSTEM_PROCESSOR=aarch64 -DCMAKE_C_COMPILER=aarch64-linux-gnu-gcc \
        -DCMAKE_CROSSCOMPILING_EMULATOR=qemu-aarch64-static -DOFR_MPI=OFF || return 1
    if "$out/aarch64/offramp" --version; then
        tests aarch64 -E cli_demo
    else
        echo 'skip tests/cli: the system starts no aarch64 programs (binfmt-support)'
        tests aarch64 -E '^cli_'
    fi
}

# ---- steps: long ---------------------------------------------------------------------------

step_fuzz()
{
    need clang clang
    ./run fuzz "${CI_MINUTES:-30}"
}

step_scripts()
{
    release || return 1
    failed=0
    for script in tests/long/*.sh; do
        [ -e "$script" ] || { echo 'tests/long is empty'; break; }
        echo "== $script"
        sh "$script" "$out/release/offramp" "$root" || failed=1
    done
    return $failed
}

# The demo keeps its promises for other seeds than the one that the tests know; here
# also what it promises about time, which no test asks for.
step_demo()
{
    release || return 1
    failed=0
    for seed in 1 2 3 4 5; do
        "$out/release/offramp" demo --json -q --seed $seed >"$out/demo.json" || failed=1
        cat "$out/demo.json"
        awk -v seed=$seed '
        function value(key,   rest) {
            rest = substr($0, index($0, "\"" key "\": ") + length(key) + 4)
            return rest + 0
        }
        function saves(batch) {
            return value("ms_per_text" batch) <= 0.65 * value("ms_per_text_full" batch)
        }
        {
            good = value("score") > 0.9 && value("saved_layers") > 0.2 &&
                saves("") && saves("_batch_32")
        }
        END { if (!good) { print "seed " seed ": missed"; exit 1 } }' "$out/demo.json" ||
            failed=1
    done
    return $failed
}

step_mpi()
{
    need mpirun 'openmpi-bin libopenmpi-dev'
    release && "$out/release/offramp" doctor | grep 'mpi: yes' && tests release -R 'mpi|ranks'
}

# ---- running them ---------------------------------------------------------------------------

# one STEP: run it, print its line, add it to the summary.
one()
{
    step=$1
    started=$(date +%s)
    rm -f "$out/logs/$step.skip"
    ("step_$(echo "$step" | tr - _)") >"$out/logs/$step.log" 2>&1
    code=$?
    seconds=$(($(date +%s) - started))
    case $code in
    0) result=ok remark= ;;
    "$SKIP") result=skip remark=$(cat "$out/logs/$step.skip") ;;
    *) result=FAIL remark="see $out/logs/$step.log" ;;
    esac
    skipped=$(grep -c '^ *\(skip\|Skip\)\|: skip ' "$out/logs/$step.log")
    [ $result = ok ] && [ "$skipped" -gt 0 ] && remark="$skipped skips inside, see the log"
    printf '%-4s  %-14s %5d s  %s\n' $result "$step" $seconds "$remark" |
        sed 's/ *$//' | tee -a "$out/summary.txt"
}

[ $# -ge 1 ] || { usage >&2; exit 2; }
tier=$1
shift
case $tier in
short) steps=$short ;;
medium) steps=$medium ;;
long) steps="$medium $long" ;;
-h | --help | help) usage; exit 0 ;;
*) echo "ci: unknown tier '$tier'" >&2; usage >&2; exit 2 ;;
esac
for name in "$@"; do
    case " $(echo $steps) " in
    *" $name "*) ;;
    *) echo "ci: the $tier tier has no step '$name'" >&2; usage >&2; exit 2 ;;
    esac
done
mkdir -p "$out/logs"
: >"$out/summary.txt"
for name in ${*:-$steps}; do
    one "$name"
done
echo
echo "summary of tools/ci.sh $tier${*:+ $*}, $(git rev-parse --short HEAD 2>/dev/null):"
cat "$out/summary.txt"
! grep -q '^FAIL' "$out/summary.txt"
