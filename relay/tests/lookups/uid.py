"""Names records as the contract says, with Python's own hashlib.

Arguments: the token's subject, the queue and a seq. On stdin: the body of a request.
Out: the `log.record.uid` of that seq, then those of records without a `q` at the places 0 and 2 of the body.
"""

import hashlib
import sys


def uid(*parts: bytes) -> str:
    whole = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
    return hashlib.sha256(whole).hexdigest()[:32]


subject, queue, seq = (argument.encode() for argument in sys.argv[1:])
body = hashlib.sha256(subject + b"\0" + sys.stdin.buffer.read()).digest()
print(uid(b"queue", subject, queue, int(seq).to_bytes(8, "big")))
for index in (0, 2):
    print(uid(b"body", body, index.to_bytes(8, "big")))
