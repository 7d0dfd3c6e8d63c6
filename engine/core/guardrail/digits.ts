// Digits of a text, in the groups in which they are written.

export type Group = { from: number; to: number; text: string };

export function digitGroups(text: string): Group[] {
  const groups: Group[] = [];
  for (const { 0: digits, index } of text.matchAll(/\d+/g)) {
    groups.push({ from: index, to: index + digits.length, text: digits });
  }
  return groups;
}

export type Window = { last: number; digits: string };

/** How a kind of number is written: what may stand between its groups, how many of them, how many digits. */
export type Writing = { between: RegExp; mostGroups: number; fewest: number; most: number };

/** The groups from `first` on that are written as one number, longest first. */
export function windowsFrom(
  groups: readonly Group[],
  first: number,
  text: string,
  { between, mostGroups, fewest, most }: Writing,
): Window[] {
  const windows: Window[] = [];
  let digits = "";
  for (let last = first; last < Math.min(groups.length, first + mostGroups); last++) {
    const group = groups[last] as Group;
    if (digits.length + group.text.length > most) break;
    const before = groups[last - 1];
    if (last > first && before) {
      const gap = group.from - before.to;
      if (gap > 3 || !between.test(text.slice(before.to, group.from))) break;
    }
    digits += group.text;
    if (digits.length >= fewest) windows.unshift({ last, digits });
  }
  return windows.length > 0 && isPartOfWord(text, groups[first] as Group) ? [] : windows;
}

/** `order8842` or `a1b2c3` is a name, and no number. */
function isPartOfWord(text: string, { from }: Group): boolean {
  return from > 0 && /[\p{L}_]/u.test(text[from - 1] as string);
}
