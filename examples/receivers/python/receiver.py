"""Receives notices, proves that none is missing, and fetches what is.

    receiver.py serve JOURNAL [--listen 127.0.0.1:9000] [--api http://127.0.0.1:8080]
    receiver.py check FILE

The journal has a notice on each line, in order and without a gap; its last line is where the receiver goes on. What you do
for a notice belongs into the same transaction as that line: here, writing it down is all that is done.

serve reads WEBHOOK_SECRET (`whsec_…`, shown when the webhook was made) and ORDERWIRE_KEY, the key that it fetches with.
check says what is wrong with a file of notices, however it was come by.
"""

import argparse
import http.client
import http.server
import json
import os
import sys
import threading
import urllib.error
import urllib.request

import standardwebhooks

BODY_MAX = 1024 * 1024


class OtherHistory(Exception):
    """What comes is not what follows what is there. Nothing here can mend that: ask the carrier."""


# What may be wrong with what comes, with who is asked, or with what is answered. Each is said, and nothing is acknowledged.
FAILURES = (OtherHistory, OSError, http.client.HTTPException, ValueError, LookupError, TypeError)


class Chain:
    """What was received last, and whether something else follows it."""

    def __init__(self):
        self.last, self.ids = 0, {}

    def look(self, notice):
        """`next`, `again` or `gap`."""
        sequence, there = int(notice["sequence"]), self.ids.get(int(notice["sequence"]))
        if there not in (None, notice["id"]):
            raise OtherHistory(f"{sequence} was {there}, and is {notice['id']}")
        if sequence <= self.last:
            return "again"
        if sequence > self.last + 1:
            return "gap"
        said, before = notice.get("previousid"), self.ids.get(self.last)
        if said != before:
            raise OtherHistory(f"{sequence} follows {said or 'nothing'}, and {self.last} is {before or 'nothing'}")
        return "next"

    def take(self, notice):
        """It is dealt with."""
        self.last = int(notice["sequence"])
        self.ids[self.last] = notice["id"]


