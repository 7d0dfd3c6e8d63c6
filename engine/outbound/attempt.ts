// One request under way: what undici reports about it becomes exactly one Outcome, at the latest at its deadline.

import { gunzip } from "node:zlib";
import type { Dispatcher } from "undici";
import { type FailureKind, failureOf } from "./failure.ts";
import { createResponseText, type ResponseText } from "./response-text.ts";
import { parseRetryAfter } from "./retry-after.ts";

export type Outcome =
  | {
      kind: "response";
      /** Any status; redirects are not followed. */
      status: number;
      /** Valid UTF-8 without NUL, or a note in brackets in place of a compressed body. */
      body: string;
      truncated: boolean;
      retryAfterMs?: number;
      /** The receiver says that it reads gzip. */
      readsGzip?: boolean;
      durationMs: number;
    }
  | { kind: FailureKind; message: string; durationMs: number };

export type AttemptOptions = {
  timeoutMs: number;
  maxResponseBytes: number;
  /** Unpacks a body in gzip, up to `maxResponseBytes`; otherwise one is never looked into. */
  unpacks?: boolean | undefined;
  /** Called once with the outcome. */
  settle: (outcome: Outcome) => void;
  /** Called once when undici has let go of the request, which may be after it timed out. */
  release: () => void;
};

type Headers = Record<string, string | string[] | undefined>;

/** Beyond this a body is taken for endless, whatever of it is kept. */
const longestBodyBytes = 16 * 1024 * 1024;

export class Attempt implements Dispatcher.DispatchHandler {
  /** Set when the outcome is known; undici may not be done yet. */
  settled = false;
  readonly #startedAt = performance.now();
  readonly #options: AttemptOptions;
  readonly #timer: NodeJS.Timeout;
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;
  #retryAfterMs: number | undefined;
  #encoding: string | undefined;
  #text: ResponseText | undefined;
  #packed: Buffer[] | undefined;
  #readsGzip = false;

  constructor(options: AttemptOptions) {
    this.#options = options;
    this.#timer = setTimeout(() => this.#timeOut(), options.timeoutMs);
  }

  fail(kind: FailureKind, message: string): void {
    this.#settle({ kind, message, durationMs: this.#durationMs() });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // Timed out while the connection was being made: nothing may be sent any more. A process that was frozen
    // meanwhile comes here before its timer.
    if (this.settled) controller.abort(new Error("timed out"));
    else if (performance.now() - this.#startedAt > this.#options.timeoutMs) this.#timeOut();
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: Headers): void {
    if (status < 200) return;
    this.#status = status;
    const retryAfter = first(headers["retry-after"]);
    if (retryAfter) this.#retryAfterMs = parseRetryAfter(retryAfter, Date.now());
    const encoding = first(headers["content-encoding"])?.trim().toLowerCase();
    if (encoding && encoding !== "identity") this.#encoding = encoding;
    if (encoding === "gzip" && this.#options.unpacks) this.#packed = [];
    this.#readsGzip = /\bgzip\b/i.test(first(headers["accept-encoding"]) ?? "");
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    // Never unpacked: a megabyte may hold a gigabyte.
    this.#text ??= createResponseText(this.#encoding ? 0 : this.#options.maxResponseBytes);
    this.#text.add(chunk);
    this.#packed?.push(chunk);
    if (this.#text.received <= longestBodyBytes) return;
    controller.abort(Object.assign(new Error("too long"), { code: "BODY_TOO_LONG" }));
  }

  onResponseEnd(): void {
    if (this.#packed) this.#unpack(Buffer.concat(this.#packed));
    else this.#respond(this.#text);
    this.#options.release();
  }

  /** Within the limit of what is kept: a megabyte may hold a gigabyte. */
  #unpack(packed: Buffer): void {
    gunzip(packed, { maxOutputLength: this.#options.maxResponseBytes }, (error, bytes) => {
      if (!error) this.#encoding = undefined;
      const text = createResponseText(error ? 0 : this.#options.maxResponseBytes);
      text.add(error ? packed : bytes);
      this.#respond(text);
    });
  }

  #respond(text: ResponseText | undefined): void {
    const { body, truncated } = text?.read() ?? { body: "", truncated: false };
    this.#settle({
      kind: "response",
      status: this.#status,
      body: this.#encoding && truncated ? noteOf(this.#encoding) : body,
      truncated,
      ...(this.#retryAfterMs !== undefined && { retryAfterMs: this.#retryAfterMs }),
      ...(this.#readsGzip && { readsGzip: true }),
      durationMs: this.#durationMs(),
    });
  }

  onResponseError(_: unknown, error: Error): void {
    const { kind, message } = failureOf(error);
    this.fail(kind, message);
    this.#options.release();
  }

  #timeOut(): void {
    const waitedFor = this.#controller ? "answer" : "connection";
    this.fail("timeout", `There was no complete ${waitedFor} within ${this.#options.timeoutMs} ms.`);
    this.#controller?.abort(new Error("timed out"));
  }

  #settle(outcome: Outcome): void {
    if (this.settled) return;
    this.settled = true;
    clearTimeout(this.#timer);
    this.#options.settle(outcome);
  }

  #durationMs(): number {
    return Math.round(performance.now() - this.#startedAt);
  }
}

function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

/** The encoding is the receiver's word, so only a plain one is quoted. */
function noteOf(encoding: string): string {
  return `[not stored: ${/^[a-z0-9-]{1,20}$/.test(encoding) ? `${encoding} ` : ""}encoded body]`;
}
