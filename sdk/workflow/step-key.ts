import { createHash } from "node:crypto";

/** A step is known by its id and by how often that id was asked for before in this run: loops need no new ids. */
export function stepKey(id: string, occurrence: number): string {
  return createHash("sha1").update(`${id}:${occurrence}`).digest("hex");
}
