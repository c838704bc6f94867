// ONNX Runtime's side of the comparison: requests as JSON lines on standard input,
// answers as JSON lines.  See drive.py for what is asked.
//
//     node ort_peer.mjs MODULE_DIR ONNX_DIR
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import path from "node:path";

const [moduleDir, onnxDir] = process.argv.slice(2);
const ort = createRequire(path.join(moduleDir, "package.json"))("onnxruntime-node");
const sessions = new Map();

async function open(variant, threads) {
  const key = `${variant} ${threads}`;
  if (!sessions.has(key)) {
    sessions.set(key, await ort.InferenceSession.create(path.join(onnxDir, `${variant}.onnx`), {
      executionProviders: ["cpu"],
      graphOptimizationLevel: "all",
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: "sequential",
    }));
  }
  return sessions.get(key);
}

// Texts (arrays of ids) as one padded batch.
function feeds(texts, withMask) {
  const tokens = Math.max(...texts.map((text) => text.length));
  const ids = new BigInt64Array(texts.length * tokens);
  const mask = new BigInt64Array(texts.length * tokens);
  texts.forEach((text, b) => text.forEach((id, t) => {
    ids[b * tokens + t] = BigInt(id);
    mask[b * tokens + t] = 1n;
  }));
  const shape = [texts.length, tokens];
  const all = { input_ids: new ort.Tensor("int64", ids, shape) };
  if (withMask) all.attention_mask = new ort.Tensor("int64", mask, shape);
  return all;
}

function texts(lengths) {
  return lengths.map((n) => Array.from({ length: n }, (_, t) => 1000 + ((t * 37) % 20000)));
}

const requests = {
  async open({ variant, threads }) {
    const start = performance.now();
    await open(variant, threads);
    return { open_ms: performance.now() - start };
  },
  async close() {
    for (const session of sessions.values()) await session.release();
    sessions.clear();
    return {};
  },
  // One batch, `repeat` times, after `warmup` times that do not count.
  async time({ variant, threads, batch, tokens, repeat, warmup }) {
    const session = await open(variant, threads);
    const input = feeds(texts(Array(batch).fill(tokens)), false);
    const samples = [];
    for (let i = -warmup; i < repeat; i++) {
      const start = performance.now();
      await session.run(input, ["logits"]);
      if (i >= 0) samples.push(performance.now() - start);
    }
    return { samples_ms: samples };
  },
  // Batches of texts of given lengths, each once, padded to the longest of its batch.
  async batches({ variant, threads, batches }) {
    const session = await open(variant, threads);
    const samples = [];
    for (const lengths of batches) {
      const input = feeds(texts(lengths), true);
      const start = performance.now();
      await session.run(input, ["logits"]);
      samples.push(performance.now() - start);
    }
    return { samples_ms: samples };
  },
  async answer({ variant, threads, ids }) {
    const session = await open(variant, threads);
    const out = await session.run(feeds(ids, variant.endsWith("_mask")));
    return { logits: Array.from(out.logits.data),
             hidden: Array.from(out.last_hidden_state.data) };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  let answer;
  try {
    answer = await requests[request.op](request);
  } catch (error) {
    answer = { error: String(error) };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
}
