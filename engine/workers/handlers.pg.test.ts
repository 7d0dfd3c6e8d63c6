// What handlers may do to us, and what comes of it: always a recorded attempt, never a stuck job.

import { verifyRotorSignature } from "@rotorsh/sdk";
import { Webhook } from "standardwebhooks";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type Delivering, startDelivering } from "../testing/delivering.ts";
import { accept, answer, type Behave, type Visit } from "../testing/witness.ts";

let work: Delivering;

beforeAll(async () => {
  work = await startDelivering();
});

afterEach(() => work.witness.behave(accept));

afterAll(() => work.stop());

/** One job with this handler; the job when it has ended. */
async function deliver(behave: Behave, settings: Parameters<Delivering["queue"]>[0] = {}) {
  const name = await work.queue({ retry_attempts: 2, timeout_seconds: 1, ...settings });
  work.witness.behave(behave);
  const id = await work.add(name, { payload: { n: 1 } });
  await work.settled(name);
  return work.job(name, id);
}

const drip: Behave = async (_, response) => {
  response.writeHead(200);
  const timer = setInterval(() => response.write("x"), 50);
  response.on("close", () => clearInterval(timer));
};

const flood: Behave = (_, response) => {
  response.writeHead(200);
  const chunk = Buffer.alloc(1024 * 1024, "x");
  const more = () => {
    while (!response.destroyed && response.write(chunk));
  };
  response.on("drain", more);
  more();
};

test.each<[string, Behave, string]>([
  ["never answers", () => {}, "timeout"],
  ["drips its answer for ever", drip, "timeout"],
  ["closes the connection", (_, response) => void response.destroy(), "connection"],
  ["promises more than it sends", lie, "connection"],
  ["redirects", answer(307, { location: "http://127.0.0.1:1/" }), "http_307"],
  ["fails", answer(503), "http_503"],
])(
  "a handler that %s: every attempt is recorded, and the job fails in the end",
  async (_, behave, reason) => {
    const job = await deliver(behave);
    expect(job).toMatchObject({ state: "failed", reason, attempts_made: 2 });
    expect(job.attempts.map(({ attempt }) => attempt)).toEqual([1, 2]);
    for (const { error } of job.attempts) expect(error).toBeTruthy();
  },
);

function lie(_: Visit, response: Parameters<Behave>[1]): void {
  response.writeHead(200, { "content-length": "1000" });
  response.write("short", () => response.destroy());
}

const says =
  (status: number, body: string | Buffer): Behave =>
  (_, response) => {
    response.writeHead(status, { "content-type": "application/json" }).end(body);
  };

test("an answer without end is cut off, and no more than 64 KB of it is kept", async () => {
  const job = await deliver(flood);
  expect(job.attempts.length).toBeGreaterThan(0);
  for (const { response } of job.attempts) expect(response?.length ?? 0).toBeLessThanOrEqual(64 * 1024);
});

test("a body that claims to be JSON and is not is kept with the attempt, not as the result", async () => {
  const job = await deliver(says(200, '{"half":'));
  expect(job).toMatchObject({ state: "completed", result: null, attempts: [{ response: '{"half":' }] });
});

test("text that Postgres cannot hold does not keep an attempt from ending", async () => {
  const job = await deliver(says(500, Buffer.from([0, 0xff, 0xd8, 0x22, 0])));
  expect(job).toMatchObject({ state: "failed", attempts_made: 2 });
  const result = await deliver(says(200, '{"a":"\\u0000\\ud800"}'));
  expect(result.state).toBe("completed");
});

test("410 is final, with attempts left", async () => {
  const job = await deliver(answer(410), { retry_attempts: 5 });
  expect(job).toMatchObject({ state: "failed", reason: "http_410", attempts_made: 1 });
});

