// Work for a caller who is known from an earlier request. When their rights have changed since, they are read again,
// and what was refused or not begun for the old ones is done, or refused, for the new.

import { isRotorError } from "@rotorsh/contract";
import type { Caller } from "./caller.ts";
import { isAccessChanged, isUnavailable } from "./store/database.ts";

/** How far the work has come. */
export type Progress = {
  /** Its handler has begun. */
  isBegun: boolean;
  /** The database has said that what is known still holds. */
  isCurrent: boolean;
};

type Work<T> = (caller: Caller, progress: Progress) => Promise<T>;

export async function asKnown<T>(caller: Caller, work: Work<T>): Promise<T> {
  const progress = { isBegun: false, isCurrent: caller.known === null };
  try {
    return await work(caller, progress);
  } catch (error) {
    if (!caller.known || progress.isCurrent || isUnavailable(error)) throw error;
    // Refuses who has no right to any answer.
    const current = await caller.known.again();
    const isHarmless = isAccessChanged(error) || (isRotorError(error) && error.status < 500);
    if (progress.isBegun && !isHarmless) throw error;
    return work(current, { isBegun: false, isCurrent: true });
  }
}
