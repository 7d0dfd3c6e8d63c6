// `npm start`: from a fresh clone to a running server, in this one process.

import { build } from "./build.mjs";
import { fail } from "./fail.mjs";
import { install } from "./install.mjs";

const parentCheckMs = 250;

process.env.ROTOR_DEV ??= "1";
try {
  await install();
  await build();
} catch (error) {
  fail(error);
}
drainWithNpm();
await import("../api/dist/server.js");

/** Told to end, npm ends its shell, and the shell does not pass that on: losing the parent counts as the signal. */
function drainWithNpm() {
  if (!process.env.npm_lifecycle_event) return;
  const shell = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === shell) return;
    clearInterval(timer);
    process.kill(process.pid, "SIGTERM");
  }, parentCheckMs);
  timer.unref();
}
