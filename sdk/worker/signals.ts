// SIGTERM and SIGINT drain every worker of this process. Who has no handler of their own is ended then, as if the
// signal had done it; who has one decides.

type Closable = { close(): Promise<void> };

const open = new Set<Closable>();
const signals = ["SIGTERM", "SIGINT"] as const;
let draining = false;

export function drainOnSignal(worker: Closable): void {
  if (open.size === 0) for (const signal of signals) process.on(signal, onSignal);
  open.add(worker);
}

export function forget(worker: Closable): void {
  open.delete(worker);
  if (open.size === 0 && !draining) for (const signal of signals) process.off(signal, onSignal);
}

function onSignal(signal: NodeJS.Signals): void {
  const isOurs = process.listenerCount(signal) === 1;
  if (draining) {
    if (isOurs) process.exit(130);
    return;
  }
  draining = true;
  void Promise.allSettled([...open].map((worker) => worker.close())).then(() => {
    draining = false;
    if (isOurs) process.exit(0);
  });
}
