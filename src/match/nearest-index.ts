// Finds the fingerprints most like a given one among up to millions, in a few milliseconds: an inverted index from the
// answer to each Client Hello, and from each answer but for one of its fields, to the fingerprints that have it. Common
// answers have long lists; the short ones are read first, and reading ends when what is left can win no more.

/** Version, cipher suite, five lists of extensions, alerts: what an answer consists of (fingerprint/stack.ts). */
const FIELDS = 8;
const SAME = 2;
const NEARLY = 1;
/** Fingerprints that are looked at for one answer; the best of them is the answer when they do not suffice. */
const MOST_CANDIDATES = 16_000;

/** One fingerprint found: `index` is its place in the order of adding. */
export interface Candidate {
  readonly index: number;
  /** 2 for each Client Hello answered the same, 1 for each answered the same but for one field. */
  readonly score: number;
}

/** Gathers fingerprints of one hello set; `finish` makes the index. */
export class NearestIndexBuilder {
  readonly #parts: readonly Map<string, number>[];
  readonly #fieldIds = new Map<string, number>();
  readonly #partFields: number[] = [];
  readonly #members: number[] = [];
  #nextPart = 0;
  #count = 0;

  /** @param hellos how many Client Hellos a fingerprint speaks of */
  constructor(readonly hellos: number) {
    this.#parts = Array.from({ length: hellos }, () => new Map<string, number>());
  }

  get count(): number {
    return this.#count;
  }

  /** Adds a combined text; false where it speaks of another number of Client Hellos. */
  add(text: string): boolean {
    const parts = text.split('|');
    if (parts.length !== this.hellos) return false;
    for (const [position, part] of parts.entries()) {
      const known = this.#parts[position];
      let id = known?.get(part);
      if (id === undefined) {
        id = this.#nextPart++;
        known?.set(part, id);
        for (const field of fieldsOf(part)) this.#partFields.push(this.#fieldId(field));
      }
      this.#members.push(id);
    }
    this.#count += 1;
    return true;
  }

  finish(): NearestIndex {
    return new NearestIndex(this.hellos, this.#parts, this.#fieldIds, this.#partFields, this.#members);
  }

  #fieldId(field: string): number {
    let id = this.#fieldIds.get(field);
    if (id === undefined) {
      id = this.#fieldIds.size;
      this.#fieldIds.set(field, id);
    }
    return id;
  }
}

/** What can be asked; made by `NearestIndexBuilder`. */
export class NearestIndex {
  readonly #hellos: number;
  readonly #parts: readonly ReadonlyMap<string, number>[];
  readonly #fieldIds: ReadonlyMap<string, number>;
  /** FIELDS ids for each part, and `hellos` parts for each fingerprint. */
  readonly #partFields: Int32Array;
  readonly #members: Int32Array;
  /** Fingerprints that have part p: #postings from #starts[p] to #starts[p + 1]. */
  readonly #starts: Uint32Array;
  readonly #postings: Uint32Array;
  /** Parts by the digest of what is left without one field; a digest may be shared by chance. */
  readonly #variants: ReadonlyMap<number, number | number[]>;
  /** What each part scores in the query that is being answered; zeros between queries. */
  readonly #scores: Uint8Array;
  readonly #visited: Uint32Array;
  #visit = 0;

