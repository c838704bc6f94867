"""offramp in Python: text classifiers that know when to stop.

One file over libofframp through ctypes; nothing is compiled, numpy is used when it
is there.

    import offramp

    with offramp.Model("my-model") as model, model.session() as session:
        answer = session.classify("a film that earns its tears")
        print(answer.label, answer.probability, answer.exit_layer)

The library is looked for in $OFFRAMP_LIBRARY (its path), then beside this file's
installation prefix, then where the system's loader looks.
"""

import collections
import contextlib
import ctypes
import glob
import math
import operator
import os
import threading
import weakref

try:
    import numpy
except ImportError:
    numpy = None

__all__ = ["Answer", "Error", "Features", "Model", "Point", "Session", "log_to",
           "version"]

VERSION_NUMBER = 100  # of the header that the structures below are taken from
SONAME = "libofframp.so.0"
STATUSES = ("OK", "NOMEM", "IO", "NOT_FOUND", "FORMAT", "INVALID", "TOO_LONG",
            "DIVERGED", "INTERRUPTED", "UNPROVEN")
LEVELS = ("debug", "info", "warning")
INT_MAX = 2 ** 31 - 1  # ctypes cuts a larger number without a word
MAX_BATCH = 32  # what the library means by 0

Answer = collections.namedtuple(
    "Answer", "label index probability probabilities exit_layer n_tokens truncated")
Answer.__doc__ = """What a text is: label (a name), index (its number), probability of
that label, probabilities of all, the layer that answered (from 1), tokens read, and
whether the text was cut.  Of a regression, probability is the value."""

Features = collections.namedtuple("Features", "ids hidden pooled logits policy truncated")
Features.__doc__ = """Everything the model computes about a text of T tokens: ids [T];
hidden [L+1, T, C], 0 being what layer 1 reads; pooled [L, C]; logits [L, K], row l - 1
for layer l; policy [L-1], or None when the model has none.  numpy arrays of their own,
or lists of lists without numpy.  Layers without a classifier are NaN."""

Point = collections.namedtuple(
    "Point", "text layer n_layers logits probabilities policy")
Point.__doc__ = """What a rule of your own is asked about: the text's number in the
call, the layer (1 .. n_layers - 1), what this layer's classifier says, and the policy's
probability of stopping (NaN when there is none)."""


class Error(Exception):
    """The library's line; `status` is its kind, such as "NOT_FOUND"."""

    def __init__(self, status, line):
        super().__init__(line)
        self.status = status


# ---- the library's structures, as in offramp.h ----------------------------------

class _Error(ctypes.Structure):
    _fields_ = [("status", ctypes.c_int), ("text", ctypes.c_char * 512)]


class _ModelOptions(ctypes.Structure):
    _fields_ = [("precision", ctypes.c_char_p), ("n_threads", ctypes.c_int),
                ("pack_at_open", ctypes.c_int)]


class _Point(ctypes.Structure):
    _fields_ = [("text", ctypes.c_int), ("layer", ctypes.c_int),
                ("n_layers", ctypes.c_int), ("n_classes", ctypes.c_int),
                ("logits", ctypes.POINTER(ctypes.c_float)),
                ("probs", ctypes.POINTER(ctypes.c_float)),
                ("policy", ctypes.c_float)]


_Decide = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(_Point))
_Sink = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p)


class _Exit(ctypes.Structure):
    _fields_ = [("rule", ctypes.c_char_p), ("threshold", ctypes.c_double),
                ("decide", _Decide), ("user", ctypes.c_void_p)]


class _SessionOptions(ctypes.Structure):
    _fields_ = [("max_batch", ctypes.c_int), ("max_tokens", ctypes.c_int),
                ("n_threads", ctypes.c_int), ("exit", _Exit)]


class _Text(ctypes.Structure):
    _fields_ = [("text", ctypes.c_char_p), ("text_len", ctypes.c_size_t),
                ("pair", ctypes.c_char_p), ("pair_len", ctypes.c_size_t)]


class _Result(ctypes.Structure):
    _fields_ = [("label", ctypes.c_int), ("exit_layer", ctypes.c_int),
                ("n_tokens", ctypes.c_int), ("truncated", ctypes.c_int),
                ("probs", ctypes.POINTER(ctypes.c_float))]


