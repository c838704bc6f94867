#!/bin/sh
# The zoo of tokenizers: vocab.txt, tokenizer.json and the files beside them broken once by
# every rule, as zoo.sh does it with all other files.
. "$2/tests/cli/zoo.inc"

# ---- vocabularies -----------------------------------------------------------------

# vocabulary WHAT PATTERN...: bad/vocab.txt is made by the caller.
vocabulary()
{
    what=$1
    shift
    run predict --model bad
    expect "$what" 4 predict "$@" 'empty line\|give the\|restore'
}
broken
sed 's/^good$/film/' vocab.txt >bad/vocab.txt
vocabulary 'token given twice' 'bad/vocab.txt:9: "film" is already on line 7; empty line 7'
sed -i '7s/.*//' bad/vocab.txt # as it says: the second one stays where it was
run tokenize --vocab bad/vocab.txt
exits 0
says '^2 5 8 3$'
for token in UNK CLS SEP; do
    broken
    sed "s/^.$token.\$/nothing/" vocab.txt >bad/vocab.txt
    vocabulary "no [$token]" "bad/vocab.txt: the vocabulary of 16 tokens has no \"\\[$token\\]\""
done
broken
: >bad/vocab.txt
vocabulary 'empty vocabulary' 'bad/vocab.txt: the file is empty, expected one token a line'
broken
sed 's/^film$/f\x00lm/' vocab.txt >bad/vocab.txt
vocabulary 'NUL' 'bad/vocab.txt:7:2: byte 0x00, expected text'
broken
sed 's/^film$/fi\xfflm/' vocab.txt >bad/vocab.txt
vocabulary 'vocabulary that is not UTF-8' 'bad/vocab.txt:7:3: byte 0xff is not valid UTF-8'
broken
{ cat vocab.txt; head -c 5000 /dev/zero | tr '\0' x; } >bad/vocab.txt
vocabulary 'endless line' 'bad/vocab.txt:17: the token has 5000 bytes, expected at most 1024'
broken
{ cat vocab.txt; echo more; } >bad/vocab.txt
vocabulary 'more tokens than embeddings' \
    'bad/vocab.txt: the tokenizer has 17 entries, the model only 16 embeddings'
broken
sed 's/^.PAD.$/[NIL]/' vocab.txt >bad/vocab.txt
run predict --model bad
exits 0 # nothing is padded here

# ---- other tokenizers -------------------------------------------------------------

# tokenizer WHAT FILE TEXT PATTERN...: the directory with this one instead.
tokenizer()
{
    [ -d bad ] && [ "$2" = merges.txt ] || broken
    rm -f bad/vocab.txt bad/tokenizer_config.json
    printf '%s\n' "$3" >"bad/$2"
    what=$1
    shift 3
    run predict --model bad
    expect "$what" 4 predict "$@"
}
three='"[UNK]":0,"[CLS]":1,"[SEP]":2'
tokenizer 'unknown kind' tokenizer.json '{"model":{"type":"Magic","vocab":{}}}' \
    'bad/tokenizer.json: model type "Magic" is not supported, expected WordPiece, .*choose'
tokenizer 'array' tokenizer.json '[]' \
    'bad/tokenizer.json: not a JSON object, expected the keys of a tokenizer; restore'
tokenizer 'absurd id' tokenizer.json "{\"model\":{\"vocab\":{$three,\"a\":9999999}}}" \
    'bad/tokenizer.json: the id of "a" is 9999999, expected 0..65539; restore'
tokenizer 'id that is no number' tokenizer.json "{\"model\":{\"vocab\":{$three,\"a\":\"b\"}}}" \
    'bad/tokenizer.json: the id of "a" is no integer, expected 0..65539; restore'
tokenizer 'two tokens, one id' tokenizer.json "{\"model\":{\"vocab\":{$three,\"a\":2}}}" \
    'bad/tokenizer.json: "\[SEP\]" and "a" have the same id 2; restore'
tokenizer 'added token elsewhere' tokenizer.json \
    "{\"added_tokens\":[{\"id\":0,\"content\":\"[SEP]\"}],\"model\":{\"vocab\":{$three}}}" \
    'bad/tokenizer.json: the added token "\[SEP\]" has id 0, in the vocabulary 2; restore'
tokenizer 'added token without a name' tokenizer.json \
    "{\"added_tokens\":[{\"id\":3}],\"model\":{\"vocab\":{$three}}}" \
    'bad/tokenizer.json: added_tokens\[0\]: .*no "content".*restore'
tokenizer 'no vocabulary' tokenizer.json '{"model":{"type":"WordPiece"}}' \
    'bad/tokenizer.json: the vocabulary is missing or empty, expected an object'
tokenizer 'piece without a score' tokenizer.json \
    '{"model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>"]]}}' \
    'bad/tokenizer.json: piece 0 is no pair of text and score; restore'
