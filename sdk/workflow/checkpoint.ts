// Sends finished steps to the server, which answers when they are stored.

import type { StepRecord } from "@rotorsh/contract";
import { backoffMs } from "../retry.ts";
import type { SendCheckpoint } from "./drive.ts";
import { messageBytes, outletTo } from "./outlet.ts";

const tries = 4;

type Target = { url: string; token: string };

/** Who gives up sends the steps along with the answer of the drive. */
export function checkpointTo({ url, token }: Target): SendCheckpoint {
  return async (steps) => {
    for (const texts of parts(steps)) {
      const answer = await send(url, `{"token":${JSON.stringify(token)},"steps":[${texts.join(",")}]}`);
      if (answer !== "kept") return answer;
    }
    return "kept";
  };
}

/** One step of the largest size fills a message. */
function* parts(steps: readonly StepRecord[]): Generator<string[]> {
  let texts: string[] = [];
  let bytes = 0;
  for (const step of steps) {
    const text = JSON.stringify(step);
    const length = Buffer.byteLength(text);
    if (texts.length > 0 && bytes + length > messageBytes) {
      yield texts;
      texts = [];
      bytes = 0;
    }
    texts.push(text);
    bytes += length;
  }
  if (texts.length > 0) yield texts;
}

async function send(url: string, text: string): ReturnType<SendCheckpoint> {
  for (let attempt = 0; attempt < tries; attempt++) {
    if (attempt > 0) await new Promise((resolve) => setTimeout(resolve, backoffMs(attempt, Math.random())));
    const fate = await outletTo(url).send(text);
    if (fate === "kept" || fate === "lost") return fate;
    // What is refused once is refused again; the server says why when it gets the answer of the drive.
    if (fate === "refused") break;
  }
  return "unsent";
}
