/**
 * Decisions that are not saved yet, in order, and those that were refused.
 *
 * Each batch is kept in the browser under a key of its own until it is saved or discarded, so that a closed or crashed
 * window loses none. The key holds the study's id: what waits for one study is never sent to another.
 */

import type { Draft } from "./api";
import { uuid } from "./uuid";

/** How many decisions are sent at once: few enough that others need not wait for them. */
const MOST_AT_ONCE = 2000;

/** Decisions that are sent at once. */
export interface Batch {
  /** The step of undo, which several batches may make up. */
  step: string;
  /** Places it among the batches of all windows. */
  at: number;
  key: string;
  reader: string;
  drafts: Draft[];
  /** Why the server refused it. */
  problem?: string;
}

export class Unsaved {
  private readonly prefix: string;
  private batches: Batch[];
  private newest = 0;

  /** What earlier windows left comes first. One still open may send it as well: by its ids it is saved once. */
  constructor(study: string) {
    this.prefix = `orbicyte.unsaved.${study}/`;
    this.batches = Object.keys(localStorage)
      .filter((key) => key.startsWith(this.prefix))
      .map((key) => JSON.parse(localStorage.getItem(key)!) as Batch)
      .sort((a, b) => a.at - b.at);
  }

  /** What is to be sent next. */
  get first(): Batch | undefined {
    return this.batches.find((batch) => batch.problem === undefined);
  }

  get refused(): Batch[] {
    return this.batches.filter((batch) => batch.problem !== undefined);
  }

  /** How many decisions wait to be saved. */
  get count(): number {
    return this.waiting().reduce((sum, batch) => sum + batch.drafts.length, 0);
  }

  /** Decisions that wait, as far as `reader` may know of them: readers name cells blind to each other. */
  drafts(reader: string): Draft[] {
    return this.waiting().flatMap((batch) => batch.drafts.filter((draft) => maySee(reader, batch.reader, draft)));
  }

  /** Keep one step of undo until it is saved. */
  push(reader: string, drafts: Draft[]): void {
    const step = uuid();
    for (let from = 0; from < drafts.length; from += MOST_AT_ONCE) {
      this.newest = Math.max(Date.now(), this.newest + 1);
      const part = drafts.slice(from, from + MOST_AT_ONCE);
      const batch = { step, at: this.newest, key: this.prefix + uuid(), reader, drafts: part };
      this.batches.push(batch);
      keep(batch);
    }
  }

  remove(batch: Batch): void {
    this.batches = this.batches.filter((other) => other !== batch);
    localStorage.removeItem(batch.key);
  }

  refuse(batch: Batch, problem: string): void {
    batch.problem = problem;
    keep(batch);
  }

  /** What was refused waits again, in its old place. */
  readmit(): void {
    for (const batch of this.refused) {
      delete batch.problem;
      keep(batch);
    }
  }

  private waiting(): Batch[] {
    return this.batches.filter((batch) => batch.problem === undefined);
  }
}

/** Whether `reader` may know of a decision by `who`. */
export function maySee(reader: string, who: string, draft: Draft): boolean {
  return who === reader || draft.kind !== "name";
}

function keep(batch: Batch): void {
  try {
    localStorage.setItem(batch.key, JSON.stringify(batch));
  } catch {
    // more than a browser keeps: the page holds it, and warns on leaving
  }
}