class Journal:
    """The file with what was received."""

    def __init__(self, path):
        self.chain, self.whole = Chain(), 0
        self.file = open(path, "a+b")
        self.file.seek(0)
        for line in self.file:
            # A line that was cut off by a crash was never acknowledged: its notice comes again.
            if not line.endswith(b"\n"):
                break
            notice = json.loads(line)
            if self.chain.look(notice) != "next":
                raise OtherHistory(f"the journal itself has {int(notice['sequence'])} after {self.chain.last}")
            self.chain.take(notice)
            self.whole += len(line)
        self.file.truncate(self.whole)

    def add(self, notice, how):
        """Writes a notice down; once this returns it is safe to say so."""
        line = json.dumps(notice, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        try:
            self.file.write(line)
            self.file.flush()
            os.fsync(self.file.fileno())
        except OSError as error:
            self.give_up(error)
        self.whole += len(line)
        self.chain.take(notice)
        say(f"{how} {self.chain.last} {notice['type']} {notice['subject']}")

    def give_up(self, error):
        """Ends the program: what of a line is on the disk is not known, so it is cut off, and nothing may follow it."""
        try:
            os.ftruncate(self.file.fileno(), self.whole)
        finally:
            try:
                say(f"failed: the journal cannot be written: {error}")
            finally:
                os._exit(1)


class Receiver:
    """Takes notices as they come, and fetches those that do not."""

    def __init__(self, journal, api, key):
        self.journal, self.api, self.key, self.turn = journal, api, key, threading.Lock()

    def receive(self, notice):
        # The next notice is looked at when the last one is safe, by whichever connection it comes.
        with self.turn:
            self.received(notice)

    def received(self, notice):
        what = self.journal.chain.look(notice)
        if what == "gap":
            say(f"gap: after {self.journal.chain.last} came {int(notice['sequence'])}")
            self.fetch()
            what = self.journal.chain.look(notice)
            if what == "gap":
                raise OtherHistory(f"nobody has what is between {self.journal.chain.last} and {int(notice['sequence'])}")
        if what == "next":
            self.journal.add(notice, "took")
        else:
            say(f"again {int(notice['sequence'])}")

    def fetch(self):
        """Asks for everything after the journal's end."""
        while True:
            url = f"{self.api}/v1/notices?after={self.journal.chain.last}&limit=500"
            request = urllib.request.Request(url, headers={"Authorization": f"Bearer {self.key}"})
            with urllib.request.urlopen(request, timeout=30) as answer:
                page = json.load(answer)
            for notice in page["items"]:
                if self.journal.chain.look(notice) != "next":
                    raise OtherHistory(f"the page has {int(notice['sequence'])} after {self.journal.chain.last}")
                self.journal.add(notice, "fetched")
            if page["next"] is None:
                return


def handler(receiver, secret):
    """What answers the carrier: 204 once a notice is written down, and anything else to have it again."""
    webhook = standardwebhooks.Webhook(secret)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def do_POST(self):
            length = int(self.headers.get("Content-Length") or -1)
            if not 0 <= length <= BODY_MAX:
                self.close_connection = True
                return self.answer(413)
            body = self.rfile.read(length)
            try:
                notice = webhook.verify(body, dict(self.headers))
            except (standardwebhooks.WebhookVerificationError, ValueError) as error:
                say(f"refused: {error}")
                return self.answer(401)
            try:
                # A test of the endpoint is no part of the history.
                if "sequence" in notice:
                    receiver.receive(notice)
            except FAILURES as error:
                say(f"failed: {why(error)}")
                return self.answer(503)
            self.answer(204)

        def answer(self, status):
            self.send_response(status)
            if status != 204:
                self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    return Handler


def serve(arguments):
    receiver = Receiver(Journal(arguments.journal), arguments.api, os.environ["ORDERWIRE_KEY"])
    host, port = arguments.listen.rsplit(":", 1)
    server = http.server.ThreadingHTTPServer((host, int(port)), handler(receiver, os.environ["WEBHOOK_SECRET"]))
    # What was told while nobody was here.
    try:
        receiver.fetch()
    except FAILURES as error:
        say(f"failed: {why(error)}")
        sys.exit(1)
    say(f"listening on http://{host}:{server.server_port}")
    server.serve_forever()


def check(arguments):
    """Says what is missing, doubled, late or foreign in a file; answers how much that is."""
    chain, missing, found = Chain(), {}, 0
    with open(arguments.file, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            notice = json.loads(line)
            sequence = int(notice["sequence"])
            try:
                what = chain.look(notice)
            except OtherHistory as error:
                what = f"other history: {error}"
                chain.last, chain.ids[sequence] = max(chain.last, sequence), notice["id"]
            if what == "again" and sequence in missing:
                what = f"late: {sequence} came after {chain.last}"
                chain.ids[sequence] = notice["id"]
                del missing[sequence]
            elif what == "again":
                what = f"again: {sequence}"
            elif what == "gap":
                what = f"gap: {sequence} came after {chain.last}"
                missing.update(dict.fromkeys(range(chain.last + 1, sequence)))
                chain.take(notice)
            elif what == "next":
                chain.take(notice)
                continue
            found += 1
            say(f"line {number}: {what}")
    for sequence in missing:
        found += 1
        say(f"missing: {sequence}")
    say(f"{chain.last} notices, complete and in order" if found == 0 else f"{found} things are wrong")
    return found


def why(error):
    """What went wrong; of an answer, what it says."""
    if isinstance(error, urllib.error.HTTPError):
        return f"{error.code} {error.read().decode(errors='replace')}"
    if isinstance(error, (ValueError, LookupError)):
        return f"what came is no page of notices: {error!r}"
    return error


def say(line):
    print(line, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, dest="command")
    serving = commands.add_parser("serve", help="receive webhooks")
    serving.add_argument("journal")
    serving.add_argument("--listen", default="127.0.0.1:9000")
    serving.add_argument("--api", default="http://127.0.0.1:8080")
    checking = commands.add_parser("check", help="look at a file of notices")
    checking.add_argument("file")
    arguments = parser.parse_args()
    if arguments.command == "check":
        sys.exit(1 if check(arguments) else 0)
    serve(arguments)


if __name__ == "__main__":
    main()
