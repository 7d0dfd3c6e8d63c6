// As much of npm's version ranges as `engines` fields use: comparators, ^ ~ x * and hyphen ranges, joined by spaces
// (and) or || (or). What it does not understand throws, so that nothing passes unread.

/** @param {string} version @param {string} range */
export function satisfies(version, range) {
  return range.split("||").some((part) => bounds(part.trim()).every((bound) => meets(parse(version), bound)));
}

function bounds(part) {
  if (part === "" || part === "*") return [];
  const hyphen = /^(\S+)\s+-\s+(\S+)$/.exec(part);
  if (hyphen) return [...bounds(`>=${hyphen[1]}`), ...bounds(`<=${hyphen[2]}`)];
  return part
    .replace(/([<>=~^]+)\s+/g, "$1")
    .split(/\s+/)
    .flatMap(comparator);
}

function comparator(text) {
  const [, sign, rest] = /^(>=|<=|>|<|=|\^|~|)v?([\dx*][\w.*+-]*)$/i.exec(text) ?? [];
  if (rest === undefined) throw new Error(`the version range ${JSON.stringify(text)} is not understood`);
  const given = rest.split(".").filter((part) => /^\d/.test(part)).length;
  const from = parse(rest);
  if (given === 0) return [];
  switch (sign) {
    case ">=":
      return [{ from }];
    case "<":
      return [{ below: from }];
    case ">":
      return [{ from: given === 3 ? [from[0], from[1], from[2] + 1] : next(from, given) }];
    case "<=":
      return [{ below: next(from, given) }];
    case "^":
      return [{ from, below: next(from, Math.min(given, from.findIndex(Boolean) + 1 || given)) }];
    case "~":
      return [{ from, below: next(from, Math.min(given, 2)) }];
    default:
      return [{ from, below: next(from, given) }];
  }
}

/** The first version beyond those that share the leading numbers. */
function next([major, minor, patch], shared) {
  if (shared === 1) return [major + 1, 0, 0];
  return shared === 2 ? [major, minor + 1, 0] : [major, minor, patch + 1];
}

function parse(text) {
  const numbers = text.split(/[-+]/)[0].split(".").map(Number);
  return [0, 1, 2].map((place) => numbers[place] || 0);
}

function meets(version, { from = [0, 0, 0], below }) {
  return compare(version, from) >= 0 && (!below || compare(version, below) < 0);
}

function compare(a, b) {
  const place = a.findIndex((number, index) => number !== b[index]);
  return place === -1 ? 0 : a[place] - b[place];
}
