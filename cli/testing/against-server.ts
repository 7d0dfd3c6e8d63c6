// Commands against a real server with a database of its own.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { startTestServer, type TestServer } from "../../mcp/testing/server.ts";
import { type Outcome, rotor, type Session } from "./terminal.ts";

type Env = NonNullable<Session["env"]>;

/** Starts the server before the tests of a file, and ends it after them. */
export function againstServer() {
  let server: TestServer;
  let folder: string;

  beforeAll(async () => {
    server = await startTestServer();
    folder = mkdtempSync(join(tmpdir(), "rotor-cli-"));
  });

  afterAll(async () => {
    await server?.close();
    rmSync(folder, { recursive: true });
  });

  const run = (argv: string[], session: Session = {}): Promise<Outcome> => {
    const env: Env = {
      ROTOR_API_URL: server.url,
      ROTOR_API_KEY: server.adminKey,
      ROTOR_CONFIG_DIR: join(folder, "none"),
      ...session.env,
    };
    return rotor(argv, { ...session, env });
  };

  return {
    server: () => server,
    /** A place for files, gone after the tests. */
    folder: () => folder,
    run,
    json: async (...argv: string[]) => JSON.parse((await run([...argv, "--json"])).stdout),
  };
}
