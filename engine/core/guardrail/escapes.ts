// Ways in which a text writes letters by their numbers: in addresses of the web, in HTML, and in JSON that is too deep,
// or too broken, to be read.

const names: Record<string, string> = {
  commat: "@",
  period: ".",
  amp: "&",
  plus: "+",
  lowbar: "_",
  nbsp: " ",
};
/** What parts words where it is read. */
const blanks: Record<string, string> = { n: "\n", r: "\r", t: "\t", b: " ", f: " " };

/** The text with one layer of escapes read; the very same text where there is none. */
export function unescaped(text: string): string {
  let made = text;
  if (made.includes("%")) made = made.replaceAll(/(?:%[0-9a-f]{2})+/gi, fromUrl);
  if (made.includes("&")) {
    made = made.replaceAll(
      /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{3,6}));/gi,
      (whole, decimal, hex, name) =>
        name ? (names[name.toLowerCase()] ?? whole) : letter(Number(decimal ?? `0x${hex}`), whole),
    );
  }
  if (made.includes("\\")) {
    made = made.replaceAll(/\\+(?:u([0-9a-f]{4})|([nrtbf]))/gi, (whole, hex, blank) =>
      hex ? letter(Number(`0x${hex}`), whole) : (blanks[blank] ?? whole),
    );
  }
  return made;
}

function letter(code: number, whole: string): string {
  return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
}

/** Bytes of UTF-8; what is none of it is read letter by letter, as far as it is ASCII. */
function fromUrl(run: string): string {
  try {
    return decodeURIComponent(run);
  } catch {
    return run.replaceAll(/%([0-7][0-9a-f])/gi, (_, hex: string) => String.fromCharCode(Number(`0x${hex}`)));
  }
}
