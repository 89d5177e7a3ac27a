/** The page: the reader, the three views, and what they share. */

import { AgreementView } from "./agreement_view";
import { getStudy } from "./api";
import { CheckView } from "./check_view";
import { button, el, setText } from "./dom";
import { listenToKeys, showHelp, type Group } from "./keys";
import { LabelView } from "./label_view";
import { askReader, knownReader } from "./reader";
import { Review } from "./review";
import { SlideList } from "./slide_list";
import { StatusBar } from "./status_bar";
import { startTheme, switchTheme } from "./theme";
import type { View } from "./view";

class Page {
  private readonly check: CheckView;
  private readonly label: LabelView;
  private readonly agreement = new AgreementView();
  private readonly slides: SlideList;
  private readonly status: StatusBar;
  private readonly tabs = new Map<View, HTMLElement>();
  private readonly readerButton: HTMLButtonElement;
  private front: View;

  constructor(private readonly review: Review) {
    this.check = new CheckView(review);
    this.label = new LabelView(review, (cell) => this.showOnSlide(cell));
    this.slides = new SlideList(review);
    this.status = new StatusBar(review);
    this.front = this.check;
    this.readerButton = button(review.reader, () => void this.changeReader(), { class: "reader", title: "Change the reader" });
    const views = el("div", { class: "views" }, this.slides.element, this.check.element, this.label.element, this.agreement.element);
    document.body.append(this.header(), views, this.status.element);
    review.counted.listen(() => this.showPace());
    listenToKeys(() => this.groups());
    this.showView(this.check);
  }

  private header(): HTMLElement {
    const { review } = this;
    const tabs = el("nav", { class: "tabs", "aria-label": "Views" });
    for (const view of [this.check, this.label, this.agreement]) {
      const tab = button(view.title, () => this.showView(view), { title: `${view.title} (Shift+${view.title[0]})` });
      this.tabs.set(view, tab);
      tabs.append(tab);
    }
    return el(
      "header",
      { class: "top" },
      el("img", { src: "/assets/icon.svg", alt: "", width: "22", height: "22" }),
      el("h1", {}, review.study.study),
      tabs,
      button("Undo", () => void this.undoOrRedo("undo"), { title: "Undo (Ctrl+Z)" }),
      button("Redo", () => void this.undoOrRedo("redo"), { title: "Redo (Ctrl+Shift+Z)" }),
      el("span", { class: "gap" }),
      el("span", { class: "reader-label" }, "Reader"),
      this.readerButton,
      button("Light / dark", switchTheme, {}),
      button("?", () => showHelp(this.groups()), { title: "Keys and mouse (?)", "aria-label": "Keys and mouse" }),
    );
  }

  private groups(): Group[] {
    const { review } = this;
    const everywhere: Group = {
      title: "Everywhere",
      commands: [
        { keys: ["Ctrl+Z"], help: "Undo", run: () => void this.undoOrRedo("undo") },
        { keys: ["Ctrl+Shift+Z", "Ctrl+Y"], help: "Redo", run: () => void this.undoOrRedo("redo") },
        { keys: ["["], help: "Previous slide", run: () => void review.openNeighbour(-1) },
        { keys: ["]"], help: "Next slide", run: () => void review.openNeighbour(1) },
        { keys: ["W"], help: "Next slide with work left", run: () => this.slides.openNext() },
        { keys: ["Shift+C"], help: "Check", run: () => this.showView(this.check) },
        { keys: ["Shift+L"], help: "Label", run: () => this.showView(this.label) },
        { keys: ["Shift+A"], help: "Agreement", run: () => this.showView(this.agreement) },
        { keys: ["?"], help: "This help", run: () => showHelp(this.groups()) },
      ],
    };
    return [...this.front.groups(), everywhere];
  }

  private showView(view: View): void {
    this.check.hide();
    this.label.hide();
    this.front = view;
    for (const [other, tab] of this.tabs) {
      other.element.hidden = other !== view;
      if (other === view) tab.setAttribute("aria-current", "page");
      else tab.removeAttribute("aria-current");
    }
    this.slides.element.hidden = view === this.agreement;
    this.slides.show(view === this.label);
    this.review.pace.clear();
    this.showPace();
    view.show();
  }

  private showPace(): void {
    const { slide } = this.review;
    if (slide) this.status.showPace(this.review.left(slide, this.front === this.label));
  }

  private showOnSlide(cell: number): void {
    this.showView(this.check);
    this.check.slide.zoomTo(cell);
  }

  /** Undo or redo, and select the cells it changed. */
  private async undoOrRedo(direction: "undo" | "redo"): Promise<void> {
    const { review } = this;
    this.check.adjustment.finish();
    const events = await review.decisions.undoOrRedo(direction);
    const rows = events
      .filter((event) => event.slide === review.cells?.slide && event.after.status !== "removed")
      .flatMap((event) => review.cells?.find(event.cell) ?? []);
    const elsewhere = new Set(events.map((event) => event.slide).filter((slide) => slide !== review.slide?.name));
    if (elsewhere.size) review.decisions.refused.send(`This ${direction} changed cells on ${[...elsewhere].join(", ")}.`);
    else review.selection.set(rows, rows[0] ?? null);
  }

  private async changeReader(): Promise<void> {
    const name = await askReader(this.review.reader, this.review.study.readers);
    if (!name || name === this.review.reader) return;
    setText(this.readerButton, name);
    await this.review.changeReader(name);
  }
}

async function start(): Promise<void> {
  startTheme();
  try {
    const study = await getStudy();
    document.title = `${study.study} · orbicyte review`;
    const reader = knownReader() ?? (await askReader(null, study.readers));
    const review = new Review(study, reader!);
    new Page(review);
    const first = study.slides.find((slide) => !slide.problem) ?? study.slides[0];
    if (first) await review.open(first.name);
  } catch (error) {
    document.body.append(el("p", { class: "fatal", role: "alert" }, `The review cannot be shown: ${(error as Error).message}`));
  }
}

void start();
