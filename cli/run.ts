// The command line from beginning to end. Everything heavy is loaded only once it is needed, so that
// `rotor --version` answers at once.

import { type Io, write } from "./io.ts";
import { version } from "./version.ts";

/** Runs one command and says how it ended. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  if (argv.length === 1 && /^(--version|-v|version)$/.test(argv[0] as string)) {
    await write(io.stdout, `${version}\n`);
    return 0;
  }
  const { dispatch } = await import("./dispatch.ts");
  return dispatch(argv, io);
}
