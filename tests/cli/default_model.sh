#!/bin/sh
# train without --model: what comes with the program, found from where it stands.
. "$2/tests/cli/common.inc"
make_vocab
cat >shape.json <<'END2'
{"model_type": "electra", "vocab_size": 16, "hidden_size": 16, "num_hidden_layers": 2,
 "num_attention_heads": 2, "intermediate_size": 32, "max_position_embeddings": 12,
 "embedding_size": 8}
END2
printf 'text\tlabel\nthe film is good\tpos\nthe film is bad\tneg\nnot bad\tpos\nnot good\tneg\n' \
    >train.tsv
mkdir -p tree/build prefix/bin
cp "$offramp" tree/build/offramp && cp "$offramp" prefix/bin/offramp
"$offramp" init -q --config shape.json --vocab vocab.txt --out model || complain 'init failed'

# train PROGRAM OUT OPTIONS
train()
{
    offramp=$work/$1 out_dir=$2
    shift 2
    run train -q --method finetune --train train.tsv --dev train.tsv --text text \
        --label label --joint-epochs 1 --out "$out_dir" "$@"
}

train tree/build/offramp t1
fails 2 ' train' 'needs --model DIR: .*offramp-small.*offramp init'
[ ! -e t1 ] || complain 'a failed run left something behind'

# Beside the build folder; --model wins; --resume remembers.
mkdir -p tree/models && cp -r model tree/models/offramp-small
train tree/build/offramp t1
exits 0
grep -q '"model": ".*/tree/models/offramp-small"' t1/train.json ||
    { complain 'another model than the default'; cat t1/train.json; }
train tree/build/offramp t2 --model model
exits 0
grep -q '"model": "model"' t2/train.json || complain '--model is not used'
cmp -s t1/model.safetensors t2/model.safetensors || complain 'other weights'

# Installed.
train prefix/bin/offramp t3
fails 2 ' train' 'needs --model DIR'
mkdir -p prefix/share/offramp/models
mv tree/models/offramp-small prefix/share/offramp/models/offramp-small
train prefix/bin/offramp t3
exits 0
grep -q '"model": ".*/prefix/share/offramp/models/offramp-small"' t3/train.json ||
    complain 'the installed model is not found'

# A folder without config.json is no model.
rm prefix/share/offramp/models/offramp-small/config.json
train prefix/bin/offramp t4
fails 2 ' train' 'needs --model DIR'
finish
