#!/bin/sh
# The Debian package: packed from this build, it names what it needs, holds what a user
# expects, and runs from where it was unpacked.
. "$2/tests/cli/common.inc"
build=$(dirname "$offramp")

for tool in cpack dpkg-deb dpkg-shlibdeps file; do
    command -v $tool >/dev/null && continue
    echo "skip package: $tool is not installed"
    finish
done
mkdir packed
(cd "$build" && cpack -G DEB -B "$work/packed") >log 2>&1 ||
    { complain 'cpack'; cat log; finish; }
deb=$(echo packed/*.deb)
[ -s "$deb" ] || { complain "one package expected, there is: $deb"; finish; }

dpkg-deb --field "$deb" >out
last='dpkg-deb --field'
says '^Package: offramp$'
says "^Version: $("$offramp" --version | sed 's/offramp \([0-9.]*\).*/\1/')\$"
says '^Section: science$'
says '^Description: early-exit transformers'
says '^ One\|^ program'
for needed in libc6 libjansson4 libutf8proc libpcre2-8-0 zlib1g liblzma5; do
    says "^Depends: .*$needed"
done

dpkg-deb --contents "$deb" >out
last='dpkg-deb --contents'
for file in bin/offramp include/offramp.h share/man/man1/offramp.1.gz \
    share/man/man1/offramp-train.1.gz share/bash-completion/completions/offramp \
    share/zsh/vendor-completions/_offramp share/fish/vendor_completions.d/offramp.fish \
    lib/python3/dist-packages/offramp.py share/doc/offramp/copyright share/doc/offramp/changelog.gz; do
    says " root/root .* ./usr/$file\$"
done
# Nothing outside /usr, nothing that others may write.
! grep -v ' \./$\| \./usr/' out || complain 'a file outside /usr'
! grep '^-.......w' out || complain 'a file that everybody may write'

! grep '/site-functions/' out || complain "a folder that Debian's zsh does not read"

# What is built against this version runs with later ones.
dpkg-deb --info "$deb" shlibs >out
last='shlibs'
says '^libofframp 0 offramp (>= [0-9.]*)$'

# Below /usr/local it reads another one.
DESTDIR=$work/local cmake --install "$build" --prefix /usr/local >log 2>&1 ||
    { complain 'cmake --install'; cat log; }
cmp -s "$build/manual/offramp.zsh" local/usr/local/share/zsh/site-functions/_offramp ||
    complain "zsh's completion below /usr/local"

dpkg-deb -x "$deb" root
offramp=$work/root/usr/bin/offramp
run --version
exits 0
says '^offramp [0-9]'
make_model model
echo 'the film is good' >in
run predict --model model
exits 0
says '^[a-z]*	0\.[0-9]*	[123]$'
if [ -n "${OFR_SANITIZE:-}" ]; then
    echo "skip the package's offramp.py: python3 is not built with $OFR_SANITIZE"
else
    PYTHONPATH=root/usr/lib/python3/dist-packages python3 -c 'import offramp
print(offramp.version())' >out 2>err || complain 'import offramp'
    last="the package's offramp.py"
    says '^[0-9.]*$'
fi
gzip -t root/usr/share/man/man1/*.gz || complain 'a page of the manual is damaged'
zcat root/usr/share/doc/offramp/changelog.gz | head -1 | grep -q '^offramp ([0-9.]*) ' ||
    complain 'changelog'
finish
