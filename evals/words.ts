// Words of a text, as a lexical search sees them.

const stopWords = new Set(
  (
    "a an and any are as at be been but by can could did do does for from had has have how i if in into is it its " +
    "just let like me my need not of on or our please should so some such that the their them then there these " +
    "they this those to up us want was we were what when where which who why will with would you your"
  ).split(" "),
);

export function wordsOf(text: string): string[] {
  return text
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word.length > 1 && !stopWords.has(word))
    .map(stem);
}

/** Only what keeps `retries`, `retried` and `retry` together; no dictionary. */
function stem(word: string): string {
  if (word.length <= 3) return word;
  return word
    .replace(/(?:ies|ied)$/, "y")
    .replace(/(?:(?<=[sxz])es|(?<=[^aeiou])ing|(?<=[^aeiou])ed|(?<=[^su])s)$/, "")
    .replace(/(?<=[a-z]{3})e$/, "");
}
