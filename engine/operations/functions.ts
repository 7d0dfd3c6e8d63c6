import { createHash } from "node:crypto";
import {
  type Contract,
  invalidInput,
  MatchError,
  type ParsedInputOf,
  parseMatch,
  RotorError,
} from "@rotorsh/contract";
import { isEnded } from "../core/run.ts";
import { type Context, direct, type Handlers, workspaceOf } from "../handler.ts";
import { newId } from "../ids.ts";
import { isMatching } from "../match-cache.ts";
import { must } from "../must.ts";
import { checkSavedUrl } from "../outbound/save-check.ts";
import { findRun, toRun } from "../store/runs.ts";
import { deleteSchedulesOf } from "../store/schedules.ts";
import * as store from "../store/workflows.ts";
import { allowanceOf, provenanceOf, toPayload } from "../submission.ts";
import { keepRegistered } from "./registered-schedule.ts";
import { problemsOfRule } from "./schedule-settings.ts";

type Registered = ParsedInputOf<Contract["functions"]["register"]>;
type Triggered = ParsedInputOf<Contract["functions"]["trigger"]>;

/** The start does, before anything is stored. */
const checksAccess = { checksAccess: true };

export const functions: Handlers<Contract>["functions"] = {
  list: (input, context) => store.listWorkflows(context.db, workspaceOf(context).id, input),

  async register(input, context) {
    const { id: workspaceId } = workspaceOf(context);
    checkSavedUrl(context.services.egress, "serve_url", input.serve_url);
    const definition = toDefinition(input);
    const current = await store.lockWorkflow(context.db, workspaceId, input.id);
    const created = !current || current.archived_at !== null;
    if (current && !created && current.version === definition.version) {
      return { ...store.toWorkflow(current), created };
    }
    const number = (current?.version_number ?? 0) + (current?.version === definition.version ? 0 : 1);
    const saved = store.toWorkflow(await store.saveWorkflow(context.db, workspaceId, definition, number));
    await keepRegistered(saved, context);
    const before = current && !created ? store.toWorkflow(current) : null;
    context.record({ resource: input.id, before, after: saved });
    return { ...saved, created };
  },

  get: async ({ id }, context) => store.toWorkflow(await find(id, context)),

  async versions({ id, ...page }, context) {
    const { id: workspaceId } = workspaceOf(context);
    const versions = await store.listVersions(context.db, workspaceId, id, page);
    // Those of an archived workflow are there too.
    if (versions.data.length === 0) await find(id, context);
    return versions;
  },

  async archive({ id, dry_run: dryRun }, context) {
    const { id: workspaceId } = workspaceOf(context);
    const workflow = await find(id, context);
    if (dryRun) return { deleted: false };
    await store.archiveWorkflow(context.db, workspaceId, id);
    await deleteSchedulesOf(context.db, workspaceId, { workflow: id });
    context.record({ resource: id, before: store.toWorkflow(workflow) });
    return { deleted: true };
  },

  trigger: direct(async (input, context) => trigger(input, context), checksAccess),

  invoke: direct(async ({ wait_seconds: seconds, ...input }, context) => {
    const started = await trigger(input, context);
    const runId = started.run_id;
    if (runId === null) return { ...started, status: null, output: null, error: null, next: null };
    const end = (await waitForEnd(runId, seconds * 1000, context)) ?? (await readEnd(runId, context));
    const next = isEnded(end.status)
      ? null
      : `The run goes on. Call get_run with {"id":"${runId}"} for its result.`;
    return { ...started, ...end, next };
  }, checksAccess),
};

async function find(id: string, context: Context): Promise<store.WorkflowRow> {
  const workflow = await store.findWorkflow(context.db, workspaceOf(context).id, id);
  if (!workflow) throw new RotorError("WORKFLOW_NOT_FOUND", { id });
  return workflow;
}

function toDefinition(input: Registered): store.Definition {
  const type = input.trigger_type ?? (input.trigger_cron === undefined ? "event" : "cron");
  checkTrigger(input, type);
  const definition = {
    id: input.id,
    name: input.name ?? input.id,
    serve_url: input.serve_url,
    trigger_type: type,
    trigger_event: input.trigger_event ?? null,
    trigger_filter: input.trigger_filter ?? null,
    trigger_cron: input.trigger_cron ?? null,
    trigger_timezone: input.trigger_timezone ?? null,
    retries: input.retries,
    hooks: [...new Set(input.hooks)].sort(),
    content_hash: input.content_hash ?? null,
  };
  const version = createHash("sha256").update(JSON.stringify(definition)).digest("hex").slice(0, 16);
  return { ...definition, version };
}

