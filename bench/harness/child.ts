// A process of its own, called like a module: whoever measures must not share an event loop with what is measured.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";

type Methods = Record<string, (argument: never) => Promise<unknown>>;
type Asked = { id: number; method: string; argument: unknown };
type Told = { id: number; result?: unknown; error?: string };

export type Child<M extends Methods> = {
  call<Name extends keyof M & string>(
    method: Name,
    argument: Parameters<M[Name]>[0],
  ): Promise<Awaited<ReturnType<M[Name]>>>;
  stop(): Promise<void>;
};

/** Starts a script that ends with `answer(methods)`. */
export function startChild<M extends Methods>(script: URL): Child<M> {
  const child = fork(script, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const waiting = new Map<number, (told: Told) => void>();
  let last = 0;
  child.on("message", (told: Told) => waiting.get(told.id)?.(told));
  child.on("exit", (code) => {
    for (const [id, resolve] of waiting) resolve({ id, error: `${script.pathname} ended with code ${code}` });
  });
  return {
    async call(method, argument) {
      const id = ++last;
      const told = await new Promise<Told>((resolve) => {
        waiting.set(id, resolve);
        child.send({ id, method, argument } satisfies Asked);
      });
      waiting.delete(id);
      if (told.error !== undefined) throw new Error(told.error);
      return told.result as never;
    },
    stop: () => stopProcess(child),
  };
}

/** In the child: answers calls until the parent is gone. */
export function answer(methods: Methods): void {
  process.on("message", async ({ id, method, argument }: Asked) => {
    const told: Told = { id };
    try {
      told.result = await methods[method]?.(argument as never);
    } catch (error) {
      told.error = error instanceof Error ? `${error.stack}` : String(error);
    }
    process.send?.(told);
  });
  process.on("disconnect", () => process.exit(0));
}

const patienceMs = 20_000;
const others = new Set<ChildProcess>();

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
process.on("exit", () => {
  for (const child of others) child.kill("SIGTERM");
});

/** For a program that does not notice by itself that this process is gone. */
export function endWithUs(child: ChildProcess): void {
  others.add(child);
  child.once("exit", () => others.delete(child));
}

export async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), patienceMs);
  await ended;
  clearTimeout(timer);
}
