#!/usr/bin/env python3
"""scores_table.py MODEL OUT [OPTIONS]: the records of scores.sh as a table in the card of
MODEL, between its two marks."""
import glob
import json
import os
import re
import statistics
import sys

FIRST, LAST = "<!-- scores -->", "<!-- /scores -->"
TASKS = ("rte", "mrpc", "sst2", "qqp", "qnli", "snli", "cola", "stsb", "stackoverflow",
         "mcid")


def read(folder):
    """(task, metric) -> kind -> seed -> score in per cent, and some record."""
    scores, record = {}, {}
    for path in sorted(glob.glob(os.path.join(glob.escape(folder), "*-*-*.json"))):
        task, seed, kind = os.path.basename(path)[:-5].rsplit("-", 2)
        with open(path) as file:
            record = json.load(file)
        for metric, score in (("metric", "score_full"), ("metric2", "score2_full")):
            if record.get(metric):
                of = scores.setdefault((task, record[metric]), {})
                of.setdefault(kind, {})[seed] = 100 * record[score]
    return scores, record


def cell(values):
    if not values:
        return ""
    values = list(values.values())
    spread = f" ± {statistics.stdev(values):.1f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.1f}{spread}"


def table(scores, record, options):
    lines = ["| task | metric | seeds | from scratch | pretrained | gain |",
             "|---|---|---|---|---|---|"]
    rank = {task: k for k, task in enumerate(TASKS)}
    for task, metric in sorted(scores, key=lambda key: rank.get(key[0], len(rank))):
        kinds = scores[task, metric]
        scratch, ours = kinds.get("scratch", {}), kinds.get("pretrained", {})
        both = scratch.keys() & ours.keys()  # a gain is between equal seeds
        gain = f"{statistics.mean(ours[s] - scratch[s] for s in both):+.1f}" if both else ""
        lines.append(f"| {task} | {metric} | {len(both)} | {cell(scratch)} | {cell(ours)} "
                     f"| {gain} |")
    lines += ["", "Full model on dev files, per cent, mean ± standard deviation over seeds; "
              f"`tools/pretrain/scores.sh`, commit {record['commit']}"
              + (f", with `{options}`" if options else "") + "."]
    return "\n".join(lines)


def main():
    model, folder = sys.argv[1:3]
    scores, record = read(folder)
    if not scores:
        sys.exit(f"scores_table.py: {folder}: no records")
    text = table(scores, record, " ".join(sys.argv[3:]).strip())
    print(text)
    path = os.path.join(model, "README.md")
    with open(path, encoding="utf-8") as file:
        card = file.read()
    if card.count(FIRST) != 1 or card.count(LAST) != 1:
        sys.exit(f"scores_table.py: {path}: expected one '{FIRST}' and one '{LAST}'")
    block = f"{FIRST}\n{text}\n{LAST}"
    card = re.sub(f"{FIRST}.*{LAST}", lambda _: block, card, flags=re.DOTALL)
    with open(path + ".tmp", "w", encoding="utf-8") as file:
        file.write(card)
    os.replace(path + ".tmp", path)


if __name__ == "__main__":
    main()
