import { createHash } from "node:crypto";
import { type Contract, invalidInput, type ParsedInputOf, RotorError } from "@rotorsh/contract";
import { type Context, direct, type Handlers, workspaceOf } from "../handler.ts";
import { newId } from "../ids.ts";
import { cancelEvent, type NewEvent } from "../store/event-publish.ts";
import * as store from "../store/events.ts";
import { allowanceOf, provenanceOf, toPayload } from "../submission.ts";

type Sent = ParsedInputOf<Contract["events"]["send"]>;
type One = NonNullable<Sent["events"]>[number];

export const events: Handlers<Contract>["events"] = {
  send: direct(
    async ({ events: several, name, ...rest }, context) => {
      if (several && (name !== undefined || Object.values(rest).some((field) => field !== undefined))) {
        throw invalidInput([{ path: "events", problem: "stands alone: send one event, or several" }]);
      }
      if (!several && name === undefined) throw invalidInput([{ path: "name", problem: "is required" }]);
      const sent = several ?? [{ ...rest, name: name as string }];
      const made = sent.map((one, index) => toEvent(one, index, several !== undefined, context));
      const published = await context.services.workflows.publish(made, allowanceOf(context));
      const answers = published.map((one, index) => ({ ...one, name: (sent[index] as One).name }));
      return {
        id: (answers[0] as (typeof answers)[0]).id,
        duplicate: answers.every(({ duplicate }) => duplicate),
        events: answers,
      };
    },
    { checksAccess: true },
  ),

  list: (input, context) => store.listEvents(context.db, workspaceOf(context).id, input),

  async get({ id }, context) {
    const event = await store.findEvent(context.db, workspaceOf(context).id, id);
    if (!event) throw new RotorError("EVENT_NOT_FOUND", { id });
    return event;
  },
};

function toEvent(sent: One, index: number, several: boolean, context: Context): NewEvent {
  const path = (field: string) => (several ? `events[${index}].${field}` : field);
  if (sent.name.startsWith("rotor/") && sent.name !== cancelEvent) {
    throw invalidInput([
      { path: path("name"), problem: "must not begin with rotor/, which is kept for Rotor's own events" },
    ]);
  }
  if (sent.id !== undefined && sent.idempotencyKey !== undefined) {
    throw invalidInput([{ path: path("idempotencyKey"), problem: "cannot be used together with id" }]);
  }
  const data = sent.data === undefined ? {} : sent.data;
  toPayload(data);
  const ts = sent.ts ?? null;
  const { id: workspaceId } = workspaceOf(context);
  return {
    workspaceId,
    id: idOf(sent, index, context),
    name: sent.name,
    data,
    ts,
    provenance: provenanceOf(context),
  };
}

/** An event under a key has an id that follows from the key, so that the same one again meets itself. */
function idOf({ id, idempotencyKey }: One, index: number, context: Context): string {
  if (id !== undefined) return id;
  const key =
    idempotencyKey ??
    (context.idempotencyKey === undefined
      ? undefined
      : [context.caller.actorId, context.idempotencyKey, index]);
  if (key === undefined) return newId("evt");
  return `evt_${createHash("sha256").update(JSON.stringify(key)).digest("hex").slice(0, 32)}`;
}
