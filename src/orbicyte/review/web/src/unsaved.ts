/**
 * Decisions that are not saved yet, in order, and refused ones.
 *
 * Each batch is kept in the browser under its own key until it is saved or discarded, so that a closed or crashed
 * window loses none. The key contains the study's id: decisions for one study are never sent to another.
 */

import type { Draft } from "./api";
import { uuid } from "./uuid";

/** Decisions in one request: few enough that other readers need not wait for it. */
const MOST_AT_ONCE = 2000;

/** Decisions that are sent in one request. */
export interface Batch {
  /** Id of the step of undo, which may consist of several batches. */
  step: string;
  /** Its position in the order of the batches of all windows. */
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

  /** Batches of earlier windows come first. An open window may send them too; by their ids they are saved once. */
  constructor(study: string) {
    this.prefix = `orbicyte.unsaved.${study}/`;
    this.batches = Object.keys(localStorage)
      .filter((key) => key.startsWith(this.prefix))
      .map((key) => JSON.parse(localStorage.getItem(key)!) as Batch)
      .sort((a, b) => a.at - b.at);
  }

  /** The batch to be sent next. */
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

  /** Waiting decisions that `reader` may see: readers do not see each other's labels. */
  drafts(reader: string): Draft[] {
    return this.waiting().flatMap((batch) => batch.drafts.filter((draft) => maySee(reader, batch.reader, draft)));
  }

  /** Keep the decisions of one step of undo until they are saved. */
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

  /** Refused batches wait again, in their original order. */
  resend(): void {
    for (const batch of this.refused) {
      delete batch.problem;
      keep(batch);
    }
  }

  private waiting(): Batch[] {
    return this.batches.filter((batch) => batch.problem === undefined);
  }
}

/** Whether `reader` may see a decision by `who`. */
export function maySee(reader: string, who: string, draft: Draft): boolean {
  return who === reader || draft.kind !== "name";
}

function keep(batch: Batch): void {
  try {
    localStorage.setItem(batch.key, JSON.stringify(batch));
  } catch {
    // the browser's storage is full: the page keeps the batch, and warns before it is closed
  }
}
