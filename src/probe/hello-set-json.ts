// A JSON value with the path that leads to it, for reading hello sets: every fault names its file and its place.
import { HellotapError } from '../errors.js';
import { GREASE } from './hello-set.js';
import type { CodePoint } from './hello-set.js';

/** Four hexadecimal digits as a number, null where they are not that. */
export function parseCode16(text: string): number | null {
  return /^[0-9a-f]{4}$/i.test(text) ? Number.parseInt(text, 16) : null;
}

/** Reads one value. All methods throw ERR_HELLO_SET where the value is not what they read. */
export class JsonNode {
  constructor(
    private readonly value: unknown,
    private readonly file: string,
    private readonly path: string,
  ) {}

  fail(reason: string): never {
    throw new HellotapError('ERR_HELLO_SET', `${this.file}: ${this.path === '' ? 'the set' : this.path}: ${reason}`);
  }

  /** Itself, after a check that it is an object with these members and no others. */
  object(required: readonly string[], optional: readonly string[] = []): this {
    const names = Object.keys(this.fields());
    for (const name of required) if (!names.includes(name)) this.fail(`"${name}" is missing`);
    for (const name of names) {
      if (!required.includes(name) && !optional.includes(name)) this.fail(`"${name}" is not known here`);
    }
    return this;
  }

  has(name: string): boolean {
    return Object.hasOwn(this.fields(), name);
  }

  get(name: string): JsonNode {
    const fields = this.fields();
    if (!Object.hasOwn(fields, name)) this.fail(`"${name}" is missing`);
    return new JsonNode(fields[name], this.file, this.path === '' ? name : `${this.path}.${name}`);
  }

  text(name: string): string {
    return this.get(name).string();
  }

  members(): [name: string, node: JsonNode][] {
    return Object.keys(this.fields()).map((name) => [name, this.get(name)]);
  }

  array(): JsonNode[] {
    const { value } = this;
    if (!Array.isArray(value)) return this.fail('has to be a list');
    return value.map((item: unknown, at) => new JsonNode(item, this.file, `${this.path}[${at}]`));
  }

  /** A list; null is an empty one, as in what Go writes. */
  arrayOrNull(): JsonNode[] {
    return this.value === null ? [] : this.array();
  }

  boolean(): boolean {
    return typeof this.value === 'boolean' ? this.value : this.fail('has to be true or false');
  }

  /** Text; null is the empty one. */
  stringOrNull(): string {
    return this.value === null ? '' : this.string();
  }

  string(): string {
    return typeof this.value === 'string' ? this.value : this.fail('has to be text');
  }

  integer(min: number, max: number): number {
    const { value } = this;
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
    return this.fail(`has to be a whole number from ${min} to ${max}`);
  }

  /** Four hexadecimal digits. */
  code16(): number {
    return parseCode16(this.string()) ?? this.fail(`"${this.string()}" is not four hexadecimal digits`);
  }

  /** Groups of four hexadecimal digits (or the word grease), separated by spaces. */
  codePoints(): CodePoint[] {
    return this.words().map((word) =>
      word === GREASE ? GREASE : (parseCode16(word) ?? this.fail(`"${word}" is not four hexadecimal digits`)),
    );
  }

  /** Pairs of hexadecimal digits, separated by spaces or not. */
  bytes(): Uint8Array {
    const digits = this.words().join('');
    if (digits.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(digits)) this.fail('is not a row of hexadecimal bytes');
    return new Uint8Array(Buffer.from(digits, 'hex'));
  }

  private words(): string[] {
    return this.string()
      .split(' ')
      .filter((word) => word !== '');
  }

  private fields(): Record<string, unknown> {
    const { value } = this;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return this.fail('has to be an object');
    return value as Record<string, unknown>;
  }
}
