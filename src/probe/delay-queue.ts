// What has to wait, ordered by when it is due: a binary heap.

export class DelayQueue<T> {
  private readonly heap: { readonly due: number; readonly item: T }[] = [];

  get size(): number {
    return this.heap.length;
  }

  /** When the first item is due; Infinity: there is none. */
  get nextDue(): number {
    return this.heap[0]?.due ?? Infinity;
  }

  push(item: T, due: number): void {
    const { heap } = this;
    let at = heap.length;
    const entry = { due, item };
    heap.push(entry);
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = heap[parentAt];
      if (parent === undefined || parent.due <= due) break;
      heap[at] = parent;
      at = parentAt;
    }
    heap[at] = entry;
  }

  /** Takes the first item out if it is due by `now`. */
  popDue(now: number): T | undefined {
    const first = this.heap[0];
    if (first === undefined || first.due > now) return undefined;
    const last = this.heap.pop();
    if (last !== undefined && last !== first) this.sink(last);
    return first.item;
  }

  /** Puts an entry at the top and lets it sink to its place. */
  private sink(entry: { readonly due: number; readonly item: T }): void {
    const { heap } = this;
    let at = 0;
    for (;;) {
      let childAt = 2 * at + 1;
      const right = heap[childAt + 1];
      let child = heap[childAt];
      if (child === undefined) break;
      if (right !== undefined && right.due < child.due) {
        childAt += 1;
        child = right;
      }
      if (child.due >= entry.due) break;
      heap[at] = child;
      at = childAt;
    }
    heap[at] = entry;
  }
}
