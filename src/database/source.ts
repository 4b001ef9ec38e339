// Where a row or a label comes from, and what sort of list that is.

/** What sort of list a source is; null: neither. */
export type SourceClass = 'toplist' | 'blocklist' | null;

export interface SourceRef {
  readonly name: string;
  readonly class: SourceClass;
}

/** No source was named. */
export const NO_SOURCE: SourceRef = { name: '', class: null };

/** Longer names are no names. */
export const MAX_SOURCE = 200;

/** No label and no source holds these. */
export const CONTROL = /\p{Cc}/u;

/** What a source's name is, in words. */
export const SOURCE_RULE = `a name of at most ${MAX_SOURCE} characters, none of them a control character`;

export function isSourceName(text: string): boolean {
  return text.length <= MAX_SOURCE && !CONTROL.test(text);
}

/** A source by its name: `toplist` and `blocklist`, alone or before a colon (`toplist:tranco`), say what list it is. */
export function sourceByName(name: string): SourceRef {
  const trimmed = name.trim();
  const word = trimmed.split(':', 1)[0];
  return { name: trimmed, class: word === 'toplist' || word === 'blocklist' ? word : null };
}
