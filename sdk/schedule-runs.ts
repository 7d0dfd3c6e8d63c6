// `rotor.schedules.runs(id).list({ limit })`: the history as something that a schedule has. `runs(id, { limit })` is
// the same call in one.

import type { CallOptions, Contract, InputOf, OutputOf } from "@rotorsh/contract";
import type { ClientOf } from "./client.ts";

type Runs = Contract["schedules"]["runs"];
type Page = Omit<InputOf<Runs>, "id">;
type Listed = Promise<OutputOf<Runs>>;

/** Asks when it is awaited, and not before. */
type History = PromiseLike<OutputOf<Runs>> & { list(page?: Page, options?: CallOptions): Listed };

export type SchedulesClient = ClientOf<Contract>["schedules"];
export type WithHistory = Omit<SchedulesClient, "runs"> & {
  readonly runs: {
    (id: string, page?: Page, options?: CallOptions): History;
    (input: InputOf<Runs>, options?: CallOptions): History;
    all: SchedulesClient["runs"]["all"];
  };
};

export function withHistory(schedules: SchedulesClient): WithHistory {
  const ask = schedules.runs as (...args: unknown[]) => Listed;
  const runs = (...args: unknown[]): History => {
    const list = (page: Page = {}, options?: CallOptions) => {
      const input = typeof args[0] === "string" ? { id: args[0] } : (args[0] as InputOf<Runs>);
      return ask({ ...input, ...page }, options);
    };
    // biome-ignore lint/suspicious/noThenProperty: awaiting it is asking.
    return { list, then: (done, failed) => ask(...args).then(done, failed) };
  };
  return { ...schedules, runs: Object.assign(runs, { all: schedules.runs.all }) as WithHistory["runs"] };
}
