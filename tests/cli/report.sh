#!/bin/sh
# Reports: pages that are well-formed and stand alone, numbers that agree in all
# three files and with the input, hostile texts, errors.
. "$2/tests/cli/common.inc"
make_model model

# Labels and texts that a page must not believe.
cat >dev.tsv <<'END'
review	verdict
the film is good <script>alert(1)</script>	pos
"bad" film & 'not good' </td></table>	neg
unbelievable	neg
not bad	pos
very very good	neg
the film is bad	pos
is it good	neg
good film !	pos
END
run eval --model model --dev dev.tsv --text review --label verdict --json -q \
    --rule confidence --threshold 0.6 --runs 2 --predictions p.tsv
exits 0
cp out e.json

# number KEY FILE: the first value of a key.
number()
{
    grep -o "\"$1\": [-0-9.e]*" "$2" | head -n 1 | sed 's/.*: //'
}

# page FILE: an offline page whose tags match.
page()
{
    [ -s "$1" ] || { complain "$1 is missing"; return; }
    if command -v xmllint >/dev/null 2>&1; then
        xmllint --noout "$1" 2>lint || { complain "$1 is not well-formed"; head -n 5 lint; }
    fi
    grep -iE 'https?:|src=|@import|url\(' "$1" >found && {
        complain "$1 refers to something outside"
        head -n 3 found
    }
    grep -q '<script' "$1" && complain "$1 has a script"
}

run report --eval e.json --predictions p.tsv --dev dev.tsv --text review --out r
exits 0
printf 'r/report.html\nr/report.json\nr/report.csv\n' >expected
stdout_is expected
page r/report.html
score=$(number score e.json)
grep -q "\"measure\": \"accuracy\", \"early_exit\": $score, " r/report.json ||
    complain "report.json has another score than $score"
grep -q "^headline,1,early_exit,$score" r/report.csv ||
    complain "report.csv has another score than $score"
shown=$(awk "BEGIN { printf \"%.1f %%\", 100 * $score }")
grep -q "<dt>accuracy</dt><dd class=\"big\">$shown</dd>" r/report.html ||
    complain "the page does not show $shown"
[ "$(head -n 1 r/report.csv)" = "$(printf 'table,row,column,value\r')" ] ||
    complain 'header of report.csv'

# Exits and the matrix follow from the lines of the predictions.
awk -F '\t' 'NR > 1 { n[$4]++; right[$4] += $2 == $3 }
    END { for (l = 1; l <= 3; l++)
              printf "exits,%d,left,%d\r\nexits,%d,right,%d\r\n", l, n[l], l, right[l] }' \
    p.tsv >expected
grep -E '^exits,[123],(left|right),' r/report.csv >got
cmp -s expected got || { complain 'exits in report.csv'; diff expected got; }
awk -F '\t' 'NR > 1 {
        m = 4; last = $(5 + 2 * 3) >= $(6 + 2 * 3) ? "neg" : "pos"
        for (l = 3; l >= 1 && ($(5 + 2 * l) >= $(6 + 2 * l) ? "neg" : "pos") == $2; l--) m = l
        n[m, $4]++
    }
    END { for (m = 1; m <= 4; m++) for (l = 1; l <= 3; l++)
              printf "hardness,%d,left_%d,%d\r\n", m, l, n[m, l] }' p.tsv >expected
grep '^hardness,[0-9],left_' r/report.csv >got
cmp -s expected got || { complain 'hardness in report.csv'; diff expected got; }

# The digest is what sha256sum says.
if command -v sha256sum >/dev/null 2>&1; then
    grep -q "SHA-256 $(sha256sum <p.tsv | cut -d ' ' -f 1)" r/report.html ||
        complain 'digest of the predictions'
    grep -q "\"data_sha256\": \"$(sha256sum <dev.tsv | cut -d ' ' -f 1)\"" e.json ||
        complain 'digest of the data in the evaluation'
fi

