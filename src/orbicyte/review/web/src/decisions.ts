/**
 * This reader's decisions: shown at once, saved in order; those that the server refuses are reverted, listed and kept.
 *
 * The shown state is that of the server's events, with the reader's own decisions applied that no poll has returned yet.
 * A decision keeps its id until it is saved, so that it is saved once if it is sent twice; until then it is also kept in
 * the browser, so that closing the window loses none.
 */

import { Failure, get, Outage, post, Refusal, type Draft, type Fields, type SavedEvent } from "./api";
import type { Cells } from "./cells";
import { Signal } from "./signal";
import { maySee, Unsaved, type Batch } from "./unsaved";

const POLL_MS = 1000;
const RETRY_MS = [1000, 2000, 4000, 8000];

interface Polled {
  seq: number;
  events: SavedEvent[];
}

/** `step`: what was undone or redone; `note`: what of it another reader has changed since. */
export interface UndoneStep {
  events: SavedEvent[];
  step: string | null;
  note: string | null;
}

export class Decisions {
  /** Rows of the open slide that have changed. */
  readonly changed = new Signal<number[]>();
  /** Events of other readers, or of this reader in another window. */
  readonly seen = new Signal<SavedEvent[]>();
  /** Whether everything is saved, and why not, may have changed. */
  readonly state = new Signal();
  /** One line about something that failed. */
  readonly refused = new Signal<string>();
  outage: string | null = null;

  private cells: Cells | null = null;
  private since: number | null = null;
  /** The server's values of rows that show decisions not polled yet. */
  private readonly under = new Map<number, Fields>();
  /** Saved, but not returned by a poll yet. */
  private unseen: { draft: Draft; seq: number; who: string }[] = [];
  private sending: Promise<void> | null = null;
  private polling: Promise<void> | null = null;
  private wake: () => void = () => {};

  constructor(
    private readonly unsaved: Unsaved,
    private readonly reader: () => string,
  ) {
    window.setInterval(() => {
      if (!document.hidden) void this.poll();
    }, POLL_MS);
    document.addEventListener("visibilitychange", () => void this.poll());
    window.addEventListener("beforeunload", (event) => {
      if (this.waiting) event.preventDefault();
    });
  }

  /** How many decisions are not saved. */
  get waiting(): number {
    return this.unsaved.count;
  }

  /** Refused decisions, until the reader sends them again or discards them. */
  get setAside(): readonly Batch[] {
    return this.unsaved.refused;
  }

  /** Show `cells` from now on. */
  open(cells: Cells): void {
    this.cells = cells;
    this.since ??= cells.seq;
    this.under.clear();
    this.unseen = this.unseen.filter(({ draft, seq }) => draft.slide !== cells.slide || seq > cells.seq);
    this.cover(this.pending().filter((draft) => draft.slide === cells.slide));
    this.send();
  }

  /** Make all of `drafts` one step of undo. */
  decide(drafts: Draft[]): void {
    if (!drafts.length) return;
    this.unsaved.push(this.reader(), drafts);
    this.changed.send(this.cover(drafts));
    this.state.send();
    this.send();
  }

  /** Undo the reader's last step, or redo it. */
  async undoOrRedo(direction: "undo" | "redo"): Promise<UndoneStep> {
    await this.sending;
    try {
      const undone = await post<UndoneStep>(`/api/${direction}`, { reader: this.reader() });
      if (!undone.events.length) this.refused.send(`Nothing to ${direction}.`);
      await this.poll();
      return undone;
    } catch (error) {
      this.refused.send(`Could not ${direction}: ${(error as Error).message}`);
      return { events: [], step: null, note: null };
    }
  }

  /** Send unsaved decisions now, without waiting for the next try. */
  retry(): void {
    this.wake();
    this.send();
  }

  /** Send refused decisions again. */
  resend(): void {
    this.unsaved.resend();
    this.changed.send(this.cover(this.pending()));
    this.state.send();
    this.retry();
  }

  /** Discard refused decisions. */
  discard(): void {
    for (const batch of this.setAside) this.unsaved.remove(batch);
    this.state.send();
  }

  private send(): void {
    this.sending ??= this.sendAll().finally(() => {
      this.sending = null;
    });
  }

  private async sendAll(): Promise<void> {
    for (let tries = 0, batch = this.unsaved.first; batch; batch = this.unsaved.first) {
      try {
        const answer = await post<{ saved: { id: string; seq: number }[] }>("/api/events", {
          reader: batch.reader,
          events: batch.drafts,
          batch: batch.step,
        });
        tries = 0;
        this.saved(batch, new Map(answer.saved.map(({ id, seq }) => [id, seq])));
      } catch (error) {
        const final = error instanceof Refusal || (error instanceof Failure && tries >= RETRY_MS.length);
        if (final) {
          tries = 0;
          this.revert(batch, error.message);
        } else await this.pause((error as Error).message, RETRY_MS[Math.min(tries++, RETRY_MS.length - 1)]!);
      }
    }
  }

