// One form for text that is written in many ways, so that a list is not passed by with a capital letter, a wide
// character, an invisible one, or a letter of another alphabet that looks the same.

/** Asked of every text; \p{ASCII} takes several times as long. */
const ascii = /^[\0-\x7f]*$/;

/** Text as it is looked at for patterns: compatible characters and digits are one, invisible ones gone. */
export function plainForm(text: string): string {
  if (ascii.test(text)) return text;
  return text
    .normalize("NFKC")
    .replaceAll(/\p{Default_Ignorable_Code_Point}/gu, "")
    .replaceAll("。", ".")
    .replaceAll(/[\u2010-\u2015\u2212]/g, "-")
    .replaceAll(/(?![0-9])\p{Nd}/gu, asciiDigit);
}

const longestLocal = 64;

/** The letters that stand right before a place, at most as many as an address may have before its @. */
export function endOf(text: string, end: number, letters: RegExp): string {
  let from = end;
  while (from > 0 && end - from < longestLocal && letters.test(text[from - 1] as string)) from--;
  return text.slice(from, end);
}

/** Digits of every script come in tens that begin where the last hex digit is 0 or 6. */
function asciiDigit(digit: string): string {
  const code = digit.codePointAt(0) as number;
  const row = code & ~15;
  const zero = /\p{Nd}/u.test(String.fromCodePoint(row)) ? row : row + 6;
  return String((code - zero) % 10);
}

/** Letters that look like Latin ones: Cyrillic, Greek, and a few of Latin's own. */
const lookalikes: Record<string, string> = Object.fromEntries(
  [
    ..."аaеeоoрpсcуyхxѕsіiјjԁdɡgһhӏlкkмmтtнhвbԛqԝwοoαaνvρpιiκkυuτtχxεeηnγyıiƖlɩiցgոnօoսuզqʏyɴnᴏoᴄcᴠvᴡwᴢzꮪsⅼl",
  ].reduce<[string, string][]>((pairs, letter, index, all) => {
    if (index % 2 === 0) pairs.push([letter, all[index + 1] as string]);
    return pairs;
  }, []),
);

/** Lower case, and what looks alike is the same. */
export function skeleton(text: string): string {
  const lower = text.toLowerCase();
  if (ascii.test(lower)) return lower;
  return lower.replaceAll(/\P{ASCII}/gu, (letter) => lookalikes[letter] ?? letter);
}

/** A host's labels, `xn--` ones as the letters they stand for; an empty list when it is no domain. */
export function domainLabels(host: string): string[] {
  const labels = host
    .toLowerCase()
    .split(".")
    .map((label) => label.replaceAll(/^-+|-+$/g, ""))
    .map((label) => (label.startsWith("xn--") ? (decodePunycode(label.slice(4)) ?? label) : label));
  const last = labels.at(-1) ?? "";
  // A version or a price has dots too, but ends in digits.
  if (labels.length < 2 || labels.includes("") || last.length < 2 || /^\d+$/.test(last)) return [];
  return labels.map(skeleton);
}

/** RFC 3492. Undefined when it is not valid. */
export function decodePunycode(text: string): string | undefined {
  const split = text.lastIndexOf("-");
  const output = [...text.slice(0, Math.max(0, split))].map((letter) => letter.charCodeAt(0));
  let [code, bias, index] = [128, 72, 0];
  for (let at = split + 1; at < text.length; ) {
    const before = index;
    for (let weight = 1, k = 36; ; k += 36) {
      const digit = punycodeDigit(text.charCodeAt(at++));
      if (digit === undefined) return undefined;
      index += digit * weight;
      const threshold = k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias;
      if (digit < threshold) break;
      weight *= 36 - threshold;
      if (index > 0x7fffffff || weight > 0x7fffffff) return undefined;
    }
    bias = adapt(index - before, output.length + 1, before === 0);
    code += Math.floor(index / (output.length + 1));
    index %= output.length + 1;
    if (code > 0x10ffff) return undefined;
    output.splice(index++, 0, code);
  }
  return String.fromCodePoint(...output);
}

function punycodeDigit(code: number): number | undefined {
  if (code >= 48 && code <= 57) return code - 22;
  if (code >= 97 && code <= 122) return code - 97;
  return undefined;
}

function adapt(delta: number, length: number, first: boolean): number {
  let left = first ? Math.floor(delta / 700) : delta >> 1;
  left += Math.floor(left / length);
  let k = 0;
  for (; left > 455; k += 36) left = Math.floor(left / 35);
  return k + Math.floor((36 * left) / (left + 38));
}
