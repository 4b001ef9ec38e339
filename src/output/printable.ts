// Text from the network on its way to a terminal: nothing in it may act as a control sequence.

/** Control, format and unassigned characters, and lone surrogates: escape sequences and bidi overrides among them. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\u2028\u2029]/gu;

/** Replaces every character that a terminal could act on by its `\u{…}` form. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => `\\u{${character.codePointAt(0)?.toString(16) ?? '?'}}`);
}
