// Calls that are a person's decision (an approval). Where the host can ask a person, the person decides, whatever the
// agent proposed, and the audit log says so; elsewhere the right of the key decides, as over REST.

import { type Call, contract, type Json, type Operation, RotorError } from "@rotorsh/contract";
import type { Consents } from "./consents.ts";
import type { Person, Question } from "./person.ts";
import type { Tool } from "./tools.ts";

type Deciding = { tool: Tool; sent: Json; call: Call; person: Person; consents: Consents };

/** The input with the person's decision in it; throws the question, or DECLINED. */
export async function decide(deciding: Deciding): Promise<{ input: Json; byPerson: boolean }> {
  const { tool, sent, person } = deciding;
  const reply = person.reply();
  if (reply === "declined" || reply === "dismissed") throw new RotorError("DECLINED");
  const shown = reply && shownBefore(deciding);
  if (reply && shown) {
    return { input: { ...sent, ...shown, ...decisionOf(tool, reply.content) }, byPerson: true };
  }
  const look = person.canBeAsked ? await lookAt(deciding) : undefined;
  // Where nothing waits for a decision nobody is asked: the call says what is wrong.
  if (!look) return { input: sent, byPerson: false };
  throw person.ask(questionOf(tool, sent, look), stateOf(deciding, look.decided));
}

/** What a person should see before deciding, and the fields that hold the decision to exactly that. */
type Look = { text: string; decided: Json };

const looks: Record<string, (sent: Json, call: Call) => Promise<Look | undefined>> = {
  "runs.approve": lookAtRun,
  "approvals.approve": lookAtApproval,
  "approvals.reject": lookAtApproval,
  "jobs.release": lookAtJob,
};
const longestLook = 3000;

async function lookAt({ tool, sent, call }: Deciding): Promise<Look | undefined> {
  return (looks[tool.key] ?? (async () => ({ text: "", decided: {} })))(sent, call);
}

export type ApprovalStep = Json & { id: string; name: string; signal: string };

/** The steps of a run that wait for a person. */
export function approvalsOf({ steps }: Json): ApprovalStep[] {
  return (steps as ApprovalStep[]).filter((step) => step.approval !== null && step.status === "waiting");
}

export function describeApproval(run: Json, step: ApprovalStep): string {
  const { prompt } = step.approval as { prompt?: string };
  return `The run ${run.id} of ${run.workflow} waits at ${step.name}. ${prompt ?? ""}`.trim();
}

async function lookAtRun({ id, signal }: Json, call: Call): Promise<Look | undefined> {
  const run = await call(contract.runs.get, { id });
  const waits = approvalsOf(run).filter((step) => signal === undefined || step.signal === signal);
  const [step] = waits;
  if (!step || waits.length > 1) return undefined;
  return { text: describeApproval(run, step), decided: { signal: step.signal } };
}

async function lookAtApproval({ id }: Json, call: Call): Promise<Look | undefined> {
  const {
    status,
    jobId,
    queueName,
    payload,
    payload_hash: hash,
  } = await call(contract.approvals.get, { id });
  if (status !== "pending") return undefined;
  const text = `The job ${jobId} of the queue ${queueName}. Its payload: ${JSON.stringify(payload)}`;
  return { text, decided: typeof hash === "string" ? { payload_hash: hash } : {} };
}

async function lookAtJob({ name, id }: Json, call: Call): Promise<Look | undefined> {
  const { state, blockedBy, fail_reason: why, payload } = await call(contract.jobs.get, { name, id });
  if (state !== "guardrail_blocked") return undefined;
  const text = `The job ${id} of the queue ${name}, stopped by ${blockedBy}: ${why}. Its payload: ${JSON.stringify(payload)}`;
  return { text, decided: {} };
}

/** Comes back with the person's answer: what was shown, signed for this caller and this call. */
function stateOf({ consents, ...call }: Deciding, decided: Json): string {
  return JSON.stringify([decided, consents.issue(consentTo(call, decided))]);
}

/** What was decided about; undefined when nothing was shown, or not this, not to this caller, or too long ago. */
function shownBefore({ consents, ...call }: Deciding): Json | undefined {
  try {
    const [decided, token] = JSON.parse(call.person.state ?? "") as [Json, string];
    return consents.accepts(token, consentTo(call, decided)) ? decided : undefined;
  } catch {
    return undefined;
  }
}

function consentTo({ tool, sent }: Pick<Deciding, "tool" | "sent">, decided: Json) {
  return { operation: tool.key, args: { sent: JSON.stringify(sent), decided }, count: 0 };
}

const decidesBoth = ({ operation }: Pick<Tool, "operation">) => "approved" in operation.input.shape;

function questionOf(tool: Tool, sent: Json, { text }: Look): Question {
  const left = text.length - longestLook;
  const about = left > 0 ? `${text.slice(0, longestLook)}… [${left} more characters]` : text;
  const message = `${tool.listed.title}: ${JSON.stringify(sent)}\n${about}`;
  return decidesBoth(tool) ? approvalQuestion(message) : question(message, ["do it", "do not"]);
}

export function approvalQuestion(message: string): Question {
  return question(message, ["approve", "reject"]);
}

function question(message: string, choices: string[]): Question {
  return {
    message,
    properties: {
      decision: { type: "string", title: "Decision", enum: choices },
      reason: { type: "string", title: "Reason", maxLength: 1000 },
    },
    required: ["decision"],
  };
}

/** From the form to the operation's input. */
export function decisionOf(tool: { operation: Operation }, content: Json): Json {
  const { decision } = content;
  const isSaid = decidesBoth(tool) ? decision === "approve" || decision === "reject" : decision === "do it";
  if (!isSaid) throw new RotorError("DECLINED");
  const reason = typeof content.reason === "string" && content.reason !== "" ? content.reason : undefined;
  return {
    ...(decidesBoth(tool) && { approved: decision === "approve" }),
    ...("reason" in tool.operation.input.shape && reason !== undefined && { reason }),
  };
}