tokenizer 'no bytes' tokenizer.json \
    '{"model":{"type":"BPE","vocab":{"<s>":0,"</s>":1},"merges":[]}}' \
    'bad/tokenizer.json: the vocabulary has no token .* for byte 0x00 .*restore'
tokenizer 'no normalizer' tokenizer.json "{\"model\":{\"vocab\":{$three}}}" \
    'bad/tokenizer.json: "normalizer" has no step "BertNormalizer", .*; take tokenizer.json of'
tokenizer 'unigram without tables' tokenizer.json '{"normalizer":{"type":"NFKD"},
    "model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0],["[CLS]",0],["[SEP]",0]]}}' \
    'bad/tokenizer.json: "normalizer" has no step "Precompiled", .*; take tokenizer.json of'
tokenizer 'other words' tokenizer.json \
    "{\"pre_tokenizer\":{\"type\":\"Whitespace\"},\"model\":{\"vocab\":{$three}}}" \
    'bad/tokenizer.json: "pre_tokenizer" has a step "Whitespace", expected Bert.*; choose'
bert='"normalizer":{"type":"BertNormalizer"},"pre_tokenizer":{"type":"BertPreTokenizer"}'
tokenizer 'nothing around a text' tokenizer.json \
    "{$bert,\"post_processor\":null,\"model\":{\"vocab\":{$three}}}" \
    'bad/tokenizer.json: "post_processor" has no step that puts .*; take tokenizer.json of'
tokenizer 'something else around it' tokenizer.json \
    "{$bert,\"post_processor\":{\"type\":\"RobertaProcessing\"},\"model\":{\"vocab\":{$three}}}" \
    'bad/tokenizer.json: "post_processor" has a step "RobertaProcessing", expected one, .*; choose'
tokenizer 'longer words' tokenizer.json \
    "{$bert,\"model\":{\"max_input_chars_per_word\":200,\"vocab\":{$three}}}" \
    'bad/tokenizer.json: "max_input_chars_per_word" is 200, only 100 .*; choose'
tokenizer 'damaged sentencepiece' spiece.model 'xyz' \
    'bad/spiece.model: no sentencepiece model or damaged; restore'
broken
awk 'BEGIN { # a token for each byte, "a" and "b" among them
    printf "{\"<s>\": 0, \"</s>\": 1"
    for (b = 0; b < 256; b++) {
        shown = (b >= 33 && b <= 126) || (b >= 161 && b != 173)
        c = shown ? b : 256 + n++
        if (c == 34 || c == 92) text = sprintf("\\%c", c)
        else if (c < 128) text = sprintf("%c", c)
        else text = sprintf("%c%c", 192 + int(c / 64), 128 + c % 64)
        printf ", \"%s\": %d", text, b + 2
    }
    print "}" }' >bytes.json
cp bytes.json bad/vocab.json
tokenizer 'merge of three' merges.txt '#version: 0.2
a b c' 'bad/merges.txt:2: expected two symbols with one space .*restore'
tokenizer 'merge of nothing known' merges.txt 'a zz' \
    'bad/merges.txt:1: "zz" is not in the vocabulary; the two files do not belong'

# setting WHAT TEXT PATTERN...: the text is tokenizer_config.json.
setting()
{
    broken
    printf '%s\n' "$2" >bad/tokenizer_config.json
    what=$1
    shift 2
    run predict --model bad
    expect "$what" 4 predict "$@"
}
setting 'setting of the wrong type' '{"do_lower_case": "yes"}' \
    'bad/tokenizer_config.json: "do_lower_case" is a string, expected true or false; correct'
setting 'settings in an array' '[]' \
    'bad/tokenizer_config.json: not a JSON object, expected the keys of a tokenizer; restore'
for value in 7 '{"content": 7}'; do
    setting "special token $value" "{\"cls_token\": $value}" \
        'bad/tokenizer_config.json: "[a-z_]*" is a number, expected a string; correct'
done
setting 'vocabulary of another kind' '{"tokenizer_class": "HerbertTokenizerFast"}' \
    'bad/tokenizer_config.json: "tokenizer_class" is "HerbertTokenizerFast", .*; choose'
setting 'words of another kind' '{"word_tokenizer_type": "mecab"}' \
    'bad/tokenizer_config.json: "word_tokenizer_type" is "mecab", only "basic" .*; choose'
printf '{"model_max_length": 1000000000000000019884624838656}\n' >bad/tokenizer_config.json
run predict --model bad
exits 0 # what Hugging Face writes for "no limit"
printf '{"[E1]": 5}\n' >bad/added_tokens.json
run predict --model bad
expect 'added token in the place of another' 4 predict \
    'bad/added_tokens.json: the added token "\[E1\]" has id 5, .* gives to "the"; restore'
printf '{"[E1]": 16}\n' >bad/added_tokens.json
run predict --model bad
expect 'added token without an embedding' 4 predict \
    'bad/added_tokens.json: the added token "\[E1\]" has id 16, the model only 16 embed' \
    'remove the tokens from id 16 on from the file'

zoo_finish 34
