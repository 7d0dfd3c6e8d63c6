// What a run takes from its environment.

import { fileURLToPath } from "node:url";

/** The server to measure; another checkout's may be given, to compare two of them. */
export const serverScript =
  process.env.ROTOR_BENCH_SERVER ?? fileURLToPath(new URL("../../api/dist/server.js", import.meta.url));

/** For Node itself in the server's process, such as `--cpu-prof`. */
export const serverNodeOptions = process.env.ROTOR_BENCH_NODE_OPTIONS?.split(" ") ?? [];

export const programPath = { PATH: process.env.PATH, HOME: process.env.HOME };
