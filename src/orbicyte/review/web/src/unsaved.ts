/** Decisions that are not saved yet, in order; kept in the browser too, so that a closed or crashed window keeps them. */

import type { Draft } from "./api";
import { uuid } from "./uuid";

export interface Batch {
  reader: string;
  drafts: Draft[];
}

export class Unsaved {
  private readonly prefix: string;
  private readonly key: string;
  private batches: Batch[];

  constructor(study: string) {
    this.prefix = `orbicyte.unsaved.${study}.`;
    this.key = this.prefix + uuid();
    this.batches = this.adopt();
    this.keep();
  }

  get first(): Batch | undefined {
    return this.batches[0];
  }

  get count(): number {
    return this.batches.reduce((sum, batch) => sum + batch.drafts.length, 0);
  }

  drafts(): Draft[] {
    return this.batches.flatMap((batch) => batch.drafts);
  }

  push(batch: Batch): void {
    this.batches.push(batch);
    this.keep();
  }

  shift(): void {
    this.batches.shift();
    this.keep();
  }

  /** What earlier windows left. One that is still open may send it as well: by its ids it is saved once. */
  private adopt(): Batch[] {
    const keys = Object.keys(localStorage).filter((key) => key.startsWith(this.prefix));
    const left = keys.flatMap((key) => JSON.parse(localStorage.getItem(key) ?? "[]") as Batch[]);
    for (const key of keys) localStorage.removeItem(key);
    return left;
  }

  private keep(): void {
    localStorage.removeItem(this.key);
    if (!this.batches.length) return;
    try {
      localStorage.setItem(this.key, JSON.stringify(this.batches));
    } catch {
      // more than a browser keeps, as when ten thousands are decided at once: the page holds them, and warns on leaving
    }
  }
}
