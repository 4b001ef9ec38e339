// One JSON object per line, as Suricata's EVE log has it.
import type { EventSink, HellotapEvent, LineRoom } from './event.js';
import { FlowEvent } from './flow-event.js';
import type { LineWriter } from './line-writer.js';

/** Writes every event as it comes. */
export class JsonlSink implements EventSink, LineRoom {
  readonly lines = this;
  readonly #writer: LineWriter;
  readonly #prompt: boolean;

  /** @param prompt hand each event to the system at once (live), instead of in large pieces (captures) */
  constructor(writer: LineWriter, prompt = false) {
    this.#writer = writer;
    this.#prompt = prompt;
  }

  write(event: HellotapEvent): void {
    const out = this.#writer.begin();
    if (out === null) return;
    if (event instanceof FlowEvent) event.write(out);
    else out.text(JSON.stringify(event));
    this.#writer.end();
    if (this.#prompt) this.#writer.flush();
  }

  room(bytes: number): Uint8Array {
    return this.#writer.room(bytes);
  }

  filled(bytes: number, lines: number): void {
    this.#writer.filled(bytes, lines);
    if (this.#prompt) this.#writer.flush();
  }

  ready(): Promise<void> | null {
    return this.#writer.ready();
  }

  close(): Promise<void> {
    return this.#writer.close();
  }
}
