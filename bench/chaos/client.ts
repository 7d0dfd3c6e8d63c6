// Requests to whichever of the two servers, as a careful client makes them: what may be repeated is repeated.

import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "./random.ts";
import type { Stage } from "./stage.ts";
import type { Story } from "./story.ts";

export type Answer = { status: number; body: Record<string, unknown> };

export type Ask = {
  method: string;
  path: string;
  body?: object;
  /** Sent as Idempotency-Key. */
  key?: string;
  /** How often it is sent while nobody knows whether it was done. */
  tries: number;
};

const timeoutMs = 8000;
const tellEveryMs = 3000;

/** Undefined when it never became known whether it was done. */
export type Client = (ask: Ask, random: Random) => Promise<Answer | undefined>;

export function createClient({ apis, apiKey }: Stage, story: Story): Client {
  let known = 0;
  let unknown = 0;
  let slowestMs = 0;
  setInterval(() => {
    story.tell(`requests: ${known} answered, ${unknown} not; the slowest took ${Math.round(slowestMs)} ms`);
    known = unknown = slowestMs = 0;
  }, tellEveryMs).unref();

  async function timed(ask: Ask, random: Random): Promise<Answer | undefined> {
    const start = performance.now();
    const answer = await once(ask, random);
    slowestMs = Math.max(slowestMs, performance.now() - start);
    if (answer) known++;
    else unknown++;
    return answer;
  }

  async function once({ method, path, body, key }: Ask, random: Random): Promise<Answer | undefined> {
    try {
      const response = await fetch(random.pick(apis).url + path, {
        method,
        headers: {
          authorization: `Bearer ${apiKey}`,
          ...(body && { "content-type": "application/json" }),
          ...(key && { "idempotency-key": key }),
        },
        ...(body && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(timeoutMs),
      });
      const text = await response.text();
      if (response.status === 503) return undefined;
      if (response.status >= 500) story.accuse(`${method} ${path} was answered ${response.status}: ${text}`);
      return { status: response.status, body: JSON.parse(text) };
    } catch {
      return undefined;
    }
  }

  return async (ask, random) => {
    for (let sent = 1; ; sent++) {
      const answer = await timed(ask, random);
      if (answer || sent >= ask.tries) return answer;
      await sleep(random.between(100, 500));
    }
  };
}
