// One valid input per operation, about given things. Tests that hold for every operation are built from it; a new
// operation without a line here does not compile.

import { type Contract, contract, listOperations, type NamedOperation } from "@rotorsh/contract";

export type OperationName = {
  [Noun in keyof Contract & string]: `${Noun}.${keyof Contract[Noun] & string}`;
}[keyof Contract & string];

/** What an input can name. */
export type Things = {
  queue: string;
  job: string;
  replay: string;
  key: string;
  member: string;
  workspace: string;
  workflow: string;
  schedule: string;
  run: string;
  event: string;
  signal: string;
  approval: string;
};

const ofWorkflow = ({ workflow }: Things) => ({ id: workflow });
const ofSchedule = ({ schedule }: Things) => ({ id: schedule });
const ofRun = ({ run }: Things) => ({ id: run });
const ofApproval = ({ approval }: Things) => ({ id: approval });
const ofQueue = ({ queue }: Things) => ({ name: queue });
const ofJob = ({ queue, job }: Things) => ({ name: queue, id: job });
const ofReplay = ({ queue, replay }: Things) => ({ name: queue, id: replay });
const ofKey = ({ key }: Things) => ({ id: key });
const ofMember = ({ member }: Things) => ({ id: member });
const ofWorkspace = ({ workspace }: Things) => ({ id: workspace });
const nothing = () => ({});
const noLease = "00000000-0000-4000-8000-000000000000";

