/** The status line: whether everything is saved, what other readers do, and errors. */

import type { SavedEvent } from "./api";
import { button, el, setText } from "./dom";
import type { Review } from "./review";
import type { Batch } from "./unsaved";

const NEWS_MS = 8000;
const HINT_MS = 4000;
const ACTIONS: Record<string, string> = { move: "moved", resize: "resized", add: "added", outline: "outlined", name: "labelled", undo: "undid", redo: "redid" };

export class StatusBar {
  readonly element = el("footer", { class: "status" });
  private readonly saved = el("span", { class: "saved", role: "status" });
  private readonly retry: HTMLButtonElement;
  private readonly news = el("span", { class: "news", "aria-live": "polite" });
  private readonly alert = el("div", { class: "alert", role: "alert", hidden: "" });
  private readonly alertText = el("span");
  private readonly setAside = el("div", { class: "alert", role: "alert", hidden: "" });
  private readonly setAsideText = el("span");
  private readonly hint = el("div", { class: "alert hint", role: "status", hidden: "" });
  private readonly pace = el("span", { class: "pace" });
  private newsTimer = 0;
  private hintTimer = 0;

  constructor(private readonly review: Review) {
    const { decisions, study } = review;
    this.retry = button("Retry now", () => decisions.retry(), { hidden: "" });
    this.alert.append(this.alertText, button("Dismiss", () => (this.alert.hidden = true)));
    const choices = [button("Send again", () => decisions.resend()), button("Discard", () => decisions.discard())];
    this.setAside.append(this.setAsideText, ...choices);
    const alerts = el("div", { class: "alerts" }, this.setAside, this.alert, this.hint);
    this.element.append(this.saved, this.retry, this.news, this.pace, el("span", { class: "note" }, study.note ?? ""), alerts);
    decisions.state.listen(() => this.showState());
    decisions.refused.listen((problem) => this.warn(problem));
    decisions.seen.listen((events) => this.report(events));
    review.hint.listen((text) => this.showHint(text));
    this.showState();
  }

  /** Show how fast the reader is, and how long `left` cells take. */
  showPace(left: number): void {
    setText(this.pace, this.review.pace.text(left));
  }

  /** Show a message until the reader dismisses it. */
  warn(problem: string): void {
    setText(this.alertText, problem);
    this.alert.hidden = false;
  }

  private showHint(text: string): void {
    setText(this.hint, text);
    this.hint.hidden = false;
    window.clearTimeout(this.hintTimer);
    this.hintTimer = window.setTimeout(() => (this.hint.hidden = true), HINT_MS);
  }

  private showState(): void {
    const { waiting, outage, setAside } = this.review.decisions;
    const decisions = counted(waiting);
    this.setAside.hidden = !setAside.length;
    setText(this.setAsideText, `Refused and reverted: ${listed(setAside)}`);
    const trouble = outage !== null;
    this.element.classList.toggle("trouble", trouble);
    this.retry.hidden = !(trouble && waiting);
    if (trouble) setText(this.saved, waiting ? `Not saved yet: ${decisions}. Retrying: ${outage}` : `Retrying: ${outage}`);
    else setText(this.saved, waiting ? `Saving ${decisions}` : this.review.study.writable ? "All saved" : "Read-only");
  }

  private report(events: SavedEvent[]): void {
    const others = events.filter((event) => event.who !== this.review.reader);
    const last = others.at(-1);
    if (!last) return;
    const same = others.filter((event) => event.who === last.who && event.kind === last.kind).length;
    const action = last.kind === "check" ? (last.after.status === "unchecked" ? "reset" : last.after.status!) : ACTIONS[last.kind]!;
    const what = last.kind === "undo" || last.kind === "redo" ? "a step" : same === 1 ? "a cell" : `${same} cells`;
    const where = last.slide === this.review.slide?.name ? "" : ` on ${last.slide}`;
    setText(this.news, `${last.who} ${action} ${what}${where}`);
    window.clearTimeout(this.newsTimer);
    this.newsTimer = window.setTimeout(() => setText(this.news, ""), NEWS_MS);
  }
}

function counted(decisions: number): string {
  return `${decisions} decision${decisions === 1 ? "" : "s"}`;
}

/** Number of refused decisions by reader, slide and reason. */
function listed(batches: readonly Batch[]): string {
  const numbers = new Map<string, number>();
  for (const { reader, drafts, problem } of batches) {
    const why = `of ${reader} on ${drafts[0]!.slide} (${problem})`;
    numbers.set(why, (numbers.get(why) ?? 0) + drafts.length);
  }
  return [...numbers].map(([why, number]) => `${counted(number)} ${why}`).join("; ");
}
