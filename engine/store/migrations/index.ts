import { foundation } from "./0001-foundation.ts";
import { jobs } from "./0002-jobs.ts";
import { pull } from "./0003-pull.ts";
import { workflows } from "./0004-workflows.ts";
import { schedules } from "./0006-schedules.ts";
import { approvals } from "./0007-approvals.ts";
import { guardrails } from "./0008-guardrails.ts";

/** In order, forever: a migration that has been released is never edited. */
export const migrations: readonly { name: string; sql: string }[] = [
  { name: "0001-foundation", sql: foundation },
  { name: "0002-jobs", sql: jobs },
  { name: "0003-pull", sql: pull },
  { name: "0004-workflows", sql: workflows },
  { name: "0006-schedules", sql: schedules },
  { name: "0007-approvals", sql: approvals },
  { name: "0008-guardrails", sql: guardrails },
];
