import { processIo } from "./config.ts";
import { exitCodes } from "./exit-codes.ts";
import { run } from "./run.ts";

const interrupt = new AbortController();
// Once: a second Ctrl-C ends the process at once. So does the first where something does not listen to it.
process.once("SIGINT", () => {
  interrupt.abort();
  setTimeout(() => process.exit(exitCodes.interrupted), 500).unref();
});
// A reader that closed its end, such as `head`, has all it wanted.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(0);
  });
}

process.exitCode = await run(process.argv.slice(2), processIo(interrupt.signal));
