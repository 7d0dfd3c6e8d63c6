// One drive: the run, and what is known of it, as a signed POST to the app, which answers when the code has ended
// or must wait.

import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { type DriveResult, readDriveResult } from "@rotorsh/contract";
import type { DriveFailure } from "../core/run.ts";
import type { Outcome } from "../outbound/attempt.ts";
import type { Outbound } from "../outbound/http-client.ts";
import { sign } from "../outbound/sign.ts";
import type { ClaimedRun } from "../store/run-claim.ts";

/** No new step begins later than this into a drive. */
export const budgetMs = 120_000;
/** The longest one step may take. */
export const longestStepMs = 300_000;
/** A step that began at the very end of the budget may still take its time; what took too long, the app says first. */
const timeoutMs = budgetMs + longestStepMs + 15_000;
const largestResponse = 16 * 1024 * 1024;
const mostConnections = 512;

export type Drive = {
  run: ClaimedRun;
  serveUrl: string;
  /** In the clear; every one of them signs. */
  keys: readonly string[];
  /** Where the app sends finished steps; undefined when it has to return after each of them. */
  checkpointUrl: string | undefined;
};

export type DriveAnswer = { result: DriveResult } | { failure: DriveFailure };

/** Smaller bodies are not worth the work. */
const gzipFromBytes = 32 * 1024;
const pack = promisify(gzip);

/** Apps that said in an answer that they read gzip, by where they serve. */
const readers = new Set<string>();
const mostReaders = 10_000;

export async function postDrive(outbound: Outbound, drive: Drive, nowMs = Date.now()): Promise<DriveAnswer> {
  const { run, keys, serveUrl } = drive;
  const text = bodyOf(drive);
  const isPacked = text.length >= gzipFromBytes && readers.has(serveUrl);
  // What is signed is what is sent.
  const body = isPacked ? await pack(text) : text;
  const timestamp = Math.floor(nowMs / 1000);
  const outcome = await outbound.post({
    url: serveUrl,
    headers: {
      "content-type": "application/json",
      "user-agent": "rotor",
      "x-rotor-run-id": run.id,
      "x-rotor-timestamp": String(timestamp),
      "x-rotor-signature": sign(keys, run.id, timestamp, body),
      ...(isPacked && { "content-encoding": "gzip" }),
    },
    body,
    timeoutMs,
    maxResponseBytes: largestResponse,
    maxConnections: mostConnections,
    gzip: true,
  });
  remember(serveUrl, outcome);
  return read(outcome);
}

/** An app that was replaced by one that does not read gzip says so by refusing it, and is asked again without. */
function remember(serveUrl: string, outcome: Outcome): void {
  if (outcome.kind !== "response") return;
  if (!outcome.readsGzip) readers.delete(serveUrl);
  else if (readers.size < mostReaders) readers.add(serveUrl);
}

/** Written by hand, because what steps returned lies ready as JSON and need not be read to be sent. */
function bodyOf({ run, checkpointUrl }: Drive): string {
  const { event, parent, hook } = run;
  const head = {
    v: 1,
    run: { id: run.id, workflow: run.workflowId, attempt: run.attempt, ...(parent && { parent }) },
    budgetMs,
    checkpoint: checkpointUrl ? { url: checkpointUrl, token: `${run.id}.${run.token}` } : null,
  };
  const told = hook
    ? `,"hook":{"name":"${hook}","result":${run.output ?? "null"}${run.error ? `,"error":${run.error}` : ""}}`
    : "";
  const { id, name, ts } = event;
  return (
    `${JSON.stringify(head).slice(0, -1)},"event":{"id":${JSON.stringify(id)},"name":${JSON.stringify(name)},` +
    `"ts":${ts},"data":${run.input}},"steps":{${run.memos}},"attempts":{${run.tries}},"later":[${run.later}]${told}}`
  );
}

function read(outcome: Outcome): DriveAnswer {
  if (outcome.kind === "timeout") {
    const seconds = longestStepMs / 1000;
    return failed(`${outcome.message} A step may take ${seconds} seconds at most.`, true);
  }
  if (outcome.kind !== "response")
    return failed(`The app could not be reached: ${outcome.message}`, outcome.kind === "refused");
  const { status, body, truncated } = outcome;
  if (status < 200 || status > 299) return failed(refusalOf(status, body), status >= 400 && status < 500);
  if (truncated) return failed("The app's answer is larger than 16 MB.", true);
  const parsed = parse(body);
  if (parsed === undefined)
    return failed("The app answered something that is not JSON. Is the serve URL right?", true);
  const result = readDriveResult(parsed);
  if ("problem" in result) return failed(`The app's answer is not understood: ${result.problem}.`, true);
  return { result };
}

function failed(message: string, refused: boolean): { failure: DriveFailure } {
  return { failure: { message, refused } };
}

const hints: Record<number, string> = {
  401: "It does not accept the signature: its signing key must be this workspace's.",
  403: "It does not accept the signature: its signing key must be this workspace's.",
  404: "It serves no workflow with this id there.",
};

/** The app's own words are kept short; they are its author's, not ours. */
function refusalOf(status: number, body: string): string {
  const { error } = (parse(body) ?? {}) as { error?: unknown };
  const said = typeof error === "string" ? error : (error as { message?: unknown } | undefined)?.message;
  const words = typeof said === "string" ? ` It said: ${said.slice(0, 500)}` : "";
  return `The app answered ${status}. ${hints[status] ?? ""}${words}`.trim();
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
