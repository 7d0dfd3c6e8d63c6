// One delivery: the job as a signed POST to the queue's own handler.

import type { Delivered } from "../core/response.ts";
import type { Outbound } from "../outbound/http-client.ts";
import { sign } from "../outbound/sign.ts";

export type Delivery = {
  url: string;
  headers: Record<string, string>;
  /** In the clear; every one of them signs, so that a handler with the old or the new one accepts. */
  secrets: readonly string[];
  timeoutMs: number;
  queue: string;
  job: { id: string; attempt: number; tags: readonly string[]; payload: string };
};

export type Receipt = { delivered: Delivered; durationMs: number };

export async function deliver(outbound: Outbound, delivery: Delivery, nowMs = Date.now()): Promise<Receipt> {
  const { job, secrets } = delivery;
  const timestamp = Math.floor(nowMs / 1000);
  const outcome = await outbound.post({
    url: delivery.url,
    headers: {
      ...delivery.headers,
      "content-type": "application/json",
      "user-agent": "rotor",
      "x-rotor-job-id": headerText(job.id),
      "x-rotor-attempt": String(job.attempt),
      "x-rotor-timestamp": String(timestamp),
      "x-rotor-signature": sign(secrets, headerText(job.id), timestamp, job.payload),
      "x-rotor-queue": delivery.queue,
      ...(job.tags.length > 0 && { "x-rotor-tags": job.tags.map(headerText).join(",") }),
    },
    body: job.payload,
    timeoutMs: delivery.timeoutMs,
  });
  return { delivered: outcome, durationMs: outcome.durationMs };
}

/**
 * A header carries printable ASCII only; ids and tags may be any text, so the rest is percent-encoded, and so are
 * the percent sign itself and the comma between tags: every text can be told from every other.
 */
function headerText(text: string): string {
  return text.replaceAll(/[^\x21-\x24\x26-\x2b\x2d-\x7e]/gu, (letter) => encodeURIComponent(letter));
}
