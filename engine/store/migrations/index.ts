import { foundation } from "./0001-foundation.ts";
import { jobs } from "./0002-jobs.ts";
import { workflows } from "./0003-workflows.ts";

/** In order, forever: a migration that has been released is never edited. */
export const migrations: readonly { name: string; sql: string }[] = [
  { name: "0001-foundation", sql: foundation },
  { name: "0002-jobs", sql: jobs },
  { name: "0003-workflows", sql: workflows },
];
