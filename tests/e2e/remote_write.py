"""Remote write 1.0 requests with the standard library only."""
import struct


def varint(n):
    n &= (1 << 64) - 1
    out = bytearray()
    while n >= 128:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def field(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def label_pairs(labels):
    return b"".join(field(1, field(1, k.encode()) + field(2, v.encode())) for k, v in sorted(labels.items()))


def series(labels, samples, histograms=(), exemplars=()):
    """labels: a dict; samples: [(time_ms, value)]; histograms: [(time_ms, counts)] of buckets (0.5, 1], (1, 2] …;
    exemplars: [(time_ms, value, labels)]."""
    out = label_pairs(labels)
    for t, v in samples:
        out += field(2, b"\x09" + struct.pack("<d", v) + b"\x10" + varint(t))
    for t, v, pairs in exemplars:
        out += field(3, label_pairs(pairs) + b"\x11" + struct.pack("<d", v) + b"\x18" + varint(t))
    for t, counts in histograms:
        deltas = [n - before for n, before in zip(counts, [0] + list(counts))]
        out += field(4, histogram(t, sum(counts), 1.5 * sum(counts), 0, 0, deltas))
    return field(1, out)


def snappy(data):
    """A valid block that holds literals only."""
    out = varint(len(data))
    for i in range(0, len(data), 60):
        piece = data[i:i + 60]
        out += bytes([(len(piece) - 1) << 2]) + piece
    return out


HEADERS = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy",
           "X-Prometheus-Remote-Write-Version": "0.1.0"}


def push(server, all_series):
    """all_series: tuples of what series() takes."""
    body = snappy(b"".join(series(*one) for one in all_series))
    return server.request("POST", "/api/v1/write", body, HEADERS)


# --- 2.0 ---

HEADERS_V2 = {"Content-Type": "application/x-protobuf;proto=io.prometheus.write.v2.Request", "Content-Encoding": "snappy",
              "X-Prometheus-Remote-Write-Version": "2.0.0"}


class Symbols:
    def __init__(self):
        self.texts, self.refs = [""], {"": 0}

    def ref(self, text):
        if text not in self.refs:
            self.refs[text] = len(self.texts)
            self.texts.append(text)
        return self.refs[text]

    def labels(self, labels):
        return [self.ref(t) for pair in labels.items() for t in pair]


def number(field_number, n):
    return varint(field_number << 3) + varint(n) if n else b""


def double(field_number, v):
    return varint(field_number << 3 | 1) + struct.pack("<d", v)


def packed(field_number, numbers):
    return field(field_number, b"".join(varint(n) for n in numbers)) if numbers else b""


def zigzag(n):
    return (n << 1) ^ (n >> 63)


def histogram(time_ms, count, sum_, schema, offset, deltas, start_ms=0, zero_threshold=0.001):
    """An integer native histogram with one span of positive buckets; equal on the wire in 1.0 and 2.0."""
    return (number(1, count) + double(3, sum_) + varint(4 << 3) + varint(zigzag(schema)) + double(5, zero_threshold) + varint(6 << 3) + varint(0) +
            field(11, varint(1 << 3) + varint(zigzag(offset)) + varint(2 << 3) + varint(len(deltas))) +
            field(12, b"".join(varint(zigzag(d)) for d in deltas)) + varint(15 << 3) + varint(time_ms) + number(17, start_ms))


def series_v2(symbols, labels, samples=(), histograms=(), exemplars=(), metadata=None, refs=None):
    """samples: (time_ms, value[, start_ms]); exemplars: (labels or a list of references, value, time_ms); metadata: (type, help, unit)."""
    out = packed(1, symbols.labels(labels) if refs is None else refs)
    for t, v, *start in samples:
        out += field(2, double(1, v) + number(2, t) + number(3, start[0] if start else 0))
    for h in histograms:
        out += field(3, h)
    for ls, v, t in exemplars:
        out += field(4, packed(1, symbols.labels(ls) if isinstance(ls, dict) else ls) + double(2, v) + number(3, t))
    if metadata is not None:
        out += field(5, number(1, metadata[0]) + number(3, symbols.ref(metadata[1])) + number(4, symbols.ref(metadata[2])))
    return field(5, out)


def push_v2(server, symbols, all_series):
    body = b"".join(field(4, t.encode()) for t in symbols.texts) + b"".join(all_series)
    return server.request("POST", "/api/v1/write", snappy(body), HEADERS_V2)


def written(answer):
    """(samples, histograms, exemplars) as the headers say."""
    return tuple(int(answer.headers["X-Prometheus-Remote-Write-%s-Written" % what]) for what in ("Samples", "Histograms", "Exemplars"))
