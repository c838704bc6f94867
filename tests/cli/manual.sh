#!/bin/sh
# The manual and the completions: every verb and option is in them, formatters and
# shells accept them, and bash completes what one expects.
. "$2/tests/cli/common.inc"

# have PROGRAM WHAT: say aloud what is left out.
have()
{
    command -v "$1" >/dev/null 2>&1 && return 0
    echo "skip $2: $1 is not installed"
    return 1
}

run help --man
exits 0
cp out offramp.1
for shell in bash zsh fish; do
    run help --completion "$shell"
    exits 0
    cp out "offramp.$shell"
done
run
sed -n 's/^  \([a-z]*\)  *[A-Z].*/\1/p' out >verbs
[ "$(wc -l <verbs)" -ge 17 ] || complain "only $(wc -l <verbs) verbs"

# ---- every option is everywhere -----------------------------------------------------

# has WHAT: the text on standard input holds it.
has()
{
    grep -q -- "$1" || complain "$where: $1 is missing"
}

sed 's/\\-/-/g' offramp.1 >index
while read -r verb; do
    run help --man "$verb"
    exits 0
    cp out "offramp-$verb.1"
    sed 's/\\-/-/g' "offramp-$verb.1" >page
    sed -n "/^    $verb)\$/,/;;/p" offramp.bash >block.bash
    sed -n "/^    $verb)\$/,/;;/p" offramp.zsh >block.zsh
    grep "__fish_seen_subcommand_from $verb'" offramp.fish >block.fish
    where=offramp.1
    has "^.fBofframp-$verb.fR(1)" <index
    # "  -m, --model DIR", "      --[no-]grad-reg"
    run "$verb" --help
    sed -n 's/^  \(-.,\|   \) --\([][a-z0-9-]*\).*/\2/p' out >options
    [ "$(wc -l <options)" -ge 4 ] || complain "$verb: few options"
    sed 's/^\[no-\]\(.*\)/\1\nno-\1/' options | while read -r option; do
        where="offramp-$verb.1"
        has "^\(.fB-..fR, \)\?.*.fB--$option.fR" <page
        where="bash completion of $verb"
        has "[' ]--$option[' ]" <block.bash
        where="zsh completion of $verb"
        has "[',]--$option[]=[}]" <block.zsh
        where="fish completion of $verb"
        has " -l $option " <block.fish
        echo "$failures" >failed
    done
    failures=$(cat failed)
done <verbs

# ---- formatters ---------------------------------------------------------------------

# clean TOOL FILE: it had nothing to say about the page.
clean()
{
    [ ! -s err ] || { complain "$1: $2"; head -5 err; }
}

for page in offramp*.1; do
    if have groff "groff $page"; then
        groff -man -Tutf8 -ww -z "$page" >err 2>&1
        clean groff "$page"
    fi
    if have mandoc "mandoc $page"; then
        mandoc -T lint -W warning "$page" >err 2>&1
        clean mandoc "$page"
    fi
    if have man "man $page"; then
        LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -l "./$page" >"$page.txt" 2>err
        clean man "$page"
    fi
done
if [ -s offramp-train.1.txt ]; then
    cp offramp-train.1.txt out
    last='man offramp-train'
    says '--joint-epochs'
    says 'offramp train --model bert-base-uncased'
fi

# ---- shells -------------------------------------------------------------------------

# expect WORDS... -- LINE...: what bash offers behind LINE, whose last word is begun.
mkdir -p some-dir && : >some-file
expect()
{
    want=
    while [ "$1" != -- ]; do
        want="$want$1 "
        shift
    done
    shift
    got=$(bash -c '. ./offramp.bash
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _offramp
        printf "%s\n" "${COMPREPLY[@]}"' bash "$@" | LC_ALL=C sort | tr '\n' ' ')
    want=$(printf '%s' "$want" | tr ' ' '\n' | LC_ALL=C sort | tr '\n' ' ')
    [ "$got" = "$want" ] || complain "bash, '$*': offers '$got', expected '$want'"
}

if have bash 'bash completion'; then
    bash -n offramp.bash || complain 'bash -n'
    expect train -- offramp tra
    expect --version -- offramp --v
    expect eval -- offramp help ev
    expect --joint-epochs --json -- offramp train --j
    expect --grad-reg --gradient -- offramp train --grad
    expect --no-grad-reg -- offramp train --no-g
    expect consistentee confidence cosee -- offramp train --method co
    expect consistentee confidence cosee -- offramp train --method = co
    expect finetune,deebert -- offramp compare --methods finetune,dee
    expect exact reinforce -- offramp train --gradient ''
    expect sst2 stackoverflow stsb snli -- offramp eval --task s
    expect patience pcee policy ponder -- offramp predict --rule p
    expect speed stored -- offramp sweep --rules s
    expect tiny -- offramp init --shape t
    expect f16 f32 -- offramp eval --precision f
    expect bf16 f16 int8 -- offramp quantize --precision ''
    expect some-dir -- offramp train --out some
    expect some-dir -- offramp train -m some
    expect some-dir some-file -- offramp train --dev some
    expect some-dir some-file -- offramp predict --model x some
    expect some-dir -- offramp info some
    expect hardness -- offramp ablate h
    expect '' -- offramp train --joint-epochs some
    expect '' -- offramp doctor some
fi
if have zsh 'zsh completion'; then
    zsh -n offramp.zsh || complain 'zsh -n'
fi
if have fish 'fish completion'; then
    fish -n offramp.fish || complain 'fish -n'
    for line in 'train --method conf:confidence' 'info some-d:some-dir/' \
        'compare --methods finetune,dee:finetune,deebert' 'train --joint:--joint-epochs'; do
        fish -c ". ./offramp.fish; complete -C 'offramp ${line%:*}'" >out 2>err
        last="fish, '${line%:*}'"
        says "^${line#*:}"
    done
fi

# ---- mistakes ------------------------------------------------------------------------

run help --completion tcsh
fails 2 ' help' "got 'tcsh', expected bash, zsh or fish"
run help --man frobnicate
fails 2 ' help' "unknown verb 'frobnicate'"
run help --manual
fails 2 ' help' '--man'
finish