function checkTrigger(input: Registered, type: "event" | "cron"): void {
  const needed =
    type === "event" ? (["trigger_event"] as const) : (["trigger_cron", "trigger_timezone"] as const);
  const foreign =
    type === "event"
      ? (["trigger_cron", "trigger_timezone"] as const)
      : (["trigger_event", "trigger_filter"] as const);
  const problems = [
    ...needed.filter((path) => input[path] === undefined).map((path) => ({ path, problem: "is required" })),
    ...foreign
      .filter((path) => input[path] !== undefined)
      .map((path) => ({ path, problem: `does not go with an ${type} trigger`.replace("an cron", "a cron") })),
    ...(input.trigger_event?.startsWith("rotor/")
      ? [
          {
            path: "trigger_event",
            problem: "must not begin with rotor/, which is kept for Rotor's own events",
          },
        ]
      : []),
    ...problemOfFilter(input.trigger_filter),
    ...problemsOfTrigger(input),
  ];
  if (problems.length > 0) throw invalidInput(problems);
}

function problemOfFilter(filter: string | undefined) {
  try {
    if (filter !== undefined) parseMatch(filter);
    return [];
  } catch (error) {
    if (!(error instanceof MatchError)) throw error;
    return [{ path: "trigger_filter", problem: `cannot be used: ${error.message}` }];
  }
}

function problemsOfTrigger({ trigger_cron: cron, trigger_timezone: timezone }: Registered) {
  if (cron === undefined || timezone === undefined) return [];
  return problemsOfRule({ cron, timezone }, "trigger_cron", "trigger_timezone");
}

/** A workflow by its id, or else every workflow that an event of this name triggers. */
async function trigger({ id, data, idempotencyKey }: Triggered, context: Context) {
  const { id: workspaceId } = workspaceOf(context);
  const key = idempotencyKey ?? context.idempotencyKey ?? null;
  const input = toPayload(data);
  const run = (workflowId: string, eventName: string | null) => ({
    id: newId("run"),
    workspaceId,
    workflowId,
    idempotencyKey: key,
    eventId: null,
    eventName,
    eventTs: Date.now(),
    input,
    provenance: provenanceOf(context),
  });
  const { workflows } = context.services;
  const [named] = await workflows.start([run(id, null)], allowanceOf(context));
  if (named && named.kind !== "no workflow") return answer([named]);
  const triggered = await store.findTriggered(context.db, workspaceId, id);
  if (triggered.length === 0) throw new RotorError("WORKFLOW_NOT_FOUND", { id });
  const event = { name: id, data: data === undefined ? {} : data, ts: Date.now() };
  const fitting = triggered.filter(({ filter }) => isMatching(filter, event));
  const runs = fitting.map((workflow) => run(workflow.id, id));
  const started = await workflows.start(runs, allowanceOf(context));
  return answer(started.filter((one) => one.kind !== "no workflow"));
}

function answer(started: readonly { kind: "started" | "duplicate"; id: string }[]) {
  const runIds = started.map(({ id }) => id);
  return {
    runIds,
    run_id: runIds[0] ?? null,
    duplicate: runIds.length > 0 && started.every(({ kind }) => kind === "duplicate"),
  };
}

/** How the run ended, where this process saw it; undefined too when the time is over or the caller has gone. */
async function waitForEnd(id: string, longestMs: number, { services, signal }: Context) {
  if (longestMs === 0) return undefined;
  const end = await services.workflows.ends.wait(id, longestMs, signal);
  if (!end) return undefined;
  return end.kind === "completed"
    ? { status: end.kind, output: end.output ?? null, error: null }
    : { status: end.kind, output: null, error: end.error };
}

/** The run as it is now. */
async function readEnd(id: string, { db, caller }: Context) {
  const run = must(await findRun(db, must(caller.workspace, "a workspace").id, id), "the run");
  const output = run.output === null ? null : (JSON.parse(run.output) as unknown);
  return { status: run.status, output, error: toRun(run).error };
}