class _Features(ctypes.Structure):
    _fields_ = [("n_tokens", ctypes.c_int), ("truncated", ctypes.c_int),
                ("hidden_size", ctypes.c_int), ("n_layers", ctypes.c_int),
                ("n_classes", ctypes.c_int),
                ("ids", ctypes.POINTER(ctypes.c_int)),
                ("hidden", ctypes.POINTER(ctypes.c_float)),
                ("pooled", ctypes.POINTER(ctypes.c_float)),
                ("logits", ctypes.POINTER(ctypes.c_float)),
                ("policy", ctypes.POINTER(ctypes.c_float))]


# name: result, arguments; a result of c_int with an _Error last is a status
_POINTER, _INT, _TEXT = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
_ERROR = ctypes.POINTER(_Error)
_FUNCTIONS = {
    "ofr_version": (_TEXT, []),
    "ofr_version_check": (_INT, [_INT, _ERROR]),
    "ofr_log_set_sink": (None, [_Sink, _POINTER]),
    "ofr_model_open_as": (_INT, [ctypes.POINTER(_POINTER), _TEXT,
                                 ctypes.POINTER(_ModelOptions), _ERROR]),
    "ofr_model_close": (None, [_POINTER]),
    "ofr_model_precision": (_TEXT, [_POINTER]),
    "ofr_model_n_layers": (_INT, [_POINTER]),
    "ofr_model_n_classes": (_INT, [_POINTER]),
    "ofr_model_hidden_size": (_INT, [_POINTER]),
    "ofr_model_is_regression": (_INT, [_POINTER]),
    "ofr_model_rule": (_TEXT, [_POINTER]),
    "ofr_model_label": (_TEXT, [_POINTER, _INT]),
    "ofr_session_open": (_INT, [ctypes.POINTER(_POINTER), _POINTER,
                                ctypes.POINTER(_SessionOptions), _ERROR]),
    "ofr_session_close": (None, [_POINTER]),
    "ofr_session_set_exit": (_INT, [_POINTER, ctypes.POINTER(_Exit), _ERROR]),
    "ofr_classify": (_INT, [_POINTER, ctypes.POINTER(_Result), ctypes.POINTER(_Text),
                            _INT, _ERROR]),
    "ofr_session_features": (_INT, [_POINTER, ctypes.POINTER(_Features),
                                    ctypes.POINTER(_Text), _ERROR]),
}


# ---- finding and calling it -----------------------------------------------------

def _candidates():
    """Paths and names to try, in this order."""
    named = os.environ.get("OFFRAMP_LIBRARY")
    if named:
        return [named]
    folder, found = os.path.dirname(os.path.abspath(__file__)), []
    for _ in range(3):  # PREFIX/share/offramp/python
        folder = os.path.dirname(folder)
        for place in ("lib*", os.path.join("lib", "*")):
            found += sorted(glob.glob(os.path.join(glob.escape(folder), place, SONAME)))
    return found + [SONAME]


def _declare(library, names):
    for name in names:
        function = getattr(library, name)
        function.restype, function.argtypes = _FUNCTIONS[name]


def _load():
    failures = []
    for path in _candidates():
        try:
            library = ctypes.CDLL(path)
        except OSError as error:
            failures.append(str(error))
            continue
        _declare(library, ["ofr_version_check"])
        return library
    raise Error("NOT_FOUND", "libofframp is not installed where Python finds it; set "
                "OFFRAMP_LIBRARY to its path (" + "; ".join(failures) + ")")


_lock = threading.Lock()
_library = None
_sink = None  # the library holds its address


def _lib():
    """The library, loaded when it is first needed."""
    global _library
    with _lock:
        if _library is None:
            library, error = _load(), _Error()
            if library.ofr_version_check(VERSION_NUMBER, ctypes.byref(error)) != 0:
                _fail(error)
            _declare(library, _FUNCTIONS)  # an older library may lack some of them
            _library = library
        return _library


def _fail(error):
    status = error.status
    raise Error(STATUSES[status] if status < len(STATUSES) else str(status),
                error.text.decode("utf-8", "replace"))


def _call(name, *arguments):
    """Call a function that returns a status, and raise what it says."""
    error = _Error()
    if getattr(_lib(), name)(*arguments, ctypes.byref(error)) != 0:
        _fail(error)


def _int(name, value):
    """A number that the library reads as it is; it knows itself what it can do."""
    value = operator.index(value)
    if not 0 <= value <= INT_MAX:
        raise ValueError("%s is %d, expected 0 to %d" % (name, value, INT_MAX))
    return value


