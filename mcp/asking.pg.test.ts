// Questions to the person at the client's end, on hosts that can ask them and on those that cannot.

import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import type { ErrorBody, Json } from "@rotorsh/contract";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rpc } from "./testing/raw.ts";
import { startTestServer, type TestServer } from "./testing/server.ts";
import { startApp, type TestApp } from "./testing/workflow-app.ts";

let server: TestServer;
let app: TestApp;

beforeAll(async () => {
  server = await startTestServer();
  app = await startApp(server);
  await app.define("ask", async ({ step }) =>
    step.waitForApproval("ask", { timeout: "1h", prompt: "Pay 5?" }),
  );
  await app.define("ask-twice", async ({ step }) => {
    await step.waitForApproval("ask-first", { timeout: "1h", prompt: "Pay 5?" });
    await step.waitForApproval("ask-second", { timeout: "1h", prompt: "Pay 5 million?" });
  });
});

afterAll(async () => {
  await app.close();
  await server.close();
});

type Answer = { action: "accept" | "decline" | "cancel"; content?: Json };
type Question = { message: string; requestedSchema: Json };

/** A client whose person gives this answer, and what that person was shown. */
async function withPerson(answer: Answer, whileAsked?: () => Promise<void>, key = server.adminKey) {
  const shown: Question[] = [];
  const client = new Client(
    { name: "host", version: "1" },
    { capabilities: { elicitation: { form: {} } }, versionNegotiation: { mode: { pin: "2026-07-28" } } },
  );
  client.setRequestHandler("elicitation/create", async ({ params }) => {
    shown.push(params as unknown as Question);
    await whileAsked?.();
    return answer as never;
  });
  const requestInit = { headers: { authorization: `Bearer ${key}` } };
  await client.connect(
    new StreamableHTTPClientTransport(new URL(`${server.url}/mcp/x/all`), { requestInit }),
  );
  const call = async (name: string, args: Json) => {
    const { structuredContent, content, isError } = await client.callTool({ name, arguments: args });
    const [block] = content as { text: string }[];
    return {
      isError: isError === true,
      text: block?.text ?? "",
      structured: (structuredContent ?? {}) as Json,
    };
  };
  return { call, shown, close: () => client.close() };
}

let made = 0;

async function queueWithJobs(jobs: number): Promise<string> {
  const name = `asked-${++made}`;
  await server.rest("/v1/queues", { method: "POST", body: { name } });
  for (let job = 0; job < jobs; job++)
    await server.rest(`/v1/queues/${name}/jobs`, { method: "POST", body: {} });
  return name;
}

const waiting = async (name: string) => (await server.rest<Json>(`/v1/queues/${name}/stats`)).body.waiting;
const codeOf = (text: string) => (JSON.parse(text.split("\n")[0] as string) as ErrorBody).error.code;

describe("a tool that destroys", () => {
  test("is done when the person types the name back, having seen how much it is about", async () => {
    const name = await queueWithJobs(3);
    const { call, shown, close } = await withPerson({ action: "accept", content: { name } });
    expect((await call("drain_queue", { name })).structured).toMatchObject({ drained: 3 });
    expect(shown[0]?.message).toContain('"waiting":3');
    await close();
  });

  test("is not done when the person declines, and the agent is given no token", async () => {
    const name = await queueWithJobs(1);
    const { call, close } = await withPerson({ action: "decline" });
    const { text } = await call("drain_queue", { name });
    expect(codeOf(text)).toBe("DECLINED");
    expect(text).not.toContain("confirm_token");
    expect(await waiting(name)).toBe(1);
    await close();
  });

  test("is not done by another name, however often it is typed", async () => {
    const name = await queueWithJobs(1);
    const { call, close } = await withPerson({ action: "accept", content: { name: "other" } });
    await call("drain_queue", { name }).catch(() => {});
    expect(await waiting(name)).toBe(1);
    await close();
  });

  test("is left to the token where nobody answers", async () => {
    const name = await queueWithJobs(2);
    const { call, close } = await withPerson({ action: "cancel" });
    const { text } = await call("drain_queue", { name });
    expect(codeOf(text)).toBe("CONFIRMATION_REQUIRED");
    const [, next] = /call drain_queue with (\{.*\})\.$/.exec(text) as unknown as [string, string];
    expect((await call("drain_queue", JSON.parse(next) as Json)).structured).toMatchObject({ drained: 2 });
    await close();
  });
});