const samples = {
  queues: {
    list: nothing,
    create: (things) => ({
      ...ofQueue(things),
      callback_url: "https://app.example.com/",
      callback_headers: { a: "b" },
    }),
    upsert: (things) => ({ ...ofQueue(things), callback_url: "https://app.example.com/", concurrency: 7 }),
    get: ofQueue,
    update: (things) => ({ ...ofQueue(things), concurrency: 9 }),
    delete: (things) => ({ ...ofQueue(things), with_jobs: true }),
    pause: ofQueue,
    resume: ofQueue,
    setState: (things) => ({ ...ofQueue(things), state: "paused" }),
    stats: ofQueue,
    drain: ofQueue,
    retryAll: ofQueue,
    check: ofQueue,
  },
  jobs: {
    enqueue: (things) => ({ ...ofQueue(things), payload: { a: 1 } }),
    addBatch: (things) => ({ ...ofQueue(things), jobs: [{ payload: { a: 1 } }] }),
    list: ofQueue,
    get: ofJob,
    cancel: ofJob,
    retry: ofJob,
    release: ofJob,
    explain: ofJob,
    claim: ofQueue,
    end: (things) => ({
      ...ofQueue(things),
      ends: [{ id: things.job, lease: noLease, outcome: "completed", result: { a: 1 } }],
    }),
    extend: (things) => ({ ...ofQueue(things), jobs: [{ id: things.job, lease: noLease }] }),
    handBack: (things) => ({ ...ofQueue(things), leases: [noLease] }),
  },
  dlq: {
    list: ofQueue,
    groups: ofQueue,
    replay: (things) => ({ ...ofQueue(things), all: true }),
    getReplay: ofReplay,
    stopReplay: ofReplay,
  },
  approvals: {
    list: nothing,
    get: ofApproval,
    approve: (things) => ({ ...ofApproval(things), reason: "Fits." }),
    reject: (things) => ({ ...ofApproval(things), reason: "Does not fit." }),
    decide: (things) => ({ decisions: [{ ...ofApproval(things), approved: true }] }),
  },
  schedules: {
    list: nothing,
    create: ({ queue }) => ({ queue, name: `${queue}-nightly`, cron: "0 2 * * *", timezone: "UTC" }),
    upsert: ({ queue, schedule }) => ({
      name: schedule,
      queue,
      cron: "0 3 * * *",
      timezone: "Europe/Berlin",
    }),
    get: ofSchedule,
    update: (things) => ({ ...ofSchedule(things), payload: { a: 1 } }),
    delete: ofSchedule,
    pause: ofSchedule,
    resume: ofSchedule,
    fireNow: ofSchedule,
    runs: ofSchedule,
    next: (things) => ({ ...ofSchedule(things), count: 2 }),
  },
  guardrails: {
    get: nothing,
    // No list that would stop the jobs of other samples.
    update: () => ({ competitorDomains: ["rivalcrm.com"] }),
    appendDnc: ({ member }) => ({ emails: [`${member}@unsubscribed.example.com`] }),
    listDnc: () => ({ kind: "domain" }),
    removeDncEmail: ({ member }) => ({ email: `${member}@nobody.example.com` }),
    test: () => ({ payload: { to: "ann@example.org" } }),
  },
  functions: {
    list: nothing,
    register: ({ workflow }) => ({
      id: workflow,
      serve_url: "https://app.example.com/api/rotor",
      trigger_event: "user.created",
    }),
    get: ofWorkflow,
    versions: ofWorkflow,
    archive: ofWorkflow,
    trigger: (things) => ({ ...ofWorkflow(things), data: { a: 1 } }),
    invoke: (things) => ({ ...ofWorkflow(things), wait_seconds: 0 }),
  },
  runs: {
    list: nothing,
    get: ofRun,
    explain: ofRun,
    cancel: ofRun,
    cancelMany: ({ run }) => ({ ids: [run] }),
    replay: ofRun,
    rerun: (things) => ({ ...ofRun(things), from_step: "work" }),
    approve: ofRun,
  },
  events: {
    send: ({ event }) => ({ name: "user.created", id: event, data: { a: 1 } }),
    list: nothing,
    get: ({ event }) => ({ id: event }),
  },
  signals: { complete: ({ signal }) => ({ id: signal, data: { a: 1 } }) },
  signingKey: { get: nothing, rotate: nothing },
  apiKeys: {
    list: nothing,
    create: ({ queue }) => ({ label: "sample", tier: "queue", role: "viewer", queue }),
    revoke: ofKey,
    rotate: ofKey,
    extend: (things) => ({ ...ofKey(things), days: 365 }),
  },
  members: {
    list: nothing,
    invite: ({ member }) => ({ email: `${member}@invited.example.com` }),
    update: (things) => ({ ...ofMember(things), name: "Ada" }),
    remove: ofMember,
  },
  workspaces: {
    list: nothing,
    get: ofWorkspace,
    update: (things) => ({ ...ofWorkspace(things), name: "renamed" }),
  },
  whoami: { get: nothing },
  status: { get: nothing },
  usage: { current: nothing },
  audit: {
    list: ({ key }) => ({ resource_id: key }),
    verify: nothing,
  },
  admin: {
    listWorkspaces: nothing,
    createWorkspace: () => ({ name: "sample", owner_email: "sample@example.com" }),
    getWorkspace: ofWorkspace,
    updateWorkspace: (things) => ({ ...ofWorkspace(things), plan: "pro" }),
    deleteWorkspace: ofWorkspace,
    listQueues: ofWorkspace,
    getJob: ({ job }) => ({ id: job }),
    listFailed: ({ workspace, queue }) => ({ workspace, queue }),
    replayFailed: ({ workspace, queue }) => ({ workspace, queue, all: true }),
    listSchedules: ofWorkspace,
    fireSchedule: ofSchedule,
  },
} satisfies { [Noun in keyof Contract]: { [Verb in keyof Contract[Noun]]: (things: Things) => object } };

export type Sampled = NamedOperation & { name: OperationName; sample(things: Things): object };

export const sampledOperations: readonly Sampled[] = listOperations(contract).map((named) => {
  const tree: Record<string, Record<string, (things: Things) => object>> = samples;
  const sample = tree[named.noun]?.[named.verb];
  if (!sample) throw new Error(`No sample of ${named.noun}.${named.verb}`);
  return { ...named, name: `${named.noun}.${named.verb}` as OperationName, sample };
});
