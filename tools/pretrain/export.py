"""What a run leaves: a model directory and its card."""
import json
import os

import numpy as np
import torch

import model as nets
import store

CARD = """---
language: en
license: apache-2.0
library_name: offramp
---
# {name}

An English text encoder pretrained by replaced-token detection (ELECTRA) with
`tools/pretrain/pretrain.py`; {L} layers of {C}, {H} heads, inner width {F}, embeddings of
{E}, {V} WordPiece entries, texts of up to {length} tokens. It has no classifier: start from
it with `offramp train --model`.{unfinished}

| | |
|---|---|
| texts | {source}{texts}; {train_tokens:,} tokens |
| tokens seen | {tokens:,} in {step:,} steps of {batch} x {length} |
| time | {minutes:.1f} minutes of training, compiling not counted |
| hardware | {hardware} |
| learning rate, dropout, seed | {lr:g}, {dropout:g}, {seed} |

On {dev_tokens:,} tokens of held-out text:

| | |
|---|---|
| loss: generator + {weight:g} x discriminator | {loss:.3f} |
| generator: loss, accuracy on masked tokens | {generator_loss:.3f}, {generator_accuracy:.3f} |
| discriminator: loss, accuracy on all tokens | {discriminator_loss:.4f}, {accuracy:.4f} |
| share of tokens that were replaced | {replaced_share:.4f} |
| found among the replaced, among the others, mean | {recall_replaced:.4f}, \
{recall_original:.4f}, {balanced_accuracy:.4f} |

## Fine-tuned

<!-- scores -->
Not measured yet; `tools/pretrain/scores.sh` trains, measures and writes them here.
<!-- /scores -->

## Licence

Weights and vocabulary: Apache-2.0, as the program. The texts are not part of them and have
licences of their own.
"""


def hardware(device):
    if device.type == "cuda":
        name, numbers = torch.cuda.get_device_name(device), "bf16"
    else:
        name, numbers = f"a CPU, threads: {torch.get_num_threads()}", "f32"
    return f"{name}; {numbers}; PyTorch {torch.__version__}"


def unfinished(run):
    """What the card says about a run that may go on; nothing when its budget is spent."""
    args = run.args
    if run.progress() >= 1.0:
        return ""
    spent = (f"{run.step} of {args.steps} steps" if args.steps else
             f"{run.seconds / 60.0:.1f} of {run.budget / 60.0:g} minutes")
    return (f"\n\n**Budget not spent: {spent}.** The learning rate had not fallen to its "
            "end, so\nthe finished model would be better.")


def write(run, folder, found):
    """The discriminator in F16 as a model directory in Hugging Face layout; found: what
    Run.evaluate returns."""
    args, meta = run.args, run.meta
    tensors = {}
    for name, value in nets.discriminator_tensors(run.net).items():
        array = value.detach().float().cpu().numpy()
        half = array.astype(np.float16)
        if not np.isfinite(half).all():
            raise SystemExit(f"pretrain.py: {name} does not fit into F16")
        tensors[name] = half
    os.makedirs(folder, exist_ok=True)
    store.write_model(folder, tensors, int(args.shard_mib * 2**20))
    with open(os.path.join(folder, "vocab.txt"), "wb") as file:
        file.write(run.vocab)
    files = {
        "config.json": nets.config(meta["vocab_size"], run.shape, args.dropout),
        "tokenizer_config.json": {"do_lower_case": True,
                                  "tokenizer_class": "ElectraTokenizer",
                                  "model_max_length": run.shape["length"]},
    }
    for name, content in files.items():
        with open(os.path.join(folder, name), "w") as file:
            json.dump(content, file, indent=2)
            file.write("\n")
    source = meta.get("source", "")
    facts = {**vars(args), **run.shape, **meta, **found, "V": meta["vocab_size"],
             "tokens": run.tokens, "step": run.step, "minutes": run.seconds / 60.0,
             "hardware": hardware(run.device), "texts": ", ".join(meta["texts"]),
             "source": f"{source}: " if source else "", "weight": nets.WEIGHT,
             "loss": found["generator_loss"] + nets.WEIGHT * found["discriminator_loss"],
             "unfinished": unfinished(run), "name": args.name}
    with open(os.path.join(folder, "README.md"), "w", encoding="utf-8") as file:
        file.write(CARD.format(**facts))
