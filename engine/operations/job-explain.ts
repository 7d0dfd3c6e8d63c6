import { type Contract, contract, listOperations, type OperationTree, RotorError } from "@rotorsh/contract";
import { explainJob, mostAhead } from "../core/job-explain.ts";
import { type Handler, workspaceOf } from "../handler.ts";
import { type ExplainedJob, readFacts } from "../store/job-explain.ts";
import { findJob, findQueueRef, listAttempts } from "../store/jobs.ts";

/** As much of a response as tells what the handler had to say. */
const shownResponse = 1000;

export const explain: Handler<Contract["jobs"]["explain"]> = async ({ name, id }, context) => {
  const { db, services, now } = context;
  const queue = await findQueueRef(db, workspaceOf(context).id, name);
  if (!queue) throw new RotorError("QUEUE_NOT_FOUND", { name });
  const job = await findJob(db, queue, id);
  if (!job) throw new RotorError("JOB_NOT_FOUND", { id });
  const facts = await readFacts(services.databases.engine, queue, job as ExplainedJob, now, mostAhead);
  const { summary, causes, next } = explainJob(facts);
  const last = (await listAttempts(db, queue, id)).at(-1);
  return {
    summary,
    state: job.state,
    causes,
    last_attempt: last ? { ...last, response: last.response?.slice(0, shownResponse) ?? null } : null,
    next: next.map((step) => ({ ...step, tool: toolOf(step.operation) })),
  };
};

function toolOf(path: string): string | null {
  const all = listOperations(contract as Contract & OperationTree);
  const named = all.find(({ noun, verb }) => `${noun}.${verb}` === path);
  if (!named) throw new Error(`There is no operation ${path}`);
  return named.operation.tools.hosted?.name ?? null;
}
