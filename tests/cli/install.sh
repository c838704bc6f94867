#!/bin/sh
# The installed tree: the examples are built against it and nothing else, through
# pkg-config and through find_package(), with the shared library and with the static
# one, and say what the program says.
. "$2/tests/cli/common.inc"
build=$(dirname "$offramp")
cc=${CC:-cc}
flags=
[ -z "${OFR_SANITIZE:-}" ] || flags=-fsanitize=$OFR_SANITIZE
prefix=$work/tree
names='classify batch threads custom_rule features'

cmake --install "$build" --prefix "$prefix" >log 2>&1 || { complain install; cat log; }
libdir=$(dirname "$(find "$prefix" -name libofframp.a)")
for file in bin/offramp include/offramp.h share/doc/offramp/README.md \
    share/doc/offramp/LICENSE share/doc/offramp/docs/LIBRARY.md \
    share/doc/offramp/examples/classify.c share/offramp/python/offramp.py; do
    [ -s "$prefix/$file" ] || complain "not installed: $file"
done
nm -g --defined-only "$libdir/libofframp.a" 2>/dev/null |
    awk 'NF == 3 && $NF !~ /^(ofr_|__)/' >wrong
[ ! -s wrong ] || { complain 'symbols without the prefix ofr_'; cat wrong; }

# DESTDIR stands in front of the prefix, and nothing mentions it.
DESTDIR=$work/stage cmake --install "$build" --prefix /opt/offramp >log 2>&1 ||
    { complain 'install with DESTDIR'; cat log; }
