#!/bin/sh
# checks.sh PROGRAM SOURCE - do the checks in tools/ find planted faults, and does
# the tree pass them?
set -u
source_dir=$2
folder=$(mktemp -d "${TMPDIR:-/tmp}/offramp-checks-XXXXXX") || exit 1
trap 'rm -rf "$folder"' EXIT
failures=0

fresh()
{
    rm -rf "$folder/tree"
    mkdir -p "$folder/tree/src/base" "$folder/tree/src/io" "$folder/tree/src/kernels/cpu" \
        "$folder/tree/tools" "$folder/tree/include"
    printf '/* x */\n#include "base/y.h"\n#include <stdio.h>\n' >"$folder/tree/src/io/x.c"
    printf '/* y */\n' >"$folder/tree/src/base/y.h"
    printf '/* z */\n#include <immintrin.h>\n' >"$folder/tree/src/kernels/cpu/z.h"
    printf 'base :\nkernels : base\nio : base\n' >"$folder/tree/tools/layers.txt"
    printf '/* o */\n#include <stddef.h>\n' >"$folder/tree/include/offramp.h"
}

# expect STATUS SCRIPT TEXT: run the check on the planted tree.
expect()
{
    output=$("$source_dir/tools/$2" "$folder/tree" 2>&1)
    status=$?
    if [ $status != "$1" ] || ! printf '%s' "$output" | grep -q -- "$3"; then
        echo "$2: status $status (want $1), text '$3' not in: $output"
        failures=$((failures + 1))
    fi
}

fresh
expect 0 check_layers.sh '3 files obey'
expect 0 check_style.sh 'ok'

printf '/* a */\n#include "io/x.h"\n' >"$folder/tree/src/base/a.c"
expect 1 check_layers.sh 'src/base/a.c:2: base may not include io'
fresh
printf '/* a */\n#include "y.h"\n' >"$folder/tree/src/base/a.c"
expect 1 check_layers.sh 'write the include as'
fresh
mkdir "$folder/tree/src/extra"
printf '/* a */\n' >"$folder/tree/src/extra/a.c"
expect 1 check_layers.sh 'folder extra is not in'
fresh
for include in '<sys/mman.h>' '<threads.h>' '<semaphore.h>' '<sys/un.h>' '<netdb.h>' \
    '<sys/epoll.h>' '<netinet/in.h>' '/* x */ <pthread.h>' '/**x***/<pthread.h> /* y */'; do
    printf '/* a\n*/ #  include %s\n' "$include" >"$folder/tree/src/io/a.c"
    expect 1 check_layers.sh 'src/io/a.c:2: .*belongs in base/'
done
for include in '<immintrin.h>' '<x86intrin.h>' '<arm_neon.h>' '<arm_sve.h>'; do
    printf '/* a */\n#include %s\n' "$include" >"$folder/tree/src/io/a.c"
    expect 1 check_layers.sh 'belongs in kernels/cpu/'
done
printf '/* a */\n#include THREADS\n' >"$folder/tree/src/io/a.c"
expect 1 check_layers.sh 'without a macro'
fresh
printf '#include <jansson.h>\n' >"$folder/tree/include/offramp.h"
expect 1 check_layers.sh 'standard headers only'
fresh
printf 'base : io\nio : base\nkernels : base\n' >"$folder/tree/tools/layers.txt"
expect 1 check_layers.sh 'io must stand above base'

fresh
printf 'int x;\n' >"$folder/tree/src/base/a.c"
expect 1 check_style.sh 'src/base/a.c:1: a file begins with a comment'
fresh
printf '/* a */\n\tint x;\n' >"$folder/tree/src/base/a.c"
expect 1 check_style.sh 'a.c:2: tab'
fresh
printf '/* a */\nint x; \n' >"$folder/tree/src/base/a.c"
expect 1 check_style.sh 'a.c:2: blank'
fresh
printf '/* a */\n/* TO''DO: later */\n' >"$folder/tree/src/base/a.c"
expect 1 check_style.sh 'without an issue'
printf '/* a */\n/* TO''DO #12: later */\n/* mktemp XXX''XXX */\n' >"$folder/tree/src/base/a.c"
expect 0 check_style.sh 'ok'
printf '/* a */\n/* %s */\n' "$(printf '%0.sx' $(seq 85))" >"$folder/tree/src/base/a.c"
expect 1 check_style.sh 'a.c:2: line of 91 columns'
printf '/* a */\n/* %s */\n' "$(printf '%0.s\303\244' $(seq 84))" >"$folder/tree/src/base/a.c"
expect 0 check_style.sh 'ok'
printf '/* a */\nvoid f(void)\n{\n#ifdef X\n    g();\n#endif\n}\n' >"$folder/tree/src/base/a.c"
expect 1 check_style.sh 'a.c:4: #if inside a function'
printf '/* a */\n#ifdef X\nvoid f(void)\n{\n}\n#endif\n' >"$folder/tree/src/base/a.c"
expect 0 check_style.sh 'ok'
printf '/* a */' >"$folder/tree/src/base/a.c"
expect 1 check_style.sh 'no newline'
fresh
printf '/* a */\n' >"$folder/tree/src/base/x.c"
expect 1 check_names.sh 'used twice: src/base/x.c and src/io/x.c'
fresh
expect 0 check_names.sh '4 files, no name twice'
mkdir -p "$folder/tree/tests"
printf '/* a */\n' >"$folder/tree/tests/X.c"
expect 1 check_names.sh 'src/io/x.c and tests/X.c'

