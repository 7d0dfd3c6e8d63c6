// What the findings of the stages come to. The sentences are fixed: nothing of a payload is in them.

import type { GuardStage, PiiKind } from "@rotorsh/contract";
import type { ContactKind } from "./contacts.ts";
import { type IsPhone, redactText } from "./pii.ts";
import { mapTexts } from "./walk.ts";

export type ListKind = "dnc_email" | "dnc_domain" | "competitor";

/** In the order in which they count, with how an entry is compared. */
export const lists: readonly { kind: ListKind; stage: GuardStage; contact: ContactKind; reason: string }[] = [
  {
    kind: "dnc_email",
    stage: "dnc",
    contact: "email",
    reason: "An email address in the payload is on the do-not-contact list.",
  },
  {
    kind: "dnc_domain",
    stage: "dnc",
    contact: "domain",
    reason: "A domain in the payload is on the do-not-contact list.",
  },
  {
    kind: "competitor",
    stage: "competitor",
    contact: "mention",
    reason: "The payload mentions a competitor's domain.",
  },
];

export type OnError = "open" | "approval" | "block";

/** What a workspace wants checked; null where a stage is off. */
export type GuardRules = {
  pii: { mode: "redact" | "block"; kinds: readonly PiiKind[]; country: string } | null;
  tone: { rubric: string; threshold: number; model: string; dailyLimit: number } | null;
  onError: OnError | null;
};

export type Block = { by: GuardStage; reason: string };

/** What is known of a job's way through the guardrails; part of it is shown with the job. */
export type GuardNote = {
  released?: GuardStage[];
  score?: number;
  threshold?: number;
  judge_reason?: string;
};

export function listedBlock(hit: ListKind): Block {
  const { stage: by, reason } = lists.find(({ kind }) => kind === hit) as (typeof lists)[number];
  return { by, reason };
}

export type PiiFinding = { payload: unknown; kinds: PiiKind[] };

/** The payload without personal data; the very same payload where there is none. */
export function withoutPii(payload: unknown, kinds: readonly PiiKind[], isPhone: IsPhone): PiiFinding {
  const found = new Set<PiiKind>();
  const made = mapTexts(payload, (text, key) => {
    const redacted = redactText(text, key, { kinds, isPhone });
    for (const kind of redacted.kinds) found.add(kind);
    return redacted.text;
  });
  return { payload: made, kinds: [...found].sort() };
}

const kindNames: Record<PiiKind, string> = {
  email: "email address",
  phone: "phone number",
  ssn: "social security number",
  card: "card number",
};

export function piiBlock(kinds: readonly PiiKind[]): Block {
  return {
    by: "pii",
    reason: `The payload contains personal data: ${kinds.map((kind) => kindNames[kind]).join(", ")}.`,
  };
}

/** Why there is no judgement, as a code of ours. */
export type JudgeFailure =
  | "no_key"
  | "timeout"
  | "unreachable"
  | "refused"
  | "rate_limited"
  | "overloaded"
  | "bad_answer"
  | "too_large"
  | "budget_used_up"
  | "breaker_open";

export type Judgement =
  | { kind: "judged"; score: number; reason: string }
  | { kind: "unavailable"; why: JudgeFailure };

export type ToneOutcome =
  | { kind: "passed"; note: GuardNote }
  | { kind: "approval"; because: string }
  | { kind: "blocked"; block: Block; note: GuardNote };

/** Scores have two digits: what is shown and what decides are the same. */
export function toneOutcome(
  judgement: Judgement,
  threshold: number,
  onError: OnError | null,
  approvalRequired: boolean,
): ToneOutcome {
  if (judgement.kind === "unavailable") return withoutJudge(judgement.why, onError, approvalRequired);
  const score = Math.round(judgement.score * 100) / 100;
  const note = { score, threshold, judge_reason: judgement.reason };
  if (score >= threshold) return { kind: "passed", note };
  const reason = `The brand tone judge scored it ${score}; at least ${threshold} is required.`;
  return { kind: "blocked", block: { by: "brand_tone", reason }, note };
}

function withoutJudge(why: JudgeFailure, onError: OnError | null, approvalRequired: boolean): ToneOutcome {
  const decided = onError ?? (approvalRequired ? "approval" : "open");
  if (decided === "open") return { kind: "passed", note: {} };
  if (decided === "approval") return { kind: "approval", because: `brand_tone_${why}` };
  const reason = `The brand tone judge could not be asked (${why}).`;
  return { kind: "blocked", block: { by: "brand_tone", reason }, note: {} };
}

const byPrefix = "guardrail_";

/** The code that a blocked job's row carries. */
export function reasonCode(by: GuardStage): string {
  return `${byPrefix}${by}`;
}

export function blockedBy(state: string, reason: string | null): GuardStage | null {
  if (state !== "guardrail.blocked" || !reason?.startsWith(byPrefix)) return null;
  return reason.slice(byPrefix.length) as GuardStage;
}