[ -s stage/opt/offramp/include/offramp.h ] || complain 'DESTDIR is not respected'
if grep -rlI -e "$work" -e "$source_dir" "$prefix/include" "$libdir"/*/ >wrong; then
    complain 'installed files name folders of this machine'
    cat wrong
fi

# The installed sources and tools are used; the source tree is out of sight.
offramp=$prefix/bin/offramp
sources=$prefix/share/doc/offramp/examples
make_model model
PKG_CONFIG_PATH=$libdir/pkgconfig
export PKG_CONFIG_PATH
[ "offramp $(pkg-config --modversion offramp)" = \
    "$("$offramp" --version | cut -d' ' -f1-2)" ] || complain 'pkg-config --modversion'
mkdir pc
for name in $names; do
    for kind in '' -static; do
        # shellcheck disable=SC2046,SC2086
        $cc $flags -std=c11 -Wall -Wextra -Wpedantic -Werror "$sources/$name.c" \
            $(pkg-config --cflags --libs "offramp$kind") -lm -pthread -o "pc/$name$kind" \
            >log 2>&1 || { complain "pkg-config: $name$kind"; cat log; }
    done
done
# The first program of the page is a program.
sed -n '/^```c$/,/^```$/p' "$prefix/share/doc/offramp/docs/LIBRARY.md" |
    sed '1d; /^```$/,$d' >first.c
# shellcheck disable=SC2046,SC2086
$cc $flags -std=c11 -Wall -Wextra -Wpedantic -Werror first.c \
    $(pkg-config --cflags --libs offramp) -o first >log 2>&1 ||
    { complain 'docs/LIBRARY.md: the first program'; cat log; }

cmake -S "$sources" -B found -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="$cc" \
    -DCMAKE_C_FLAGS="$flags" >log 2>&1 && cmake --build found >log 2>&1 ||
    { complain 'find_package'; cat log; }
for name in $names; do
    [ ! -e "found/${name}_static" ] || mv "found/${name}_static" "found/$name-static"
done

# linked FILE WANT: does the program ask the loader for the shared library?
linked()
{
    readelf -d "$1" | grep -q 'NEEDED.*libofframp\.so\.0'
    [ $? = "$2" ] || complain "$1: linked with the wrong library"
}

# says_as EXPECTED PROGRAM ARGUMENTS: for each of the four builds.
says_as()
{
    expected=$1 name=$2
    shift 2
    for folder in pc found; do
        for kind in '' -static; do
            last="$folder/$name$kind"
            LD_LIBRARY_PATH=$libdir "./$last" "$@" <in >out 2>err
            code=$?
            exits 0
            stdout_is "$expected"
        done
        linked "$folder/$name" 0
        linked "$folder/$name-static" 1
    done
}

printf 'the film is good\nbad\nnot very good !\nun film\n\n' >in
run predict --model model
exits 0
cp out predicted
head -n 2 predicted |
    awk -F '\t' '{ printf "%s\t%.4f\tlayer %d of 3\n", $1, $2, $3 }' >expected
says_as expected classify model 'the film is good' bad
head -n 2 predicted | awk -F '\t' '{ print $1 "\tlayer " $3 }' >expected
says_as expected threads model 'the film is good' bad
for n in 1 2 3 4 5 6 7 8; do cat in; done >many
awk 'BEGIN { while (n++ < 1000) printf "the film "; print "is bad" }' >>many # one text
printf 'good film\r\nnot very' >>many
mv many in
run predict --model model
mv out expected
says_as expected batch model
printf 'the film is good\nbad\nnot very good !\n' >in
run predict --model model --rule patience --threshold 1
mv out expected
says_as expected custom_rule model 'the film is good' bad 'not very good !'
printf 'not very good !\n' >in
for layer in 1 2 3; do
    run predict --model model --rule fixed --threshold "$layer"
    awk -F '\t' '{ printf "%d\t%s\t%s\n", $3, $1, $2 }' out
done >said
LD_LIBRARY_PATH=$libdir pc/features model 'not very good !' >out
cut -f1-3 out >exits_said
cmp -s said exits_said || { complain 'features'; diff said exits_said; }
cut -f4 out | awk 'NR < 3 && !($1 > 0 && $1 < 1) || NR == 3 && $1 != "-" { exit 1 }' ||
    complain 'features: policies'
cp out expected
says_as expected features model 'not very good !'

run predict --model model
awk -F '\t' '{ print $1 ", said layer " $3 }' out >expected
LD_LIBRARY_PATH=$libdir ./first model 'not very good !' >out 2>err
code=$?
last='the first program'
exits 0
stdout_is expected

LD_LIBRARY_PATH=$libdir pc/classify no-such-model text >out 2>err
code=$?
last='pc/classify no-such-model'
exits 1
remarks 'no-such-model'

# `./run install` refuses before it builds anything.
refuses()
{
    want=$1 text=$2
    shift 2
    last="./run install $*"
    "$source_dir/run" install "$@" >out 2>err
    code=$?
    exits "$want"
    [ "$(wc -l <err)" -eq 1 ] || complain "$last: not one line"
    remarks "$text"
}
: >file
refuses 2 'needs a folder' --prefix
refuses 2 "takes --prefix DIR, not '--frefix'" --frefix /tmp
refuses 1 'file/below cannot be written to' --prefix "$work/file/below"
refuses 1 "$work/file/below cannot be written to" --prefix=file/below

# Beside the sources of another project: its targets are there, our tests are not.
mkdir beside
cat >beside/CMakeLists.txt <<EOF
cmake_minimum_required(VERSION 3.25)
project(other LANGUAGES C)
add_subdirectory($source_dir offramp)
if(NOT TARGET offramp_shared OR TARGET test_pool OR TARGET package)
  message(FATAL_ERROR "our tests or packages in another project")
endif()
EOF
cmake -S beside -B beside/build -DCMAKE_C_COMPILER="$cc" >log 2>&1 ||
    { complain 'add_subdirectory'; cat log; }
# Folders that are not below a prefix.
cmake -S "$source_dir" -B absolute -DCMAKE_C_COMPILER="$cc" -DOFR_TESTS=OFF \
    -DCMAKE_INSTALL_PREFIX=/opt/it -DCMAKE_INSTALL_LIBDIR=/srv/libraries >log 2>&1 ||
    { complain 'an absolute CMAKE_INSTALL_LIBDIR'; cat log; }
[ "$(PKG_CONFIG_PATH=absolute pkg-config --variable=libdir offramp)" = /srv/libraries ] ||
    complain 'offramp.pc: an absolute folder'

# Python finds the library from where it is installed.
if [ -z "$flags" ] && command -v python3 >/dev/null; then
    last='installed offramp.py'
    (unset OFFRAMP_LIBRARY && cd / && PYTHONPATH=$prefix/share/offramp/python \
        PYTHONDONTWRITEBYTECODE=1 python3 -c '
import offramp
print(offramp.version(), offramp._library._name)') >out 2>&1
    says "$libdir/libofframp.so.0"
else
    echo 'skip installed offramp.py: no python3, or a sanitizer'
fi
finish
