import { expect, test } from "vitest";
import { createAccessLog, createLog } from "./log.ts";

function linesOf(write: (log: ReturnType<typeof createLog>) => void): string[] {
  const lines: string[] = [];
  write(createLog("info", { write: (line) => lines.push(line) }));
  return lines;
}

const withoutTime = (line = "") => line.replace(/"time":"[^"]+",/, "");

test("the line of a request is what the log would have written", () => {
  const fields = { requestId: "req_1", method: "GET", path: '/v1/a"\n\u2028', status: 200, keyId: undefined };
  const [line, other] = linesOf((log) => {
    log.info(fields, "request");
    createAccessLog(log).info(fields, "request");
  });
  expect(withoutTime(other)).toBe(withoutTime(line));
  expect(other?.trimEnd().split(/[\r\n]/)).toHaveLength(1);
});

test("K-2: a failed statement is logged without its parameters and without the row", () => {
  const refused = Object.assign(new Error("duplicate key value violates unique constraint"), {
    code: "23505",
    detail: "Failing row contains (q, Bearer top-secret).",
    parameters: ["Bearer top-secret"],
  });
  // As drizzle throws it.
  const params = ["Bearer top-secret\n    at x"];
  const query = "insert into queue values ($1)";
  const failed = Object.assign(new Error(`Failed query: ${query}\nparams: ${params}`, { cause: refused }), {
    query,
    params,
  });
  const [line = ""] = linesOf((log) =>
    log.error({ err: new Error("INTERNAL", { cause: failed }) }, "failed"),
  );
  expect(line).not.toContain("top-secret");
  const { err } = JSON.parse(line);
  expect(err.cause).toMatchObject({
    message: "Failed query: insert into queue values ($1)",
    cause: { code: "23505", message: "duplicate key value violates unique constraint" },
  });
  expect(err.stack).toMatch(/^at .*log\.test\.ts/);
});

test("L-4: whatever a name contains, an event is one line", () => {
  const lines = linesOf((log) => log.info({ path: '/v1/queues/a\r\n{"level":"fatal"}\u2028' }, "request"));
  expect(lines).toHaveLength(1);
  expect(lines[0]?.trimEnd().split(/[\r\n]/)).toHaveLength(1);
});

test("what is thrown without being an error is logged too", () => {
  const [line = ""] = linesOf((log) => log.error({ err: "a text" }, "failed"));
  expect(JSON.parse(line).err).toBe("a text");
});
