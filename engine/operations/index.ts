import type { Contract } from "@rotorsh/contract";
import type { Handlers } from "../handler.ts";
import { status, usage, whoami } from "./account.ts";
import { adminJobs } from "./admin-jobs.ts";
import { apiKeys } from "./api-keys.ts";
import { approvals } from "./approvals.ts";
import { audit } from "./audit.ts";
import { dlq } from "./dlq.ts";
import { events } from "./events.ts";
import { functions } from "./functions.ts";
import { guardrails } from "./guardrails.ts";
import { jobs } from "./jobs.ts";
import { members } from "./members.ts";
import { pull } from "./pull.ts";
import { queues } from "./queues.ts";
import { runs } from "./runs.ts";
import { schedules } from "./schedules.ts";
import { adminSchedules } from "./schedules-admin.ts";
import { signals } from "./signals.ts";
import { signingKey } from "./signing-key.ts";
import { admin, workspaces } from "./workspaces.ts";

export const handlers: Handlers<Contract> = {
  queues,
  jobs: { ...jobs, ...pull },
  dlq,
  approvals,
  schedules,
  guardrails,
  functions,
  runs,
  events,
  signals,
  signingKey,
  apiKeys,
  members,
  workspaces,
  whoami,
  status,
  usage,
  audit,
  admin: { ...admin, ...adminJobs, ...adminSchedules },
};
