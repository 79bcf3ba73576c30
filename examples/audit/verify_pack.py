"""Verifies an evidence pack of Orderwire with nothing of Orderwire's: `verify_pack.py PACK VKEY`.

Proofs are checked by pymerkle, a library for trees as RFC 6962 has them; signatures by cryptography. What an entry is made of
stands in docs/events.md, section 2; the notes are C2SP signed-note. What is not looked at: whether the events may happen.
"""

import base64
import hashlib
import json
import sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pymerkle import InclusionProof


def text_of(note, vkey):
    """The text of a note, if the key has signed it."""
    name, key_id, key = vkey.split("+", 2)
    key = base64.b64decode(key)
    assert key[0] == 1, "the key is not Ed25519"
    text, signatures = note.rsplit("\n\n", 1)
    for line in signatures.splitlines():
        dash, signer, signature = line.split(" ")
        signature = base64.b64decode(signature)
        if (dash, signer, signature[:4].hex()) == ("\u2014", name, key_id):
            Ed25519PublicKey.from_public_bytes(key[1:]).verify(signature[4:], (text + "\n").encode())
            return text + "\n"
    raise ValueError(f"{name} has not signed it")


def entry(event):
    """The bytes that the leaf of an event is the hash of."""
    kinds = {"ord": "order", "com": "company", "prt": "port_request"}
    kinds |= {"blk": "number_block", "rsl": "reseller", "whk": "webhook"}
    number = lambda n: n.to_bytes(8, "big", signed=True)
    fields = [b"orderwire-leaf-1", number(0), number(event["position"])]
    fields += [kinds[event["stream"][:3]].encode(), event["stream"].encode(), number(event["sequence"])]
    fields += [event["event_type"].encode(), event["event_version"].encode(), number(event["recorded_at_us"])]
    fields += [hashlib.sha256(event[text].encode()).digest() for text in ("payload", "metadata")]
    return b"".join(len(field).to_bytes(4, "big") + field for field in fields)


def sides(index, size):
    """On which side each hash of a proof stands, from below: 0 to the right of the way up, 1 to its left."""
    found = []
    while size > 1:
        left = 1 << (size - 1).bit_length() - 1
        found.append(int(index >= left))
        index, size = (index - left, size - left) if index >= left else (index, left)
    return found[::-1]


def verify(lines, vkey):
    """Raises unless everything in the pack is as the key says."""
    seal = json.loads(lines[-1])
    assert seal["kind"] == "seal", "the pack is not sealed"
    pack, checkpoint = json.loads(lines[0]), json.loads(lines[1])
    origin, size, root = text_of(checkpoint["note"], vkey).splitlines()[:3]
    size, root = int(size), base64.b64decode(root)
    before = hashlib.sha256(b"".join(lines[:-1])).hexdigest()
    sealed = ["orderwire-evidence-1", origin, pack["subject"], str(len(lines) - 1), before]
    assert text_of(seal["note"], vkey).splitlines() == sealed, "the seal is of other lines"
    events = [event for event in map(json.loads, lines) if event["kind"] == "event"]
    for event in events:
        leaf = hashlib.sha256(b"\x00" + entry(event)).digest()
        index, beside = event["position"], [bytes.fromhex(digest) for digest in event["proof"]]
        rule = sides(index - 1, size) + [0]
        proof = InclusionProof("sha256", True, size, index, rule, [leaf, *beside])
        proof.verify(leaf, root, index=index, size=size, algorithm="sha256")
    return len(events), pack["subject"], size, origin


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as file:
        found = verify(file.readlines(), sys.argv[2])
    print("{} events of {} are in the log of {} events of {}".format(*found))
