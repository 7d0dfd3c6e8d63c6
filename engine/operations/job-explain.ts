import { type Contract, RotorError } from "@rotorsh/contract";
import { explainJob, mostAhead } from "../core/job-explain.ts";
import { type Handler, workspaceOf } from "../handler.ts";
import { type ExplainedJob, readFacts } from "../store/job-explain.ts";
import { findJob, findQueueRef, listAttempts } from "../store/jobs.ts";
import { withTool } from "./next-call.ts";

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
  const last = (await listAttempts(db, queue, id, 1)).at(-1);
  return {
    summary,
    state: job.state,
    causes,
    last_attempt: last ? { ...last, response: last.response?.slice(0, shownResponse) ?? null } : null,
    next: next.map(withTool),
  };
};
