import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export type WorkerProcess = {
  /** Resolves with the next line it prints. */
  line(): Promise<string>;
  /** Ends the job that it began first. */
  finish(): void;
  signal(signal: NodeJS.Signals): void;
  /** Its exit code, or the signal that ended it. */
  ended: Promise<number | NodeJS.Signals>;
};

export type WorkerProcessOptions = { url: string; apiKey: string; queue: string; connection?: string };

export async function startWorkerProcess(options: WorkerProcessOptions): Promise<WorkerProcess> {
  const program = fileURLToPath(new URL("./pull-worker.ts", import.meta.url));
  const args = ["--conditions=@rotorsh/source", "--import", "tsx", program];
  const child = spawn(process.execPath, [...args, options.queue, options.connection ?? ""], {
    env: { PATH: process.env.PATH, ROTOR_API_URL: options.url, ROTOR_API_KEY: options.apiKey },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(child, "exit").then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error("The worker process ended without a word");
    return value;
  };
  const first = await line();
  if (first !== "ready") throw new Error(`The worker process said ${first}`);
  return {
    line,
    finish: () => child.stdin.write("\n"),
    signal: (signal) => child.kill(signal),
    ended,
  };
}
