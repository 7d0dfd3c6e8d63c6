// Calls that are a person's decision (an approval). Where the host can ask a person, the person decides, whatever the
// agent proposed, and the audit log says so; elsewhere the right of the key decides, as over REST.

import { type Call, contract, type Json, type Operation, RotorError } from "@rotorsh/contract";
import type { Person, Question } from "./person.ts";
import type { Tool } from "./tools.ts";

type Deciding = { tool: Tool; sent: Json; call: Call; person: Person };

/** The input with the person's decision in it; throws the question, or DECLINED. */
export async function decide({
  tool,
  sent,
  call,
  person,
}: Deciding): Promise<{ input: Json; byPerson: boolean }> {
  const reply = person.reply();
  if (reply === "declined" || reply === "dismissed") throw new RotorError("DECLINED");
  if (reply) {
    return { input: { ...sent, ...decisionOf(tool, reply.content, person.state) }, byPerson: true };
  }
  if (person.canBeAsked) {
    const { question, state } = await questionOf(tool, sent, call);
    throw person.ask(question, state);
  }
  return { input: sent, byPerson: false };
}

/** What a person should see before deciding. */
const looks: Record<string, Operation> = {
  "runs.approve": contract.runs.get,
  "approvals.approve": contract.approvals.get,
  "approvals.reject": contract.approvals.get,
};
const longestLook = 3000;

async function questionOf(
  tool: Tool,
  sent: Json,
  call: Call,
): Promise<{ question: Question; state?: string }> {
  const look = looks[tool.key];
  const seen = look && (await call(look, { id: sent.id }));
  const message = `${tool.listed.title}: ${JSON.stringify(sent)}`;
  const about = seen ? `\n${shortened(JSON.stringify(seen))}` : "";
  const hash = seen?.payload_hash;
  return {
    question: decidesBoth(tool) ? approvalQuestion(message + about) : agreementQuestion(message + about),
    ...(typeof hash === "string" && { state: hash }),
  };
}

/** Whoever decides must know that there is more. */
function shortened(text: string): string {
  const more = text.length - longestLook;
  if (more <= 0) return text;
  return `${text.slice(0, longestLook)}…\nNOT SHOWN: ${more} more characters. Look at all of it before you decide.`;
}

const decidesBoth = ({ operation }: Pick<Tool, "operation">) => "approved" in operation.input.shape;

export function approvalQuestion(message: string): Question {
  return question(message, ["approve", "reject"]);
}

/** Of a call that says by its name what is decided. */
function agreementQuestion(message: string): Question {
  return question(message, ["do it", "do not"]);
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

/** From the form to the operation's input. What was shown is what is decided about. */
export function decisionOf(tool: Pick<Tool, "operation">, content: Json, seen?: string): Json {
  const fields = tool.operation.input.shape;
  const { decision } = content;
  const isSaid = decidesBoth(tool) ? decision === "approve" || decision === "reject" : decision === "do it";
  if (!isSaid) throw new RotorError("DECLINED");
  const reason = typeof content.reason === "string" && content.reason !== "" ? content.reason : undefined;
  return {
    ...(decidesBoth(tool) && { approved: decision === "approve" }),
    ...("reason" in fields && reason !== undefined && { reason }),
    ...("payload_hash" in fields && seen !== undefined && { payload_hash: seen }),
  };
}