fresh
printf 'int wrong(int x);\nint wrong(int x)\n{\n    return x;\n}\n' >"$folder/tree/w.c"
(cd "$folder/tree" && ${CC:-cc} -c w.c && ar rc libw.a w.o) || exit 1
expect 1 check_symbols.sh 'without the prefix'
rm "$folder/tree/libw.a"

# calls STATUS LIBRARY FILE CALL: may this file of this library call that?
calls()
{
    printf '#include <stdio.h>\n#include <stdlib.h>\n#include <unistd.h>\n' >"$folder/tree/$3"
    printf 'void MPI_Abort(int);\nvoid ofr_x(void);\nvoid ofr_x(void)\n{\n    %s;\n}\n' "$4" \
        >>"$folder/tree/$3"
    mkdir -p "$folder/tree/tests"
    (cd "$folder/tree" && ${CC:-cc} -w -c -o "$3.o" "$3" && ar rc "$2" "$3.o") || exit 1
    text='writes to a stream or ends the process'
    [ "$1" = 0 ] && text='do not print'
    expect "$1" check_symbols.sh "$text"
    rm "$folder/tree/$2"
}
for call in 'exit(1)' '_Exit(1)' 'abort()' 'MPI_Abort(1)' 'printf("%d", 1)' \
    'fprintf(stderr, "%d", 1)' 'fputs("x", stdout)' 'putchar(1)' 'write(1, "x", 1)'; do
    calls 1 libv.a v.c "$call"
done
calls 1 tests/libv_double.a v.c 'exit(1)'
calls 1 libv_cli.a v.c 'exit(1)'
calls 0 libv_cli.a v.c 'fputs("x", stdout)'
calls 0 libv.a os.c 'write(1, "x", 1)'
calls 1 libv.a os.c 'abort()'
calls 0 libv.a v.c 'char s[9]; snprintf(s, 9, "%d", 1)'
expect 2 check_symbols.sh 'no libraries'

# documented STATUS TEXT COMMAND: a document of the planted tree shows this.
documented()
{
    printf '# x\n%b\n' "$3" >"$folder/tree/README.md"
    output=$("$source_dir/tools/check_options.sh" "$program" "$folder/tree" 2>&1)
    status=$?
    if [ $status != "$1" ] || ! printf '%s' "$output" | grep -q -- "$2"; then
        echo "check_options.sh: status $status (want $1), text '$2' not in: $output"
        failures=$((failures + 1))
    fi
}
case $1 in /*) program=$1 ;; *) program=$PWD/$1 ;; esac
documented 1 'README.md:3: offramp train has no option --epoch$' 'offramp train -m x \\\n  --epoch 3'
documented 1 'README.md:3: offramp eval has no option --rul$' 'Say `offramp eval\n--rul x`.'
documented 1 'offramp train has no option --no-task$' '`offramp train --no-grad-reg --no-task`'
documented 0 'all in the helps' '`offramp train --no-grad-reg --max-length 9`, `--nothing`'

# The tree itself, and the libraries beside the program.
"$source_dir/tools/check_layers.sh" || failures=$((failures + 1))
"$source_dir/tools/check_style.sh" || failures=$((failures + 1))
"$source_dir/tools/check_names.sh" || failures=$((failures + 1))
"$source_dir/tools/check_symbols.sh" "$(dirname "$1")" || failures=$((failures + 1))
"$source_dir/tools/check_options.sh" "$program" || failures=$((failures + 1))

[ $failures = 0 ]
