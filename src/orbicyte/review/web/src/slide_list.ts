/** The list of slides with their progress. */

import { button, el, setText } from "./dom";
import { NeedsPanel } from "./needs_panel";
import type { Review } from "./review";

export class SlideList {
  readonly element = el("nav", { class: "slides", "aria-label": "Slides" });
  private readonly rows = new Map<string, { element: HTMLElement; bar: HTMLElement; count: HTMLElement }>();
  private readonly needs: NeedsPanel;
  private labelling = false;

  constructor(private readonly review: Review) {
    this.needs = new NeedsPanel(review);
    const next = button("Next", () => this.openNext(), { title: "Next slide with work left (W)" });
    const list = el("ul");
    for (const slide of review.study.slides) {
      const count = el("span", { class: "count" });
      const bar = el("span", { class: "bar" });
      const row = button("", () => void review.open(slide.name), { class: "slide-row", title: slide.problem ?? slide.name });
      row.append(el("span", { class: "name" }, slide.name), count, el("span", { class: "track" }, bar));
      if (slide.problem) row.append(el("span", { class: "problem" }, "Cannot be shown"));
      this.rows.set(slide.name, { element: row, bar, count });
      list.append(el("li", {}, row));
    }
    this.element.append(el("header", {}, el("h2", {}, "Slides"), next), list, this.needs.element);
    review.counted.listen(() => this.count());
    review.opened.listen(() => this.count());
  }

  /** Show the progress of labelling, and what it needs, or of checking. */
  show(labelling: boolean): void {
    this.labelling = labelling;
    this.needs.show(labelling);
    this.count();
  }

  openNext(): void {
    void this.review.openNextWithWork(this.labelling);
  }

  private count(): void {
    for (const slide of this.review.study.slides) {
      const row = this.rows.get(slide.name);
      if (!row) continue;
      const progress = this.review.progress(slide);
      const [done, of] = this.labelling ? [progress.labelled, progress.kept] : [progress.checked, progress.total];
      setText(row.count, `${done.toLocaleString("en")} / ${of.toLocaleString("en")} ${this.labelling ? "labelled" : "checked"}`);
      row.bar.style.width = `${of ? Math.min(100, (100 * done) / of) : 0}%`;
      if (slide.name === this.review.slide?.name) row.element.setAttribute("aria-current", "true");
      else row.element.removeAttribute("aria-current");
    }
  }
}
