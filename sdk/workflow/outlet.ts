// The way from this process to where a server takes checkpoints. What its drives send while a message is under way
// shares the next one, and on the server a commit: the busier the app, the less a step costs.

import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { post } from "./post.ts";

/** `again`: it is not known to be stored, and may be sent once more. */
export type Fate = "kept" | "lost" | "refused" | "again";

type Sent = { text: string; bytes: number; resolve: (fate: Fate) => void };

const pack = promisify(gzip);

/** A message may hold one step of the largest size. */
export const messageBytes = 4 * 1024 * 1024;
const largestMessage = 500;
/** Messages under way at once. */
const lanes = 4;
/** Fewer share the next message instead of having one of their own, unless the one under way takes long. */
const worthALane = 8;
const longMs = 20;
/** Smaller bodies are not worth the work. */
const gzipFromBytes = 32 * 1024;
/** A message is cut off after so long. */
const tryMs = 15_000;

const outlets = new Map<string, Outlet>();

export function outletTo(url: string): Outlet {
  const known = outlets.get(url) ?? new Outlet(url);
  outlets.set(url, known);
  return known;
}

class Outlet {
  readonly #url: string;
  #waiting: Sent[] = [];
  #underWay = 0;
  /** When each of them was sent. */
  readonly #begun = new Set<{ at: number }>();
  #looksAgain = false;

  constructor(url: string) {
    this.#url = url;
  }

  /** A checkpoint as JSON. Never rejects. */
  send(text: string): Promise<Fate> {
    return new Promise((resolve) => {
      this.#waiting.push({ text, bytes: Buffer.byteLength(text), resolve });
      if (this.#mayBegin()) void this.#drain();
    });
  }

  /** Does what waits go now, or with what another lane sends next? That lane may be slow: then there is a second look. */
  #isWorthALane(others: number): boolean {
    if (others === 0 || this.#waiting.length >= worthALane) return true;
    if ([...this.#begun].some(({ at }) => performance.now() - at > longMs)) return true;
    if (!this.#looksAgain) setTimeout(() => this.#lookAgain(), longMs);
    this.#looksAgain = true;
    return false;
  }

  #mayBegin(): boolean {
    return this.#underWay < lanes && this.#isWorthALane(this.#underWay);
  }

  #lookAgain(): void {
    this.#looksAgain = false;
    if (this.#waiting.length > 0 && this.#mayBegin()) void this.#drain();
  }

  async #drain(): Promise<void> {
    this.#underWay++;
    // Drives whose steps ended in the same turn share the first message.
    await undefined;
    while (this.#waiting.length > 0 && this.#isWorthALane(this.#underWay - 1)) {
      const sent = this.#next();
      const begun = { at: performance.now() };
      this.#begun.add(begun);
      const fates = await deliver(this.#url, sent);
      this.#begun.delete(begun);
      for (const [index, { resolve }] of sent.entries()) resolve(fates[index] as Fate);
    }
    this.#underWay--;
  }

  #next(): Sent[] {
    let total = 0;
    let count = 0;
    for (const { bytes } of this.#waiting) {
      total += bytes;
      if (count > 0 && (total > messageBytes || count === largestMessage)) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }
}

async function deliver(url: string, sent: readonly Sent[]): Promise<Fate[]> {
  const text = `{"checkpoints":[${sent.map(({ text }) => text).join(",")}]}`;
  try {
    const isLarge = text.length > gzipFromBytes;
    const answer = await post(
      url,
      { "content-type": "application/json", ...(isLarge && { "content-encoding": "gzip" }) },
      isLarge ? await pack(text) : text,
      tryMs,
    );
    if (answer.status !== 200) return sent.map(() => fateOf(answer.status));
    const { answers } = JSON.parse(answer.text) as { answers?: unknown[] };
    return sent.map((_, index) => readFate(answers?.[index]));
  } catch {
    return sent.map(() => "again");
  }
}

/** Whatever is in its place: something else than the server may have answered. */
function readFate(answer: unknown): Fate {
  const { status = 400, recorded } = Object(answer) as Partial<Record<string, unknown>>;
  if (typeof recorded !== "object" || recorded === null) return fateOf(Number(status));
  // Something else is known of a step already, from a message whose answer was lost. The next drive brings it.
  return Object.keys(recorded).length === 0 ? "kept" : "refused";
}

function fateOf(status: number): Fate {
  if (status === 409) return "lost";
  return status >= 500 || status === 429 ? "again" : "refused";
}