  private saved(batch: Batch, seqs: Map<string, number>): void {
    this.unsaved.remove(batch);
    for (const draft of batch.drafts) {
      const seq = seqs.get(draft.id) ?? 0;
      if (seq > (this.since ?? 0)) this.unseen.push({ draft, seq, who: batch.reader });
    }
    this.outage = null;
    this.state.send();
    void this.poll();
  }

  private revert(batch: Batch, problem: string): void {
    this.unsaved.refuse(batch, problem);
    this.outage = null;
    this.changed.send(this.uncover(batch.drafts));
    this.state.send();
  }

  private pause(problem: string, time_ms: number): Promise<void> {
    this.outage = problem;
    this.state.send();
    return new Promise((resolve) => {
      this.wake = resolve;
      window.setTimeout(resolve, time_ms);
    });
  }

  /** Ask for new events; one request at a time. */
  poll(): Promise<void> {
    if (this.since === null) return Promise.resolve();
    this.polling ??= this.ask(this.since).finally(() => {
      this.polling = null;
    });
    return this.polling;
  }

  private async ask(since: number): Promise<void> {
    const reader = encodeURIComponent(this.reader());
    try {
      this.take(await get<Polled>(`/api/events?since=${since}&reader=${reader}`));
      if (!this.waiting) this.outage = null;
    } catch (error) {
      if (error instanceof Outage) this.outage = error.message;
      else this.refused.send((error as Error).message);
    }
    this.state.send();
  }

  private take({ seq, events }: Polled): void {
    this.since = seq;
    const own = new Set(this.unseen.map(({ draft }) => draft.id));
    const returned = this.unseen.filter((saved) => saved.seq <= seq).map(({ draft }) => draft);
    this.unseen = this.unseen.filter((saved) => saved.seq > seq);
    const here = events.filter((event) => event.slide === this.cells?.slide && event.seq > this.cells.seq);
    const rows = [...here.map((event) => this.confirm(event)), ...this.uncover(returned)];
    if (rows.length) this.changed.send(rows);
    const news = events.filter((event) => !own.has(event.id));
    if (news.length) this.seen.send(news);
  }

  /** Apply one event of the server to the open slide; returns the row of its cell. */
  private confirm(event: SavedEvent): number {
    const cells = this.cells!;
    const row = cells.findOrAdd(event.cell);
    const under = this.under.get(row);
    const { label, ...shared } = event.after;
    const after = event.who === this.reader() && label !== undefined ? { ...shared, label } : shared;
    if (under) Object.assign(under, after);
    else cells.assign(row, after);
    if (after.x_px !== undefined && after.y_px !== undefined) cells.cropMoved(row, after.x_px, after.y_px);
    return row;
  }

  private pending(): Draft[] {
    const reader = this.reader();
    const saved = this.unseen.filter(({ draft, who }) => maySee(reader, who, draft));
    return [...saved.map(({ draft }) => draft), ...this.unsaved.drafts(reader)];
  }

  /** Show `drafts` on the open slide's cells; returns their rows. */
  private cover(drafts: Draft[]): number[] {
    const cells = this.cells;
    if (!cells) return [];
    return drafts
      .filter((draft) => draft.slide === cells.slide)
      .map((draft) => {
        const row = cells.findOrAdd(draft.cell);
        if (!this.under.has(row)) this.under.set(row, cells.fields(row));
        cells.assign(row, shownAfter(draft));
        return row;
      });
  }

  /** Show the server's values with the decisions that still apply; returns the rows. */
  private uncover(drafts: Draft[]): number[] {
    const cells = this.cells;
    if (!cells) return [];
    const ids = new Set(drafts.filter((draft) => draft.slide === cells.slide).map((draft) => draft.cell));
    const left = this.pending().filter((draft) => ids.has(draft.cell));
    return [...ids].map((id) => {
      const row = cells.findOrAdd(id);
      const under = this.under.get(row);
      if (!under) return row;
      cells.assign(row, under);
      const over = left.filter((draft) => draft.cell === id);
      for (const draft of over) cells.assign(row, shownAfter(draft));
      if (!over.length) this.under.delete(row);
      return row;
    });
  }
}

function shownAfter(draft: Draft): Fields {
  return draft.kind === "add" ? { ...draft.after, status: "kept" } : draft.after;
}
