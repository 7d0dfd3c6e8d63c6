import { plain, toJson } from "./text.ts";

/** A value on one line, for people. */
export function cell(value: unknown): string {
  if (value === null || value === undefined || value === "") return "-";
  if (Array.isArray(value) && value.every((item) => item === null || typeof item !== "object")) {
    return value.length === 0 ? "-" : value.map(cell).join(", ");
  }
  return plain(typeof value === "object" ? toJson(value) : String(value));
}
