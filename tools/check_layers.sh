#!/bin/sh
# check_layers.sh [ROOT] - do the includes in src/ obey tools/layers.txt?
# Prints FILE:LINE and the reason for each that does not; exit 1 if there are any.
set -eu
root=${1:-$(dirname "$0")/..}
cd "$root"

find src -name '*.[ch]' | LC_ALL=C sort | xargs awk '
BEGIN {
    # Networks; threads; memory that is mapped or shared.
    system_header = "^(sys/(socket|un|epoll|eventfd|poll|select|mman|shm|sem|ipc|msg)" \
        "|net/.*|netinet/.*|arpa/.*|netdb|ifaddrs|poll|linux/.*" \
        "|pthread|threads|semaphore|mqueue|omp)[.]h$"
    vector_header = "(intrin|^arm_[a-z0-9_]*|^altivec|^riscv_vector|^lsxintrin|^wasm_simd128)[.]h$"
}

function complain(text)
{
    printf "%s:%d: %s\n", FILENAME, FNR, text
    bad++
}

# tools/layers.txt: "folder : folders it may include"
FILENAME == "tools/layers.txt" {
    sub(/#.*/, "")
    if (NF == 0) next
    known[$1] = 1
    may[$1, $1] = 1
    for (i = 3; i <= NF; i++) {
        if (!($i in known)) complain($i " must stand above " $1)
        may[$1, $i] = 1
    }
    next
}

FNR == 1 {
    split(FILENAME, parts, "/")
    folder = parts[2]
    n_files++
    if (!(folder in known)) complain("folder " folder " is not in tools/layers.txt")
}

!/include/ { next }

{
    gsub(/\/\*([^*]|\*+[^*\/])*\*+\//, " ") # comments on the line,
    sub(/^.*\*\//, "")                      # and one that ends here
}

/^[ \t]*#[ \t]*include/ && !/^[ \t]*#[ \t]*include[ \t]*["<]/ {
    complain("write the include as \"folder/file.h\" or <file.h>, without a macro")
}

/^[ \t]*#[ \t]*include[ \t]*"/ {
    name = $0
    sub(/^[^"]*"/, "", name)
    sub(/".*/, "", name)
    if (name !~ /\// || name ~ /\.\./) {
        complain("\"" name "\": write the include as \"folder/file.h\"")
        next
    }
    target = name
    sub(/\/.*/, "", target)
    if (!((folder, target) in may)) complain(folder " may not include " target " (" name ")")
}

/^[ \t]*#[ \t]*include[ \t]*</ {
    name = $0
    sub(/^[^<]*</, "", name)
    sub(/>.*/, "", name)
    system_folder = folder == "base" || folder == "server"
    if (name ~ system_header && !system_folder) complain("<" name "> belongs in base/ or server/")
    if (name ~ vector_header && FILENAME !~ /^src\/kernels\/cpu\//)
        complain("<" name "> belongs in kernels/cpu/")
    if (name == "mpi.h" && FILENAME !~ /comm_mpi\.c$/) complain("<mpi.h> belongs in comm_mpi.c")
}

END {
    if (n_files == 0) { print "check_layers: no files found under src/"; exit 1 }
    if (bad) exit 1
    printf "layers: %d files obey tools/layers.txt\n", n_files
}' tools/layers.txt || exit 1

# The public header stands alone: standard headers only.
if grep -n '#include' include/offramp.h | grep -v '<std[a-z]*\.h>'; then
    echo "include/offramp.h: may include standard headers only"
    exit 1
fi
