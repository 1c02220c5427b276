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


def series(labels, samples):
    """labels: a dict; samples: [(time_ms, value)]."""
    out = b"".join(field(1, field(1, k.encode()) + field(2, v.encode())) for k, v in sorted(labels.items()))
    for t, v in samples:
        out += field(2, b"\x09" + struct.pack("<d", v) + b"\x10" + varint(t))
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
    body = snappy(b"".join(series(labels, samples) for labels, samples in all_series))
    return server.request("POST", "/api/v1/write", body, HEADERS)
