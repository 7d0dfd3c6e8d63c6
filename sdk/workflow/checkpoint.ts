// Sends finished steps to the server, which answers when they are stored.

import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { StepRecord } from "@rotorsh/contract";
import { backoffMs } from "../retry.ts";
import type { SendCheckpoint } from "./drive.ts";
import { post } from "./post.ts";

const pack = promisify(gzip);

/** Smaller bodies are not worth the work. */
const gzipFromBytes = 32 * 1024;
/** A message may hold one step of the largest size; others then go in messages of their own. */
const messageBytes = 4 * 1024 * 1024;
const tries = 4;
const tryMs = 15_000;

type Target = { url: string; token: string };

/** A try is cut off after `tryMs`; who gives up sends the steps along with the answer of the drive. */
export function checkpointTo({ url, token }: Target): SendCheckpoint {
  return async (steps) => {
    for (const texts of messages(steps)) {
      const body = `{"token":${JSON.stringify(token)},"steps":[${texts.join(",")}]}`;
      const answer = await send(url, body);
      if (answer !== "kept") return answer;
    }
    return "kept";
  };
}

function* messages(steps: readonly StepRecord[]): Generator<string[]> {
  let texts: string[] = [];
  let bytes = 0;
  for (const step of steps) {
    const text = JSON.stringify(step);
    if (texts.length > 0 && bytes + text.length > messageBytes) {
      yield texts;
      texts = [];
      bytes = 0;
    }
    texts.push(text);
    bytes += text.length;
  }
  if (texts.length > 0) yield texts;
}

async function send(url: string, text: string): ReturnType<SendCheckpoint> {
  const isLarge = text.length > gzipFromBytes;
  const headers = {
    "content-type": "application/json",
    ...(isLarge && { "content-encoding": "gzip" }),
  };
  const body = isLarge ? await pack(text) : text;
  for (let attempt = 0; attempt < tries; attempt++) {
    if (attempt > 0) await new Promise((resolve) => setTimeout(resolve, backoffMs(attempt, Math.random())));
    const status = await once(url, headers, body);
    if (status === "kept" || status === "lost") return status;
    // What is refused once is refused again; the server says why when it gets the answer of the drive.
    if (status === "refused") break;
  }
  return "unsent";
}

async function once(
  url: string,
  headers: Record<string, string>,
  body: string | Uint8Array,
): Promise<"kept" | "lost" | "refused" | "again"> {
  try {
    const { status, text } = await post(url, headers, body, tryMs);
    if (status === 409) return "lost";
    if (status !== 200) return status >= 500 || status === 429 ? "again" : "refused";
    const { recorded } = JSON.parse(text) as { recorded?: object };
    // Something else is known of a step already, from a message whose answer was lost. The next drive brings it.
    return recorded && Object.keys(recorded).length === 0 ? "kept" : "refused";
  } catch {
    return "again";
  }
}
