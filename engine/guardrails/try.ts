// What the guardrails would do with a payload, stage by stage, without a job.

import type { Contract, GuardStage, OutputOf } from "@rotorsh/contract";
import {
  type GuardRules,
  type Judgement,
  listedBlock,
  lists,
  piiBlock,
  toneOutcome,
} from "../core/guardrail/verdict.ts";
import type { Services } from "../handler.ts";
import { countListKinds } from "../store/guardrail-lists.ts";
import { findGuardVersion } from "../store/guardrails.ts";
import type { Looked } from "./pipeline.ts";

type Tried = OutputOf<Contract["guardrails"]["test"]>;
type Finding = Tried["stages"][number];

export async function tryPayload(
  { databases: { sql }, guardrails }: Services,
  workspaceId: string,
  payload: unknown,
  { judge, approvalRequired }: { judge: boolean; approvalRequired: boolean },
): Promise<Tried> {
  const version = await findGuardVersion(sql, workspaceId);
  const rules: GuardRules =
    version === null
      ? { pii: null, tone: null, onError: null }
      : await guardrails.readRules(workspaceId, version);
  const has = await countListKinds(sql, workspaceId);
  const looked = await guardrails.lookAt(workspaceId, rules, { payload });
  const stages = [
    listStage("dnc", looked, has.dnc_email + has.dnc_domain > 0),
    listStage("competitor", looked, has.competitor > 0),
    piiStage(rules, looked),
  ].map((finding, index, all) => (isStopped(all.slice(0, index)) ? notReached(finding) : finding));
  const tone = await toneStage(guardrails.judge, workspaceId, rules, looked, judge && !isStopped(stages));
  const outcome =
    tone.judgement &&
    rules.tone &&
    toneOutcome(tone.judgement, rules.tone.threshold, rules.onError, approvalRequired);
  const last: Finding = isStopped(stages) ? notReached(tone.finding) : tone.finding;
  const block = looked.block ?? (outcome?.kind === "blocked" ? outcome.block : null);
  if (outcome?.kind === "blocked") last.reason = outcome.block.reason;
  return {
    outcome: block
      ? "blocked"
      : outcome?.kind === "approval"
        ? "approval"
        : looked.isRedacted
          ? "redacted"
          : "passes",
    blockedBy: block?.by ?? null,
    reason: block?.reason ?? null,
    stages: [...stages, last],
    payload: looked.payload,
  };
}

const isStopped = (stages: readonly Finding[]) => stages.some(({ outcome }) => outcome === "blocked");

function notReached(finding: Finding): Finding {
  return finding.outcome === "off" ? finding : { stage: finding.stage, outcome: "not_reached", reason: null };
}

function listStage(stage: GuardStage, { hits }: Looked, isOn: boolean): Finding {
  const hit = lists.find((list) => list.stage === stage && hits.includes(list.kind));
  if (hit) return { stage, outcome: "blocked", reason: listedBlock(hit.kind).reason };
  return { stage, outcome: isOn ? "passed" : "off", reason: null };
}

function piiStage({ pii }: GuardRules, { kinds }: Looked): Finding {
  const stage = "pii";
  if (!pii) return { stage, outcome: "off", reason: null };
  if (kinds.length === 0) return { stage, outcome: "passed", reason: null };
  const outcome = pii.mode === "block" ? "blocked" : "redacted";
  return { stage, outcome, reason: piiBlock(kinds).reason, kinds };
}

async function toneStage(
  judge: Services["guardrails"]["judge"],
  workspaceId: string,
  { tone }: GuardRules,
  { payload }: Looked,
  isAsked: boolean,
): Promise<{ finding: Finding; judgement?: Judgement }> {
  const stage = "brand_tone";
  if (!tone || !isAsked) return { finding: { stage, outcome: tone ? "not_reached" : "off", reason: null } };
  const judgement = await judge(workspaceId, tone, payload);
  if (judgement.kind === "unavailable") {
    const reason = `The brand tone judge could not be asked (${judgement.why}).`;
    return { finding: { stage, outcome: "unavailable", reason }, judgement };
  }
  const { score, reason } = judgement;
  const outcome = score >= tone.threshold ? "passed" : "blocked";
  return { finding: { stage, outcome, reason: null, score, judge_reason: reason }, judgement };
}