  constructor(
    hellos: number,
    parts: readonly ReadonlyMap<string, number>[],
    fieldIds: ReadonlyMap<string, number>,
    partFields: readonly number[],
    members: readonly number[],
  ) {
    this.#hellos = hellos;
    this.#parts = parts;
    this.#fieldIds = fieldIds;
    this.#partFields = Int32Array.from(partFields);
    this.#members = Int32Array.from(members);
    const partCount = this.#partFields.length / FIELDS;
    this.#starts = new Uint32Array(partCount + 1);
    for (const part of this.#members) this.#starts[part + 1] = at(this.#starts, part + 1) + 1;
    for (let part = 0; part < partCount; part++) {
      this.#starts[part + 1] = at(this.#starts, part + 1) + at(this.#starts, part);
    }
    this.#postings = new Uint32Array(this.#members.length);
    const next = this.#starts.slice();
    for (let i = 0; i < this.#members.length; i++) {
      const part = at(this.#members, i);
      const place = at(next, part);
      this.#postings[place] = Math.floor(i / hellos);
      next[part] = place + 1;
    }
    this.#variants = this.#makeVariants();
    this.#scores = new Uint8Array(partCount);
    this.#visited = new Uint32Array(this.#members.length / hellos);
  }

  get count(): number {
    return this.#visited.length;
  }

  /** The `limit` fingerprints most like a text, the best first; of equal ones those added first. */
  nearest(text: string, limit: number): Candidate[] {
    const parts = text.split('|');
    if (parts.length !== this.#hellos || limit < 1) return [];
    const lists: { readonly part: number; readonly position: number; readonly length: number }[] = [];
    /** What a fingerprint that was not met yet can still score at each position. */
    const possible = new Uint8Array(this.#hellos);
    const left: number[] = [];
    for (const [position, part] of parts.entries()) {
      const own = this.#parts[position]?.get(part) ?? -1;
      const others = this.#nearParts(position, part, own);
      if (own >= 0) lists.push({ part: own, position, length: this.#listLength(own) });
      for (const other of others) lists.push({ part: other, position, length: this.#listLength(other) });
      for (const other of others) this.#scores[other] = NEARLY;
      if (own >= 0) this.#scores[own] = SAME;
      left.push(others.length);
      possible[position] = own >= 0 ? SAME : others.length > 0 ? NEARLY : 0;
    }
    lists.sort((a, b) => a.length - b.length);
    this.#visit += 1;
    const best: Candidate[] = [];
    let budget = MOST_CANDIDATES;
    for (const { part, position, length } of lists) {
      const worst = best.length < limit ? 0 : (best[best.length - 1]?.score ?? 0);
      if (worst > 0 && worst >= possible.reduce((sum, one) => sum + one, 0)) break;
      const end = at(this.#starts, part) + Math.min(length, budget);
      for (let i = at(this.#starts, part); i < end; i++) this.#consider(at(this.#postings, i), best, limit);
      budget -= length;
      if (budget <= 0) break;
      if (this.#scores[part] === SAME) possible[position] = (left[position] ?? 0) > 0 ? NEARLY : 0;
      else {
        left[position] = (left[position] ?? 1) - 1;
        if (left[position] === 0 && possible[position] === NEARLY) possible[position] = 0;
      }
    }
    for (const { part } of lists) this.#scores[part] = 0;
    return best;
  }

  #consider(index: number, best: Candidate[], limit: number): void {
    if (this.#visited[index] === this.#visit) return;
    this.#visited[index] = this.#visit;
    let score = 0;
    const start = index * this.#hellos;
    for (let i = start; i < start + this.#hellos; i++) score += this.#scores[at(this.#members, i)] ?? 0;
    const last = best[best.length - 1];
    if (best.length >= limit && last !== undefined && !isBetter(score, index, last)) return;
    let place = best.length;
    while (place > 0) {
      const before = best[place - 1];
      if (before === undefined || !isBetter(score, index, before)) break;
      place -= 1;
    }
    best.splice(place, 0, { index, score });
    if (best.length > limit) best.pop();
  }

  #listLength(part: number): number {
    return at(this.#starts, part + 1) - at(this.#starts, part);
  }

  /** Parts at a position that differ from a text in one field. */
  #nearParts(position: number, part: string, own: number): number[] {
    const fields = fieldsOf(part).map((field) => this.#fieldIds.get(field) ?? -1);
    const found = new Set<number>();
    for (let without = 0; without < FIELDS; without++) {
      const hit = this.#variants.get(variantKey(position, without, (i) => fields[i] ?? -1));
      for (const id of typeof hit === 'number' ? [hit] : (hit ?? [])) {
        if (id !== own && this.#fitsBut(id, fields, without)) found.add(id);
      }
    }
    return [...found];
  }

  #fitsBut(part: number, fields: readonly number[], without: number): boolean {
    for (let i = 0; i < FIELDS; i++) {
      if (i !== without && at(this.#partFields, part * FIELDS + i) !== fields[i]) return false;
    }
    return true;
  }

  #makeVariants(): ReadonlyMap<number, number | number[]> {
    const variants = new Map<number, number | number[]>();
    for (const [position, parts] of this.#parts.entries()) {
      for (const part of parts.values()) {
        for (let without = 0; without < FIELDS; without++) {
          const key = variantKey(position, without, (i) => at(this.#partFields, part * FIELDS + i));
          const known = variants.get(key);
          if (known === undefined) variants.set(key, part);
          else if (typeof known === 'number') variants.set(key, [known, part]);
          // Where thousands share it, the field tells them apart and nothing else does: no likeness worth a search.
          else if (known.length < MOST_VARIANTS) known.push(part);
        }
      }
    }
    return variants;
  }
}

const MOST_VARIANTS = 64;

function isBetter(score: number, index: number, than: Candidate): boolean {
  return score > than.score || (score === than.score && index < than.index);
}

/** The fields of one answer: seven between underscores, and the alerts behind `<`. */
function fieldsOf(part: string): string[] {
  const alerts = part.indexOf('<');
  const fields = (alerts < 0 ? part : part.slice(0, alerts)).split('_', FIELDS - 1);
  while (fields.length < FIELDS - 1) fields.push('');
  fields.push(alerts < 0 ? '' : part.slice(alerts));
  return fields;
}

/** FNV-1a over ids in two lanes, 53 bits of it: collisions are rare and told by comparing. */
function variantKey(position: number, without: number, field: (index: number) => number): number {
  let low = 0x811c9dc5 ^ (position * 31 + without);
  let high = 0x9747b28c ^ (position * 131 + without);
  for (let i = 0; i < FIELDS; i++) {
    const id = i === without ? -2 : field(i);
    low = Math.imul(low ^ id, 0x01000193);
    high = Math.imul(high ^ (id + 0x5bd1e995), 0x85ebca6b);
    low ^= low >>> 15;
    high ^= high >>> 13;
  }
  return (low >>> 0) + (high & 0x1fffff) * 0x1_0000_0000;
}

/** An element within bounds. */
function at(array: Int32Array | Uint32Array, index: number): number {
  return array[index] ?? 0;
}
