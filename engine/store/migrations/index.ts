import { foundation } from "./0001-foundation.ts";
import { jobs } from "./0002-jobs.ts";

/** In order, forever: a migration that has been released is never edited. */
export const migrations: readonly { name: string; sql: string }[] = [
  { name: "0001-foundation", sql: foundation },
  { name: "0002-jobs", sql: jobs },
];
