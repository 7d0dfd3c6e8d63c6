// `npm start`: from a fresh clone to a running server, in this one process.

import { build } from "./build.mjs";
import { fail } from "./fail.mjs";
import { install } from "./install.mjs";

process.env.ROTOR_DEV ??= "1";
try {
  await install();
  await build();
} catch (error) {
  fail(error);
}
await import("../api/dist/server.js");
