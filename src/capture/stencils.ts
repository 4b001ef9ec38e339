// Recognises openings that have been seen before: the typed shell around native/core/stencils.h. A stencil is an opening with
// holes in it, and fits every opening of the same length with the same bytes outside of them. What is in a hole, and what a
// stencil stands for, is known to whoever cut it.
import { loadAddon } from './packet-core.js';
import type { NativeStencils } from './packet-core.js';

/** A record of a batch is at least this long. */
const LEAST_RECORD_BYTES = 16;

/** The stencils of one engine, under a bound: those that fit often stay. */
export class Stencils {
  readonly #addon = loadAddon();
  readonly #native: NativeStencils = new this.#addon.Stencils();
  readonly #holes = new Uint32Array(2 * this.#addon.Stencils.maxHoles);
  #numbers = new Uint32Array(0);

  /** How many there can be; the slot of a stencil is its number modulo this. */
  get slots(): number {
    return this.#addon.Stencils.slots;
  }

  /**
   * Cuts a stencil out of an opening. `holes` are begins and ends, in turn, ascending. Gives its number, which no other in
   * its slot has had for a long time, or 0 where it was not taken: too long, too much of it fixed, or too many holes.
   */
  learn(opening: Uint8Array, holes: readonly number[]): number {
    if (holes.length > this.#holes.length) return 0;
    this.#holes.set(holes);
    return this.#native.learn(opening, this.#holes, holes.length / 2);
  }

  /** For each record of a packed batch two numbers: of the stencils that the client's and the server's opening fit, or 0. */
  findAll(batch: Uint8Array, length: number): Uint32Array {
    const most = 2 * Math.ceil(length / LEAST_RECORD_BYTES);
    if (this.#numbers.length < most) this.#numbers = new Uint32Array(most);
    this.#native.findAll(batch, length, this.#numbers);
    return this.#numbers;
  }
}
