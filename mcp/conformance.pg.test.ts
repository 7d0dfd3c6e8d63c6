// The official conformance suite; its version is in scripts/mcp-tools.mjs.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openSuite, type Suite, tools } from "./testing/conformance.ts";
import { conformanceServer } from "./testing/conformance-fixture.ts";
import { startTestServer, type TestServer } from "./testing/server.ts";

const minutes = { timeout: 5 * 60_000 };

describe.skipIf(!tools)("what the suite asks for, behind the hosted server's way in", () => {
  let server: TestServer;
  let suite: Suite;

  beforeAll(async () => {
    server = await startTestServer({ mcp: { build: (_, handler) => conformanceServer(handler) } });
    suite = await openSuite(`${server.url}/mcp`, server.adminKey);
  });

  afterAll(async () => {
    await suite?.close();
    await server?.close();
  });

  test("passes everything of 2026-07-28, tasks and what is pending too", minutes, async () => {
    const { passed, failed } = await suite.run("2026-07-28");
    expect(failed).toEqual([]);
    expect(passed).toBeGreaterThanOrEqual(190);
  });

  test(
    "passes everything of 2025-11-25 but requests pushed into a session, which we have not",
    minutes,
    async () => {
      const { passed, failed } = await suite.run("2025-11-25");
      expect(failed.map((check) => check.split(":")[0])).toEqual([
        "elicitation-sep1034-defaults",
        "elicitation-sep1330-enums",
        "tools-call-elicitation",
        "tools-call-sampling",
      ]);
      expect(passed).toBeGreaterThanOrEqual(60);
    },
  );
});

describe.skipIf(!tools)("the real /mcp", () => {
  let server: TestServer;
  let suite: Suite;

  beforeAll(async () => {
    server = await startTestServer();
    suite = await openSuite(`${server.url}/mcp`, server.adminKey);
  });

  afterAll(async () => {
    await suite?.close();
    await server?.close();
  });

  test(
    "passes what does not need the suite's own tools; the rest is listed, check by check",
    minutes,
    async () => {
      const { passed, failed } = await suite.run("2026-07-28");
      await expect(`${failed.join("\n")}\n`).toMatchFileSnapshot("testing/conformance-real.txt");
      expect(passed).toBeGreaterThanOrEqual(100);
    },
  );
});
