// Why a server could not start, in one line for whoever started it.

import { isUnavailable, StartRefused } from "@rotorsh/engine";
import { type Config, ConfigError } from "./config.ts";

/** Undefined for what is our own bug: that needs its stack. */
export function startProblem(
  error: unknown,
  { databaseUrl, dataDir }: Pick<Config, "databaseUrl" | "dataDir">,
) {
  if (error instanceof ConfigError || error instanceof StartRefused) return error.message;
  const { code = "", message, path } = error as NodeJS.ErrnoException;
  if (path !== undefined && folderProblems[code]) {
    return `ROTOR_DATA_DIR: ${dataDir} cannot be used: ${folderProblems[code]}. Example: ROTOR_DATA_DIR=.rotor`;
  }
  if (databaseUrl === undefined) return undefined;
  // The address without the password in it.
  const { host, pathname } = new URL(databaseUrl);
  const why = databaseProblems[code] ?? (isUnavailable(error) ? message : undefined);
  return (
    why &&
    `DATABASE_URL: the database ${pathname.slice(1)} at ${host} cannot be used: ${why}. Example: ${example}`
  );
}

const example = "DATABASE_URL=postgres://user:password@host:5432/rotor";

const folderProblems: Record<string, string> = {
  ENOTDIR: "it is a file, not a folder",
  EEXIST: "it is a file, not a folder",
  EACCES: "this account may not write there",
  EPERM: "this account may not write there",
  EROFS: "it is on a disk that is read-only",
  ENOSPC: "the disk is full",
};

/** Of Postgres. */
const databaseProblems: Record<string, string> = {
  "28P01": "it refuses this user or password",
  "28000": "it refuses this user",
  "3D000": "there is no database of this name",
  "42501": "this user may not create tables in it",
  ECONNREFUSED: "nothing listens there",
  ENOTFOUND: "there is no host of this name",
  EAI_AGAIN: "there is no host of this name",
  CONNECT_TIMEOUT: "it does not answer",
};