test("Retry-After puts the next attempt off, beyond the backoff", async () => {
  const name = await work.queue({ retry_attempts: 2 });
  const busy = answer(429, { "retry-after": "600" });
  work.witness.behave((visit, response) => (visit.attempt === 1 ? busy : accept)(visit, response));
  const id = await work.add(name);
  await expect.poll(() => work.states(name)).toEqual({ delayed: 1 });
  await work.rotor.moveClock("590 seconds");
  const other = await work.add(name);
  await expect.poll(async () => (await work.job(name, other)).state).toBe("delayed");
  expect((await work.job(name, id)).attempts_made).toBe(1);
  await work.rotor.moveClock("11 seconds");
  await expect.poll(async () => (await work.job(name, id)).state).toBe("completed");
});

test("a failed attempt waits for its backoff, which grows, and starts when the clock says so", async () => {
  const name = await work.queue({
    retry_attempts: 3,
    backoff: { type: "exponential", delay: 600_000, jitter: 0 },
  });
  work.witness.behave(answer(500));
  const id = await work.add(name);
  const waitSeconds = async () => {
    const [row] = await work.rotor.sql`
      select round(extract(epoch from due_at - rotor_now()) / 60)::int as minutes from job where id = ${id}`;
    return row?.minutes;
  };
  await expect.poll(() => work.states(name)).toEqual({ delayed: 1 });
  expect(await waitSeconds()).toBe(10);
  await work.rotor.moveClock("10 minutes");
  await expect
    .poll(async () => [(await work.job(name, id)).attempts.length, await waitSeconds()])
    .toEqual([2, 20]);
  await work.rotor.moveClock("20 minutes");
  await work.settled(name);
  expect(await work.job(name, id)).toMatchObject({ state: "failed", attempts_made: 3 });
});

function verifies({ body, headers, id }: Visit, secret: string): [ours: boolean, standard: boolean] {
  const standard = () => {
    try {
      new Webhook(secret, { format: "raw" }).verify(body, {
        "webhook-id": String(headers["x-rotor-job-id"] ?? id),
        "webhook-timestamp": String(headers["x-rotor-timestamp"]),
        "webhook-signature": String(headers["x-rotor-signature"]),
      });
      return true;
    } catch {
      return false;
    }
  };
  return [verifyRotorSignature(body, headers, secret), standard()];
}

test("a delivery is signed so that the SDK and standardwebhooks accept it, and refuse a changed body", async () => {
  const name = await work.queue({ callback_url: null });
  const { callback_secret: secret = "" } = await work.change(name, { callback_url: work.witness.url });
  for (const jobId of ["plain", "Ünï cødé, 50 %"]) {
    await work.add(name, { jobId, payload: { text: "naïve ☕", n: 1.5 } });
    await work.settled(name);
    const visit = work.witness.visits.at(-1) as Visit;
    expect(verifies(visit, secret)).toEqual([true, true]);
    expect(verifies({ ...visit, body: `${visit.body} ` }, secret)).toEqual([false, false]);
    expect(verifies(visit, "whsec_another")).toEqual([false, false]);
  }
});

test("while a secret rotates both sign, and after a day only the new one", async () => {
  const name = await work.queue({ callback_url: null });
  const { callback_secret: old = "" } = await work.change(name, { callback_url: work.witness.url });
  const { callback_secret: young = "" } = await work.change(name, { rotate_callback_secret: true });
  const deliverOne = async () => {
    await work.add(name);
    await work.settled(name);
    return work.witness.visits.at(-1) as Visit;
  };
  // A process knows a queue's settings for up to a second.
  let during = await deliverOne();
  const signatures = () => String(during.headers["x-rotor-signature"]).split(" ");
  for (let tries = 0; tries < 100 && signatures().length < 2; tries++) during = await deliverOne();
  expect(signatures()).toHaveLength(2);
  expect([verifies(during, old), verifies(during, young)]).toEqual([
    [true, true],
    [true, true],
  ]);
  await work.rotor.moveClock("25 hours");
  // A worker reads a queue's settings again within a second or so.
  await expect.poll(async () => verifies(await deliverOne(), old), { timeout: 5000 }).toEqual([false, false]);
  expect(verifies(work.witness.visits.at(-1) as Visit, young)).toEqual([true, true]);
});
