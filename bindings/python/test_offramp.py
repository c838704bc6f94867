"""What offramp.py says is what the program says, to the bit.

Environment: OFFRAMP_PROGRAM, OFFRAMP_MODEL (a directory with single texts of the
classes neg and pos), OFFRAMP_LIBRARY.
"""

import gc
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import unittest
import unittest.mock

import offramp

PROGRAM, MODEL = os.environ["OFFRAMP_PROGRAM"], os.environ["OFFRAMP_MODEL"]
TEXTS = ["the film is good", "bad", "", "not very good !", "the film the film",
         "un ##believable bad good is", "\u00fcber \U0001f600"] * 6


def predict(texts, *options, model=MODEL):
    """The program's answers: (label, probability, exit layer, tokens, truncated)."""
    run = subprocess.run([PROGRAM, "predict", "--model", model, "--json", *options],
                         input="".join(text + "\n" for text in texts).encode(),
                         stdout=subprocess.PIPE, check=True)
    rows = map(json.loads, run.stdout.splitlines())
    return [(row["label"], row["probability"], row["exit_layer"], row["n_tokens"],
             row["truncated"]) for row in rows]


def short(answer):
    return (answer.label, answer.probability, answer.exit_layer, answer.n_tokens,
            answer.truncated)


def tensors(text):
    """What `offramp features` writes about a text: name -> (shape, values)."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = os.path.join(folder, "in"), os.path.join(folder, "out")
        with open(source, "w", encoding="utf-8") as file:
            file.write(text + "\n")
        subprocess.run([PROGRAM, "features", "-q", "--model", MODEL, "--input", source,
                        "--output", target], check=True)
        with open(target, "rb") as file:
            data = file.read()
    (n,) = struct.unpack_from("<Q", data)
    found = {}
    for name, row in json.loads(data[8:8 + n]).items():
        if name == "__metadata__":
            continue
        start, end = row["data_offsets"]
        values = struct.unpack_from("<%df" % ((end - start) // 4), data, 8 + n + start)
        found[name] = (row["shape"], list(values))
    return found


def flat(values):
    """Lists of lists, or an array, as one list."""
    if hasattr(values, "ravel"):
        return values.ravel().tolist()
    return sum(map(flat, values), []) if values and isinstance(values[0], list) else values


def copied(case):
    """A copy of the model for one test."""
    folder = tempfile.TemporaryDirectory()
    case.addCleanup(folder.cleanup)
    return shutil.copytree(MODEL, os.path.join(folder.name, "model"))


def store_rule(folder, rule, threshold):
    path = os.path.join(folder, "config.json")
    with open(path, encoding="utf-8") as file:
        config = json.load(file)
    config["offramp"].update(rule=rule, threshold=threshold)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(config, file)


def spoil_word(folder, word):
    """Its embedding is NaN: texts that hold it have no answer."""
    with open(os.path.join(folder, "vocab.txt"), encoding="utf-8") as file:
        row = file.read().split("\n").index(word)
    with open(os.path.join(folder, "model.safetensors"), "r+b") as file:
        (n,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(n))
        (name,) = [name for name in header if name.endswith("word_embeddings.weight")]
        width = header[name]["shape"][1]
        file.seek(8 + n + header[name]["data_offsets"][0] + 4 * width * row)
        file.write(struct.pack("<f", float("nan")) * width)


class Classify(unittest.TestCase):
    def setUp(self):
        self.model = offramp.Model(MODEL)
        self.addCleanup(self.model.close)

    def test_model(self):
        self.assertEqual(self.model.labels, ["neg", "pos"])
        self.assertEqual((self.model.n_layers, self.model.n_classes), (3, 2))
        self.assertEqual((self.model.hidden_size, self.model.precision), (16, "f32"))
        self.assertFalse(self.model.is_regression)
        self.assertEqual(self.model.rule, "never")
        self.assertRegex(offramp.version(), r"^\d+\.\d+\.\d+$")

    def test_rules(self):
        for rule, threshold in [("policy", 0.5), ("policy", 0.09), ("fixed", 2),
                                ("entropy", 0.6), ("never", None), ("patience", 1)]:
            options = ["--rule", rule]
            if threshold is not None:
                options += ["--threshold", str(threshold)]
            expected = predict(TEXTS, *options)
            with self.model.session(rule=rule, threshold=threshold) as session:
                self.assertEqual([short(a) for a in session.classify(TEXTS)], expected)
                self.assertEqual(short(session.classify(TEXTS[0])), expected[0])
            with self.model.session(max_batch=5, threads=1) as session:
                session.set_exit(rule, threshold)
                self.assertEqual([short(a) for a in session.classify(TEXTS)], expected)

    def test_stored_rule(self):
        """None is what is stored, and 0 is 0."""
        folder = copied(self)
        store_rule(folder, "policy", 1.0)
        stored, zero = (predict(TEXTS, *options, model=folder)
                        for options in ([], ["--threshold", "0"]))
        self.assertEqual({row[2] for row in stored}, {3})
        self.assertEqual({row[2] for row in zero}, {1})
        with offramp.Model(folder) as model:
            self.assertEqual(model.rule, "policy")
            for threshold, expected in [(0, zero), (0.0, zero), (None, stored)]:
                with model.session(threshold=threshold) as session:
                    self.assertEqual([short(a) for a in session.classify(TEXTS)], expected)
                with model.session(rule="never") as session:
                    session.set_exit(threshold=threshold)
                    self.assertEqual([short(a) for a in session.classify(TEXTS)], expected)

    def test_pairs(self):
        pairs = [("the film", "is good"), ("bad", ""), ("", "not very good")]
        expected = predict(["\t".join(pair) for pair in pairs], "--pairs")
        with self.model.session() as session:
            self.assertEqual([short(a) for a in session.classify(pairs)], expected)
            self.assertEqual(short(session.classify(pairs[0])), expected[0])

    def test_probabilities(self):
        with self.model.session() as session:
            for answer in session.classify(TEXTS):
                self.assertEqual(len(answer.probabilities), 2)
                self.assertAlmostEqual(sum(answer.probabilities), 1, places=6)
                self.assertEqual(answer.probability, max(answer.probabilities))
                self.assertEqual(answer.probability, answer.probabilities[answer.index])

    def test_own_rule(self):
        seen = {}

        def sure(point):
            seen.setdefault(point.text, []).append(point.layer)
            self.assertAlmostEqual(sum(point.probabilities), 1, places=6)
            self.assertTrue(0 <= point.policy <= 1 and point.n_layers == 3)
            return max(point.probabilities) > 0.8

        expected = predict(TEXTS[:7], "--rule", "confidence", "--threshold", "0.8")
        self.assertGreater(len({row[2] for row in expected}), 1)
        with self.model.session(rule=sure) as session:
            self.assertEqual([short(a) for a in session.classify(TEXTS[:7])], expected)
        for i, row in enumerate(expected):
            self.assertEqual(seen[i], list(range(1, min(row[2], 2) + 1)))

    def test_own_rule_that_raises(self):
        def broken(point):
            raise KeyError(point.layer)

        with self.model.session(rule=broken) as session:
            self.assertRaises(KeyError, session.classify, TEXTS)
            session.set_exit("never")
            self.assertEqual(session.classify("bad").exit_layer, 3)

    def test_own_rule_that_raises_before_the_library_fails(self):
        """Both are told, and the next call knows of neither."""
        folder, broken = copied(self), [True]
        spoil_word(folder, "bad")

        def rule(point):
            if broken[0]:
                raise KeyError(point.layer)
            return True

        with offramp.Model(folder) as model, model.session(rule=rule) as session:
            with self.assertRaises(KeyError) as caught:
                session.classify("bad")
            self.assertIsInstance(caught.exception.__context__, offramp.Error)
            self.assertEqual(caught.exception.__context__.status, "FORMAT")
            broken[0] = False
            self.assertEqual(session.classify("good").exit_layer, 1)
            self.assertRaises(offramp.Error, session.classify, "bad")

    def test_threads(self):
        expected, got = predict(TEXTS), [None] * 4

        def work(i):
            with self.model.session(threads=1) as session:
                got[i] = [short(a) for a in session.classify(TEXTS)]

        threads = [threading.Thread(target=work, args=(i,)) for i in range(len(got))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(got, [expected] * len(got))


class Alone(unittest.TestCase):
    """A session that is in use says so to everybody else, and works on."""

    def setUp(self):
        self.model = offramp.Model(MODEL)
        self.addCleanup(self.model.close)
        self.expected = predict(TEXTS, "--rule", "never")

    WAYS = (lambda session: session.classify("bad"),
            lambda session: session.classify(["bad"]),
            lambda session: session.features("bad"),
            lambda session: session.set_exit("never"),
            lambda session: session.close(),
            lambda session: session.model.close())

    def refused(self, session):
        for way in self.WAYS:
            with self.assertRaisesRegex(RuntimeError, "session is in use"):
                way(session)

    def test_rule_that_uses_its_session(self):
        idle = self.model.session(rule="never")
        for way in self.WAYS:
            with self.model.session(rule=lambda _: way(session)) as session:
                with self.assertRaisesRegex(RuntimeError, "session is in use"):
                    session.classify(TEXTS)
                session.set_exit("never")
                self.assertEqual([short(a) for a in session.classify(TEXTS)],
                                 self.expected)
            self.assertEqual(short(idle.classify(TEXTS[0])), self.expected[0])

    def test_rule_that_uses_another_session(self):
        with self.model.session(rule="never") as other:
            def ask(point):
                self.refused(session)
                return other.classify(TEXTS[point.text]).exit_layer == 1

            with self.model.session(rule=ask) as session:
                self.assertEqual([short(a) for a in session.classify(TEXTS)],
                                 self.expected)

    def test_four_threads(self):
        inside, tried = threading.Event(), threading.Semaphore(0)
        failures = []

        def wait(_):
            if not inside.is_set():
                inside.set()
                for _ in range(4):
                    self.assertTrue(tried.acquire(timeout=60))
            return False

        def work():
            try:
                self.assertTrue(inside.wait(60))
                self.refused(session)
            except BaseException as error:
                failures.append(error)
            tried.release()

        with self.model.session(rule=wait, max_batch=4) as session:
            threads = [threading.Thread(target=work) for _ in range(4)]
            for thread in threads:
                thread.start()
            self.assertEqual([short(a) for a in session.classify(TEXTS)], self.expected)
            for thread in threads:
                thread.join()
        self.assertEqual(failures, [])

    def test_collector(self):
        """A rule that knows its session makes a ring, which loses its model with it."""
        library, closed = offramp._lib(), []

        def watched(name):
            close = getattr(library, name)
            return unittest.mock.patch.object(
                library, name, lambda pointer: (closed.append(name), close(pointer)))

        with watched("ofr_model_close"), watched("ofr_session_close"):
            gc.collect()
            session = offramp.Model(MODEL).session(rule=lambda _: session is None)
            self.assertEqual(session.classify("bad").exit_layer, 3)
            session = None
            gc.collect()
        self.assertEqual(closed, ["ofr_session_close", "ofr_model_close"])


    def test_process_that_ends(self):
        """A thread that nobody waits for is inside the library until the very end."""
        program = """if True:
            import sys, threading
            sys.path[:0] = sys.argv[2:]
            import offramp
            session = offramp.Model(sys.argv[1]).session(max_batch=2000, threads=1)
            begun = threading.Event()
            def work():
                while True:
                    begun.set()
                    session.classify(["the film is good"] * 2000)
            threading.Thread(target=work, daemon=True).start()
            begun.wait()"""
        for _ in range(3):
            run = subprocess.run([sys.executable, "-c", program, MODEL, *sys.path],
                                 timeout=60)
            self.assertEqual(run.returncode, 0)


class Inspect(unittest.TestCase):
    text = "the film is not very good"

    def check(self, f):
        want = tensors(self.text)
        shape, _ = want["hidden_states.0"]
        self.assertEqual([1, len(f.ids), 16], shape)
        hidden = sum((want["hidden_states.%d" % l][1] for l in range(4)), [])
        self.assertEqual(flat(f.hidden), hidden)
        self.assertEqual(flat(f.pooled)[-16:], want["pooled"][1])
        logits = sum((want["logits.%d" % l][1] for l in (1, 2, 3)), [])
        self.assertEqual(flat(f.logits), logits)
        self.assertEqual(flat(f.policy), want["policy.1"][1] + want["policy.2"][1])
        self.assertFalse(f.truncated)

    def features(self):
        with offramp.Model(MODEL) as model, model.session() as session:
            return session.features(self.text)

    @unittest.skipIf(offramp.numpy is None, "numpy is not here")
    def test_arrays(self):
        f = self.features()
        self.assertEqual(f.hidden.shape, (4, len(f.ids), 16))
        self.assertEqual((f.pooled.shape, f.logits.shape), ((3, 16), (3, 2)))
        self.check(f)

    def test_lists(self):
        kept, offramp.numpy = offramp.numpy, None
        try:
            f = self.features()
        finally:
            offramp.numpy = kept
        self.assertIsInstance(f.hidden[0][0], list)
        self.assertEqual((len(f.hidden), len(f.hidden[0]), len(f.hidden[0][0])),
                         (4, len(f.ids), 16))
        self.check(f)


class Errors(unittest.TestCase):
    def test_lines(self):
        with self.assertRaises(offramp.Error) as caught:
            offramp.Model(os.path.join(MODEL, "nowhere"))
        self.assertEqual(caught.exception.status, "NOT_FOUND")
        self.assertIn("nowhere", str(caught.exception))
        with offramp.Model(MODEL) as model:
            with self.assertRaisesRegex(offramp.Error, "sometimes") as caught:
                model.session(rule="sometimes")
            self.assertEqual(caught.exception.status, "INVALID")
            self.assertRaises(offramp.Error, offramp.Model, MODEL, precision="int3")
            with model.session() as session:
                self.assertRaises(offramp.Error, session.set_exit, "policy", 7)
                self.assertRaises(TypeError, session.classify, [3])
                self.assertEqual(session.classify([]), [])
            self.assertRaises(ValueError, session.classify, "bad")
        self.assertRaises(ValueError, model.session)

    def test_numbers(self):
        """What a C int cannot hold is refused, not cut; 0 means what the header says."""
        for value in (2 ** 32 + 1, 2 ** 31, -1, -2 ** 32, 10 ** 30):
            line = "^threads is %d, expected 0 to 2147483647$" % value
            with self.assertRaisesRegex(ValueError, line):
                offramp.Model(MODEL, threads=value)
            with offramp.Model(MODEL) as model:
                for name in ("max_batch", "max_tokens", "threads"):
                    line = "^%s is %d, expected 0 to 2147483647$" % (name, value)
                    with self.assertRaisesRegex(ValueError, line):
                        model.session(**{name: value})
        with offramp.Model(MODEL, pack_at_open=2 ** 32) as model:
            self.assertRaises(TypeError, model.session, max_batch=2.5)
            with self.assertRaisesRegex(offramp.Error, "max_tokens is 2147483647"):
                model.session(max_tokens=2 ** 31 - 1)
            with model.session(max_batch=0, max_tokens=0, threads=0) as session:
                self.assertEqual(session.max_batch, 32)
                self.assertEqual([short(a) for a in session.classify(TEXTS)],
                                 predict(TEXTS))

    def test_strings(self):
        """A NUL inside is refused: C would read what comes before it."""
        for path in (MODEL + "\0/other", (MODEL + "\0").encode()):
            with self.assertRaisesRegex(ValueError, "path is '.*, .* without NUL"):
                offramp.Model(path)
        with self.assertRaisesRegex(ValueError, r"precision is 'f32\\x00', .* at 3$"):
            offramp.Model(MODEL, precision="f32\0")
        with offramp.Model(MODEL) as model, model.session() as session:
            with self.assertRaisesRegex(ValueError, r"rule is 'policy\\x00x', .* at 6$"):
                model.session(rule="policy\0x")
            self.assertRaises(ValueError, session.set_exit, "never\0")

    def test_closing(self):
        model = offramp.Model(MODEL)
        session = model.session()
        model.close()  # and the session with it
        self.assertRaises(ValueError, session.classify, "bad")
        session.close()
        model.close()
        offramp.Model(MODEL).session().classify("bad")  # left to the collector

    def test_log(self):
        lines = []
        offramp.log_to(lambda level, line: lines.append((level, line)))
        offramp.Model(MODEL).close()
        offramp.log_to(None)
        offramp.Model(MODEL).close()
        self.assertEqual([level for level, _ in lines], ["info"])
        self.assertIn("3 layers", lines[0][1])

    def test_statuses(self):
        library = offramp._lib()
        library.ofr_status_text.restype = offramp.ctypes.c_char_p
        texts = [library.ofr_status_text(i) for i in range(len(offramp.STATUSES) + 1)]
        self.assertEqual(len(set(texts)), len(texts))
        self.assertEqual(texts[-1], b"unknown status")


if __name__ == "__main__":
    unittest.main()