def _string(name, value):
    """A path or a name, which in C ends at its first NUL."""
    value = os.fsencode(value)
    if b"\0" in value:
        raise ValueError("%s is %r, expected a text without NUL; it has one at %d"
                         % (name, os.fsdecode(value), value.index(b"\0")))
    return value


def _bytes(text):
    if isinstance(text, bytes):
        return text
    if not isinstance(text, str):
        raise TypeError("a text is a str, not %s" % type(text).__name__)
    return text.encode("utf-8", "replace")


def _text(text):
    """A str, or a pair of them, as the library reads it."""
    first, second = text if isinstance(text, tuple) else (text, None)
    first = _bytes(first)
    second = None if second is None else _bytes(second)
    return _Text(first, len(first), second, 0 if second is None else len(second))


def _array(pointer, *shape):
    """A copy of the library's numbers: a numpy array, or lists of lists."""
    if numpy is not None:
        return numpy.ctypeslib.as_array(pointer, shape).copy()
    values = pointer[:math.prod(shape)]
    for width in reversed(shape[1:]):
        values = [values[i:i + width] for i in range(0, len(values), width)]
    return values


def version():
    """Version of the library, such as "0.1.0"."""
    return _lib().ofr_version().decode()


def log_to(function):
    """Send what the library has to say to function(level, line), level being "debug",
    "info" or "warning"; None: silence.  Call it before models are opened."""
    global _sink

    def sink(_, level, line):
        function(LEVELS[level], line.decode("utf-8", "replace"))

    made = _Sink(sink) if function is not None else _Sink()
    _lib().ofr_log_set_sink(made, None)
    _sink = made


def _give_back(close, pointer, _):
    close(pointer)


class _Handle:
    """Something of the library's, given back once: by close(), at the end of a
    `with`, or when nobody holds it any more."""

    def _own(self, pointer, close, lender=None):
        """`lender` outlives this, in whatever order the collector finds the two."""
        self._pointer = pointer
        self._finalize = weakref.finalize(self, _give_back, close, pointer, lender)
        self._finalize.atexit = False  # a thread that is left may be inside

    def _open(self):
        if not self._finalize.alive:
            raise ValueError("%s is closed" % type(self).__name__)
        return self._pointer

    def close(self):
        """Give the memory back; twice is fine."""
        self._finalize()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Model(_Handle):
    """An opened model directory; any number of threads may use it.

    precision: "f32", "f16", "bf16" or "int8"; None: as stored.
    threads: while opening; 0: all processors that this process may use.
    pack_at_open: False: the first call answers sooner, calls after it put the matrices
        into the kernels' order as they meet them.  True: all of it now, which is right
        before a fork.
    """

    def __init__(self, path, precision=None, threads=0, pack_at_open=False):
        library, pointer = _lib(), ctypes.c_void_p()
        options = _ModelOptions(_string("precision", precision) if precision else None,
                                _int("threads", threads), bool(pack_at_open))
        _call("ofr_model_open_as", ctypes.byref(pointer), _string("path", path),
              ctypes.byref(options))
        self._own(pointer, library.ofr_model_close)
        self._sessions, self._lending = weakref.WeakSet(), threading.RLock()
        self.n_layers = library.ofr_model_n_layers(pointer)
        self.n_classes = library.ofr_model_n_classes(pointer)
        self.hidden_size = library.ofr_model_hidden_size(pointer)
        self.precision = library.ofr_model_precision(pointer).decode()
        self.is_regression = bool(library.ofr_model_is_regression(pointer))
        self.rule = library.ofr_model_rule(pointer).decode("utf-8", "replace")
        self.labels = [library.ofr_model_label(pointer, k).decode("utf-8", "replace")
                       for k in range(self.n_classes)]

    def session(self, **options):
        """Session(self, **options)"""
        return Session(self, **options)

    def close(self):
        """Close the sessions that are left, then give the memory back.  RuntimeError:
        one of them is in use; all stay open then."""
        with self._lending, contextlib.ExitStack() as idle:
            sessions = list(self._sessions)
            for session in sessions:
                idle.enter_context(session._alone())
            for session in sessions:
                session._finalize()
            super().close()