# A run.
run train --model model --train dev.tsv --dev dev.tsv --text review --label verdict \
    --out run --joint-epochs 2 --policy-epochs 2 --iterations 1 --policy-data all -q
exits 0
run report --run run --json
exits 0
says '^{"schema_version": 1, "html": "run/report.html", "json": "run/report.json", "csv": '
page run/report.html
grep -q '^"verdict": {"name": "' run/report.json || complain 'no verdict in report.json'
looks=$(grep -c '"event":"evaluation"' run/journal.jsonl)
[ "$(grep -c '^convergence,[0-9]*,look,' run/report.csv)" -eq "$looks" ] ||
    complain 'not a row for every evaluation of the journal'

# Curves; the sweep's own report.json stays.
run sweep --model model --dev dev.tsv --text review --label verdict --out sw -q
exits 0
cp sw/report.json before.json
run report --curves sw
exits 0
echo sw/report.html >expected
stdout_is expected
page sw/report.html
cmp -s before.json sw/report.json || complain "the sweep's report.json changed"
run report --curves sw/records.jsonl --out elsewhere --title 'A <title> & more'
exits 0
page elsewhere/report.html
grep -q '<h1>A &lt;title&gt; &amp; more</h1>' elsewhere/report.html || complain 'title'

# Charts.
if command -v gnuplot >/dev/null 2>&1; then
    grep -q '<svg class="plot"' r/report.html || complain 'no chart in the page'
    grep -q '<title>layer 1: ' r/report.html || complain 'no value to hover over'
    run report --eval e.json --out files --png --pdf
    exits 0
    [ "$(head -c 4 files/charts/histogram.pdf)" = '%PDF' ] || complain 'no PDF'
    [ -s files/charts/histogram.png ] || complain 'no PNG'
fi
mkdir empty
saved_path=$PATH
PATH=$work/empty "$offramp" report --eval e.json --out bare >out 2>err
code=$?
last='offramp report without gnuplot'
exits 0
remarks 'apt-get install gnuplot-nox'
[ "$(wc -l <err)" -eq 1 ] || complain 'more than one line about gnuplot'
page bare/report.html
grep -q 'No chart: gnuplot' bare/report.html || complain 'the page does not say why'
PATH=$work/empty "$offramp" report --eval e.json --out bare2 --png >out 2>err
code=$?
fails 3 ' report' 'apt-get install gnuplot-nox'
PATH=$saved_path

# Mistakes.
run report
fails 2 ' report' '--run'
run report --run nowhere
fails 3 ' report' 'nowhere'
run report --run model
fails 3 ' report' 'journal.jsonl'
run report --eval nowhere.json
fails 3 ' report' 'nowhere.json'
run report --eval p.tsv
fails 4 ' report' 'p.tsv:1'
echo '{"metric": "accuracy"}' >bad.json
run report --eval bad.json
fails 4 ' report' 'no "score"'
sed 's/"n_layers": 3/"n_layers": 4/' e.json >bad.json
run report --eval bad.json --out x
fails 4 ' report' '"exit_histogram" has 3 entries, "n_layers" is 4'
sed 's/"n_layers": 3/"n_layers": 1e9/' e.json >bad.json
run report --eval bad.json --out x
fails 4 ' report' '"n_layers"'
sed 's/"n_texts": 8/"n_texts": 9/' e.json >bad.json
run report --eval bad.json --predictions p.tsv --out x
fails 4 ' report' 'has 8 texts, the evaluation 9'
run report --eval e.json --predictions dev.tsv --out x
fails 4 ' report' 'dev.tsv:1: is no file of'
sed '3s/0\.[0-9]*$/much/' p.tsv >bad.tsv
run report --eval e.json --predictions bad.tsv --out x
fails 4 ' report' "bad.tsv:3: p_3_1 is 'much', expected a number"
sed '2s/\tpos\t/\tsplendid\t/' p.tsv >bad.tsv
run report --eval e.json --predictions bad.tsv --out x
fails 4 ' report' "bad.tsv:2: .* is 'splendid', expected the name of a class"
run report --predictions p.tsv --curves sw --out x
fails 2 ' report' 'predictions need'
run report --eval e.json --predictions p.tsv --dev dev.tsv --text nowhere --out x
fails 4 ' report' "no column 'nowhere'"
for column in -1 'nowhere|0'; do
    run report --eval e.json --predictions p.tsv --dev dev.tsv --text "$column" --out x
    fails 4 ' report' "dev.tsv:1: no column '$column'; the header has: review, verdict; give"
