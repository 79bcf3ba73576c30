// Receives notices, proves that none is missing, and fetches what is.
//
//     node dist/receiver.js serve JOURNAL [--listen 127.0.0.1:9000] [--api http://127.0.0.1:8080]
//     node dist/receiver.js check FILE
//
// The journal has a notice on each line, in order and without a gap; its last line is where the receiver goes on. What you
// do for a notice belongs into the same transaction as that line: here, writing it down is all that is done.
//
// serve reads WEBHOOK_SECRET (`whsec_…`, shown when the webhook was made) and ORDERWIRE_KEY, the key that it fetches with.
// check says what is wrong with a file of notices, however it was come by.

import { existsSync, fsyncSync, ftruncateSync, openSync, readFileSync, truncateSync, writeSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { parseArgs } from "node:util";
import { Webhook, WebhookVerificationError } from "standardwebhooks";

const BODY_MAX = 1024 * 1024;

interface Notice {
  id: string;
  type: string;
  subject: string;
  sequence: string;
  previousid?: string;
}

/** What comes is not what follows what is there. Nothing here can mend that: ask the carrier. */
class OtherHistory extends Error {}

/** What was received last, and whether something else follows it. A sequence has up to 19 digits, a number holds 15. */
class Chain {
  last = 0n;
  readonly ids = new Map<bigint, string>();

  look(notice: Notice): "next" | "again" | "gap" {
    const sequence = BigInt(notice.sequence);
    const there = this.ids.get(sequence);
    if (there !== undefined && there !== notice.id) {
      throw new OtherHistory(`${sequence} was ${there}, and is ${notice.id}`);
    }
    if (sequence <= this.last) return "again";
    if (sequence > this.last + 1n) return "gap";
    const before = this.ids.get(this.last);
    if (notice.previousid !== before) {
      throw new OtherHistory(`${sequence} follows ${notice.previousid ?? "nothing"}, and ${this.last} is ${before ?? "nothing"}`);
    }
    return "next";
  }

  /** It is dealt with. */
  take(notice: Notice): void {
    this.last = BigInt(notice.sequence);
    this.ids.set(this.last, notice.id);
  }
}

/** The file with what was received. */
class Journal {
  readonly chain = new Chain();
  private readonly file: number;
  private whole: number;

  constructor(path: string) {
    const bytes = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
    // A line that was cut off by a crash was never acknowledged: its notice comes again.
    const whole = bytes.subarray(0, bytes.lastIndexOf(0x0a) + 1);
    for (const line of whole.toString("utf8").split("\n").slice(0, -1)) {
      const notice = JSON.parse(line) as Notice;
      if (this.chain.look(notice) !== "next") {
        throw new OtherHistory(`the journal itself has ${BigInt(notice.sequence)} after ${this.chain.last}`);
      }
      this.chain.take(notice);
    }
    this.file = openSync(path, "a");
    truncateSync(path, whole.length);
    this.whole = whole.length;
  }

  /** Writes a notice down; once this returns it is safe to say so. */
  add(notice: Notice, how: string): void {
    const line = Buffer.from(`${JSON.stringify(notice)}\n`);
    try {
      for (let written = 0; written < line.length; ) written += writeSync(this.file, line, written);
      fsyncSync(this.file);
    } catch (error) {
      this.giveUp(error);
    }
    this.whole += line.length;
    this.chain.take(notice);
    say(`${how} ${this.chain.last} ${notice.type} ${notice.subject}`);
  }

  /** Ends the program: what of a line is on the disk is not known, so it is cut off, and nothing may follow it. */
  private giveUp(error: unknown): never {
    say(`failed: the journal cannot be written: ${error instanceof Error ? error.message : error}`);
    try {
      ftruncateSync(this.file, this.whole);
    } finally {
      process.exit(1);
    }
  }
}

/** Takes notices as they come, and fetches those that do not. */
class Receiver {
  private turn: Promise<void> = Promise.resolve();

  constructor(
    private readonly journal: Journal,
    private readonly api: string,
    private readonly key: string,
  ) {}

  /** The next notice is looked at when the last one is safe, by whichever connection it comes. */
  receive(notice: Notice): Promise<void> {
    const received = this.turn.then(() => this.received(notice));
    this.turn = received.catch(() => undefined);
    return received;
  }

  private async received(notice: Notice): Promise<void> {
    const { chain } = this.journal;
    let what = chain.look(notice);
    if (what === "gap") {
      say(`gap: after ${chain.last} came ${BigInt(notice.sequence)}`);
      await this.fetch();
      what = chain.look(notice);
      if (what === "gap") throw new OtherHistory(`nobody has what is between ${chain.last} and ${BigInt(notice.sequence)}`);
    }
    if (what === "next") this.journal.add(notice, "took");
    else say(`again ${BigInt(notice.sequence)}`);
  }

  /** Asks for everything after the journal's end. */
  async fetch(): Promise<void> {
    const { chain } = this.journal;
    for (let next: string | null = ""; next !== null; ) {
      const answer = await fetch(`${this.api}/v1/notices?after=${chain.last}&limit=500`, {
        headers: { Authorization: `Bearer ${this.key}` },
        signal: AbortSignal.timeout(30_000),
      });
      if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
      const page = (await answer.json()) as { items: Notice[]; next: string | null };
      for (const notice of page.items) {
        if (chain.look(notice) !== "next") throw new OtherHistory(`the page has ${BigInt(notice.sequence)} after ${chain.last}`);
        this.journal.add(notice, "fetched");
      }
      next = page.next;
    }
  }
}

async function read(request: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > BODY_MAX) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

/** What answers the carrier: 204 once a notice is written down, and anything else to have it again. */
async function answered(request: IncomingMessage, webhook: Webhook, receiver: Receiver): Promise<number> {
  if (request.method !== "POST") return 405;
  try {
    const body = await read(request);
    if (body === undefined) return 413;
    const notice = webhook.verify(body, request.headers as Record<string, string>) as Notice;
    // A test of the endpoint is no part of the history.
    if (notice.sequence !== undefined) await receiver.receive(notice);
    return 204;
  } catch (error) {
    if (error instanceof WebhookVerificationError) {
      say(`refused: ${error.message}`);
      return 401;
    }
    say(`failed: ${error instanceof Error ? error.message : error}`);
    return 503;
  }
}

async function serve(journal: string, listen: string, api: string): Promise<void> {
  const receiver = new Receiver(new Journal(journal), api, process.env["ORDERWIRE_KEY"] ?? "");
  const webhook = new Webhook(process.env["WEBHOOK_SECRET"] ?? "");
  const server = createServer((request, answer) => {
    void answered(request, webhook, receiver).then((status) => answer.writeHead(status).end());
  });
  const [host, port] = [listen.slice(0, listen.lastIndexOf(":")), listen.slice(listen.lastIndexOf(":") + 1)];
  // What was told while nobody was here.
  await receiver.fetch();
  server.listen(Number(port), host, () => say(`listening on http://${host}:${(server.address() as AddressInfo).port}`));
}

/** Says what is missing, doubled, late or foreign in a file; answers how much that is. */
function check(file: string): number {
  const chain = new Chain();
  const missing = new Set<bigint>();
  let found = 0;
  const lines = readFileSync(file, "utf8").split("\n");
  if (lines.at(-1) === "") lines.pop();
  lines.forEach((line, index) => {
    const notice = JSON.parse(line) as Notice;
    const sequence = BigInt(notice.sequence);
    let what: string;
    try {
      what = chain.look(notice);
      if (what === "again" && missing.delete(sequence)) {
        what = `late: ${sequence} came after ${chain.last}`;
        chain.ids.set(sequence, notice.id);
      } else if (what === "again") {
        what = `again: ${sequence}`;
      } else if (what === "gap") {
        what = `gap: ${sequence} came after ${chain.last}`;
        for (let lost = chain.last + 1n; lost < sequence; lost++) missing.add(lost);
        chain.take(notice);
      } else {
        chain.take(notice);
        return;
      }
    } catch (error) {
      if (!(error instanceof OtherHistory)) throw error;
      what = `other history: ${error.message}`;
      if (sequence > chain.last) chain.last = sequence;
      chain.ids.set(sequence, notice.id);
    }
    found += 1;
    say(`line ${index + 1}: ${what}`);
  });
  for (const sequence of missing) say(`missing: ${sequence}`);
  found += missing.size;
  say(found === 0 ? `${chain.last} notices, complete and in order` : `${found} things are wrong`);
  return found;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

const USAGE = "usage: receiver.js serve JOURNAL [--listen HOST:PORT] [--api URL] | receiver.js check FILE";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    listen: { type: "string", default: "127.0.0.1:9000" },
    api: { type: "string", default: "http://127.0.0.1:8080" },
  },
});
const [command, file] = positionals;
if (command === "check" && file !== undefined) {
  process.exitCode = check(file) === 0 ? 0 : 1;
} else if (command === "serve" && file !== undefined) {
  serve(file, values.listen, values.api).catch((error: unknown) => {
    say(`failed: ${error instanceof Error ? error.message : error}`);
    process.exitCode = 1;
  });
} else {
  console.error(USAGE);
  process.exitCode = 2;
}