class Session(_Handle):
    """Scratch memory of one caller: one thread at a time.  RuntimeError: another thread
    is inside, or a rule asks the session that asks it.

    rule: a name ("policy", "entropy", "fixed", ...), None: as stored in the model, or
        a function of one Point that returns True to stop there.
    threshold: of the rule; None: as stored, or the rule's own.
    max_batch: texts that are worked on together; 0: 32.
    max_tokens: longer texts are cut; 0: as in training.
    threads: that share the work of a call; 0: all.  With many sessions at once, 1.
    """

    def __init__(self, model, rule=None, threshold=None, max_batch=MAX_BATCH,
                 max_tokens=0, threads=0):
        self._raised, self._busy = None, threading.Lock()
        self.model = model
        self.max_batch = _int("max_batch", max_batch) or MAX_BATCH
        pointer, choice = ctypes.c_void_p(), self._exit(rule, threshold)
        options = _SessionOptions(self.max_batch, _int("max_tokens", max_tokens),
                                  _int("threads", threads), choice)
        with model._lending:
            _call("ofr_session_open", ctypes.byref(pointer), model._open(),
                  ctypes.byref(options))
            self._own(pointer, _lib().ofr_session_close, model)
            model._sessions.add(self)
        self._choice = choice  # the library holds the function's address

    def set_exit(self, rule=None, threshold=None):
        """Another rule or threshold for the calls that follow."""
        choice = self._exit(rule, threshold)
        with self._alone():
            _call("ofr_session_set_exit", self._open(), ctypes.byref(choice))
            self._choice = choice

    def classify(self, texts):
        """The Answer of a text, or a list of those of a list of texts.

        A text is a str, or a tuple of two of them for a task with pairs.
        """
        one = isinstance(texts, (str, bytes, tuple))
        texts, answers = [texts] if one else list(texts), []
        with self._alone():
            for first in range(0, len(texts), self.max_batch):
                answers += self._batch(texts[first:first + self.max_batch])
        return answers[0] if one else answers

    def features(self, text):
        """Everything the model computes about a text (or a pair), as Features."""
        text, f = _text(text), _Features()
        with self._alone():
            _call("ofr_session_features", self._open(), ctypes.byref(f),
                  ctypes.byref(text))
            T, C, L, K = f.n_tokens, f.hidden_size, f.n_layers, f.n_classes
            return Features(
                ids=_array(f.ids, T), hidden=_array(f.hidden, L + 1, T, C),
                pooled=_array(f.pooled, L, C), logits=_array(f.logits, L, K),
                policy=_array(f.policy, L - 1) if f.policy else None,
                truncated=bool(f.truncated))

    def close(self):
        """Give the memory back; twice is fine."""
        with self._alone():
            super().close()

    @contextlib.contextmanager
    def _alone(self):
        """Nobody else uses the session meanwhile; nobody waits for it either: a rule
        would wait for itself."""
        if not self._busy.acquire(blocking=False):
            raise RuntimeError(
                "the session is in use: by another thread, or by the rule that asks")
        try:
            yield
        finally:
            self._busy.release()

    def _exit(self, rule, threshold):
        value = math.nan if threshold is None else threshold
        if callable(rule):
            return _Exit(None, value, _Decide(self._asked(rule)), None)
        if not rule and value == 0:  # beside no name the library takes it for None
            rule = self.model.rule
        return _Exit(_string("rule", rule) if rule else None, value, _Decide(), None)

    def _asked(self, rule):
        """`rule` as the library calls it; what it raises is kept for the caller."""
        def decide(_, pointer):
            p = pointer[0]
            if self._raised is not None:
                return 1
            try:
                return bool(rule(Point(p.text, p.layer, p.n_layers,
                                       p.logits[:p.n_classes], p.probs[:p.n_classes],
                                       p.policy)))
            except BaseException as error:
                self._raised = error
                return 1
        return decide

    def _batch(self, texts):
        n, labels = len(texts), self.model.labels
        given, results = (_Text * n)(*map(_text, texts)), (_Result * n)()
        try:
            _call("ofr_classify", self._open(), results, given, n)
        finally:  # what the rule raised comes first, and goes with this call
            raised, self._raised = self._raised, None
            if raised is not None:
                raise raised
        return [Answer(labels[r.label], r.label, r.probs[r.label], r.probs[:len(labels)],
                       r.exit_layer, r.n_tokens, bool(r.truncated)) for r in results]
