// What four requests to a handler say about it. The advice is fixed: nothing the handler said is in it.

import type { Contract, OutputOf } from "@rotorsh/contract";
import type { Delivered } from "./response.ts";

export type Probe = OutputOf<Contract["queues"]["check"]>["probes"][number];
export type Tried = { delivered: Delivered; durationMs: number };

/** What is sent, in order. The second is the first once more. */
export const requests = ["right_signature", "same_job_twice", "wrong_signature", "old_timestamp"] as const;
export type Request = (typeof requests)[number];

export type Trial = { url: string; timeoutMs: number; tried: Partial<Record<Request, Tried>> };

/** Beyond this share of the time-out an answer is close to being too late. */
const slowShare = 0.8;

export function judge({ url, timeoutMs, tried }: Trial): Probe[] {
  const first = tried.right_signature;
  return [
    reachable(first),
    tls(url, first),
    accepts(first),
    alike(first, tried.same_job_twice),
    refuses(
      "wrong_signature",
      tried.wrong_signature,
      "It took a request that somebody else signed.",
      "Compare x-rotor-signature with the HMAC of `{id}.{timestamp}.{body}` by this queue's secret, and answer 401 if none fits.",
    ),
    refuses(
      "old_timestamp",
      tried.old_timestamp,
      "It took a request that was signed 10 minutes ago: whoever records one can send it again.",
      "Answer 401 when x-rotor-timestamp is more than 5 minutes old.",
    ),
    inTime(first, timeoutMs),
  ];
}

function probe(
  name: Probe["name"],
  tried: Tried | undefined,
  problem: string | null,
  fix: string | null,
): Probe {
  const status = tried?.delivered.kind === "response" ? tried.delivered.status : null;
  const ok = tried === undefined ? null : problem === null;
  return { name, ok, took_ms: tried?.durationMs ?? null, status, problem, fix };
}

function answered(tried: Tried | undefined): tried is Tried & { delivered: { kind: "response" } } {
  return tried?.delivered.kind === "response";
}

function untried(name: Probe["name"]): Probe {
  return probe(name, undefined, "It could not be tried, because the handler did not answer.", null);
}

const fixes: Record<Exclude<Delivered["kind"], "response">, string> = {
  timeout: "Answer first and work afterwards, or raise the queue's timeout_seconds.",
  refused: "Use a public https URL; the operator can allow private hosts by ROTOR_EGRESS_ALLOW.",
  connection: "Check that the handler runs, and host and port of callback_url.",
  tls: "Give the host a certificate of a public authority that names it, with all intermediate ones.",
  protocol: "Check that callback_url leads to an HTTP server.",
};

function reachable(first: Tried | undefined): Probe {
  if (!first || answered(first)) return probe("reachable", first, null, null);
  const { kind, message } = first.delivered as Exclude<Delivered, { kind: "response" }>;
  return probe("reachable", first, message, fixes[kind]);
}

function tls(url: string, first: Tried | undefined): Probe {
  if (!url.startsWith("https:")) {
    const warning = "The URL is plain http: anyone on the way can read and change the jobs.";
    return { ...probe("tls", undefined, warning, "Use https outside of development."), took_ms: null };
  }
  if (first?.delivered.kind === "tls") return probe("tls", first, first.delivered.message, fixes.tls);
  return answered(first) ? probe("tls", first, null, null) : untried("tls");
}

function accepts(first: Tried | undefined): Probe {
  if (!answered(first)) return untried("right_signature");
  const { status } = first.delivered as { status: number };
  if (status >= 200 && status < 300) return probe("right_signature", first, null, null);
  if (status === 401 || status === 403) {
    return probe(
      "right_signature",
      first,
      "It refused a request with the right signature.",
      "Verify over the raw body with the whole secret as it was shown, `whsec_` included; rotate it if it was lost.",
    );
  }
  const [problem, fix] = otherStatus(status);
  return probe("right_signature", first, problem, fix);
}

function otherStatus(status: number): [string, string] {
  if (status >= 300 && status < 400)
    return ["It answered with a redirect; those are not followed.", "Set callback_url to where it leads."];
  if (status === 404 || status === 405)
    return ["There is nothing that takes a POST at this path.", "Check the path of callback_url."];
  if (status >= 500)
    return ["The handler failed.", "Look at its own log; or send a payload that it understands."];
  return ["The handler refused the request.", "Send a payload that it understands, or look at its own log."];
}

function alike(first: Tried | undefined, second: Tried | undefined): Probe {
  if (!answered(first) || !answered(second)) return untried("same_job_twice");
  const [one, two] = [first, second].map(({ delivered }) => (delivered as { status: number }).status) as [
    number,
    number,
  ];
  // Which success does not matter: 200 for the first and 204 for the repetition are both fine.
  if (one === two || (Math.floor(one / 100) === 2 && Math.floor(two / 100) === 2))
    return probe("same_job_twice", second, null, null);
  return probe(
    "same_job_twice",
    second,
    "It answered the same job differently the second time.",
    "A job may arrive twice: remember x-rotor-job-id, and answer a known one with 200 without doing the work again.",
  );
}

function refuses(name: Probe["name"], tried: Tried | undefined, problem: string, fix: string): Probe {
  if (!answered(tried)) return untried(name);
  const { status } = tried.delivered as { status: number };
  if (status >= 200 && status < 300) return probe(name, tried, problem, fix);
  if (status >= 500) {
    return probe(
      name,
      tried,
      "It failed instead of refusing.",
      "Answer 401, so that the two can be told apart.",
    );
  }
  return probe(name, tried, null, null);
}

function inTime(first: Tried | undefined, timeoutMs: number): Probe {
  if (!first) return untried("answer_time");
  if (first.delivered.kind === "timeout" || first.durationMs > timeoutMs * slowShare) {
    const problem = `It took longer than ${Math.round((timeoutMs * slowShare) / 1000)} s of the ${timeoutMs / 1000} s it has.`;
    return probe("answer_time", first, problem, fixes.timeout);
  }
  return answered(first) ? probe("answer_time", first, null, null) : untried("answer_time");
}