describe("an approval", () => {
  async function pendingRun(workflow = "ask"): Promise<string> {
    const { body } = await server.rest<Json>(`/v1/functions/${workflow}/trigger`, {
      method: "POST",
      body: {},
    });
    const id = body.run_id as string;
    const isAsking = async () => {
      const { steps } = (await server.rest<{ steps: Json[] }>(`/v1/runs/${id}`)).body;
      return steps.some(({ approval }) => approval !== null);
    };
    await expect.poll(isAsking, { timeout: 15_000 }).toBe(true);
    return id;
  }

  test("is what the person says, whatever the agent proposed, and the log tells who was asked", async () => {
    const id = await pendingRun();
    const { call, shown, close } = await withPerson({ action: "accept", content: { decision: "reject" } });
    const { structured } = await call("approve_run", { id, approved: true });
    expect(structured).toMatchObject({ run_id: id, approved: false });
    expect(shown[0]?.message).toContain("Pay 5?");
    const { body } = await server.rest<{ data: Json[] }>(`/v1/audit?resource_id=${id}`);
    expect(body.data[0]).toMatchObject({ event_type: "run.decided", client: "host/1 (asked a person)" });
    await close();
  });

  test("is about what the person saw, though the run waits for another one by then", async () => {
    const id = await pendingRun("ask-twice");
    const signalOf = async () => {
      const { steps } = (await server.rest<{ steps: Json[] }>(`/v1/runs/${id}`)).body;
      return steps.find(({ approval, status }) => approval !== null && status === "waiting")?.signal;
    };
    const first = await signalOf();
    // While the person looks at the first question, somebody else answers it, and the run asks the second one.
    const whileAsked = async () => {
      await server.rest(`/v1/runs/${id}/approve`, { method: "POST", body: { signal: first } });
      await expect.poll(signalOf, { timeout: 15_000 }).not.toBe(first);
      await expect.poll(signalOf, { timeout: 15_000 }).toBeDefined();
    };
    const answer: Answer = { action: "accept", content: { decision: "approve" } };
    const { call, shown, close } = await withPerson(answer, whileAsked);
    expect(codeOf((await call("approve_run", { id })).text)).toBe("NO_PENDING_APPROVAL");
    expect(shown).toHaveLength(1);
    expect(await signalOf()).toBeDefined();
    await close();
  });

  test("is not decided by an answer to a question that was never asked, or was asked of another call", async () => {
    const [id, other] = [await pendingRun(), await pendingRun()];
    const decide = (run: string, more: Json) =>
      rpc({
        url: `${server.url}/mcp`,
        key: server.adminKey,
        method: "tools/call",
        params: { name: "approve_run", arguments: { id: run }, ...more },
        capabilities: { elicitation: { form: {} } },
      });
    const inputResponses = {
      decision: { action: "accept", content: { decision: "approve" } },
    };
    const asked = await decide(id, { inputResponses });
    expect(asked.result).toMatchObject({ resultType: "input_required" });
    const { requestState } = asked.result;
    const elsewhere = await decide(other, { inputResponses, requestState });
    expect(elsewhere.result).toMatchObject({ resultType: "input_required" });
    for (const run of [id, other])
      expect((await server.rest<Json>(`/v1/runs/${run}`)).body.status).toBe("waiting");
    const done = await decide(id, { inputResponses, requestState });
    expect(done.result).toMatchObject({ structuredContent: { run_id: id, approved: true } });
  });

  test("is asked of nobody by a key that may not decide, nor where nothing waits", async () => {
    const id = await pendingRun();
    const answer: Answer = { action: "accept", content: { decision: "approve" } };
    const developer = await withPerson(answer, undefined, server.developerKey);
    expect(codeOf((await developer.call("approve_run", { id })).text)).toBe("FORBIDDEN");
    await developer.close();
    const { call, shown, close } = await withPerson(answer);
    await server.rest(`/v1/runs/${id}/cancel`, { method: "POST", body: {} });
    expect(codeOf((await call("approve_run", { id })).text)).toBe("NO_PENDING_APPROVAL");
    expect(codeOf((await call("approve_run", { id, colour: "red" })).text)).toBe("INVALID_INPUT");
    expect([...developer.shown, ...shown]).toEqual([]);
    await close();
  });

  test("stays open when the person does not decide", async () => {
    const id = await pendingRun();
    const { call, close } = await withPerson({ action: "cancel" });
    expect(codeOf((await call("approve_run", { id })).text)).toBe("DECLINED");
    expect((await server.rest<Json>(`/v1/runs/${id}`)).body.status).toBe("waiting");
    await close();
  });
});

describe("the approval of a job", () => {
  async function pendingJob(): Promise<Json> {
    const name = `gate-${++gates}`;
    await server.rest("/v1/queues", { method: "POST", body: { name, approval_required: true } });
    await server.rest(`/v1/queues/${name}/jobs`, { method: "POST", body: { payload: { to: "ada" } } });
    const { body } = await server.rest<{ approvals: Json[] }>(`/v1/approvals?queue=${name}`);
    return body.approvals[0] as Json;
  }
  let gates = 0;

  test("shows the person the payload, and takes what the person says", async () => {
    const { id, queueName } = await pendingJob();
    const { call, shown, close } = await withPerson({ action: "accept", content: { decision: "do it" } });
    const { structured } = await call("approve_job", { id });
    expect(structured).toMatchObject({ id, status: "approved", job_state: "waiting" });
    expect(shown[0]?.message).toContain('"to":"ada"');
    expect(shown[0]?.message).toContain(String(queueName));
    await close();
  });

  test("is nobody's when the person declines", async () => {
    const { id } = await pendingJob();
    const { call, close } = await withPerson({ action: "accept", content: { decision: "do not" } });
    expect(codeOf((await call("approve_job", { id })).text)).toBe("DECLINED");
    expect((await server.rest<Json>(`/v1/approvals/${id}`)).body.status).toBe("pending");
    await close();
  });
});