done
run report --eval e.json --predictions p.tsv --task sst2 --data glue --no-header --out x
fails 2 ' report' '--task knows its columns; leave out .*--no-header'
run report --eval e.json --predictions p.tsv --no-header --out x
fails 2 ' report' 'which file holds the texts'
# The columns of a task are found as `eval` finds them.
mkdir glue
sed '1s/.*/sentence\tlabel/' dev.tsv >glue/dev.tsv
run report --eval e.json --predictions p.tsv --task sst2 --data glue --out rt
exits 0
for folder in r rt; do
    grep -v '<td>this report</td>\|<td>texts</td>' $folder/report.html >$folder.page
done
cmp -s r.page rt.page || complain 'report --task: another page than with --text'
head -n 5 dev.tsv >short.tsv
run report --eval e.json --predictions p.tsv --dev short.tsv --text review --out x
fails 4 ' report' 'has 4 rows, the predictions 8 texts'
# Rows that eval left out are left out here; which labels it could not use is not known.
awk 'NR == 4 { print "a row\tof\ttoo many" } { print }' dev.tsv >rows.tsv
run eval --model model --dev rows.tsv --text review --label verdict --json -q \
    --rule confidence --threshold 0.6 --runs 0 --predictions q.tsv --skip-bad-rows \
    --seed 9007199254740991
exits 0
cp out f.json
grep -q '"n_bad_rows": 1, .*"seed": 9007199254740991' f.json ||
    complain 'bad rows or the seed of the evaluation'
cmp -s p.tsv q.tsv || complain 'other predictions with a bad row'
run report --eval f.json --predictions q.tsv --dev rows.tsv --text review --out skipped
exits 0
grep -q '<td>9007199254740991</td>\|<td class="any">9007199254740991</td>' \
    skipped/report.html || complain 'the seed of the evaluation on the page'
run report --eval e.json --predictions p.tsv --dev rows.tsv --text review --out x
fails 4 ' report' 'rows.tsv:4: found 3 fields'
run report --eval f.json --predictions q.tsv --dev short.tsv --text review --out x
fails 4 ' report' 'has 4 rows, the predictions 8 texts; .*, less the rows whose label'
run report --eval e.json --data .
fails 2 ' report' '--dev FILE'
echo '{"kind": "point", "method": "m"}' >bad.jsonl
run report --curves bad.jsonl --out x
fails 4 ' report' 'bad.jsonl:1: a "point" line without the text "rule"'
echo '[1]' >bad.jsonl
run report --curves bad.jsonl --out x
fails 4 ' report' 'bad.jsonl:1'
[ ! -e x ] || complain 'a report was begun in spite of an error'

# The evaluation may come from a pipe; it has no folder, and what is read twice is refused.
cp e.json in
run report --eval - --out piped
exits 0
grep -q 'standard input' piped/report.html || complain 'where the evaluation comes from'
grep -q "\"measure\": \"accuracy\", \"early_exit\": $score, " piped/report.json ||
    complain 'another report from standard input'
run report --eval -
fails 2 ' report' 'needs --out'
: >in
for option in curves predictions; do
    run report --eval e.json --$option - --out x
    fails 2 ' report' "--$option reads no standard input"
done

# Beside a run stands its own evaluation.
sed 's/"model": "model"/"model": "three"/' e.json >other.json
cp -r model three
run report --run run --eval other.json --out x
fails 2 ' report' 'other.json: is an evaluation of three, and the run is run'

finish
