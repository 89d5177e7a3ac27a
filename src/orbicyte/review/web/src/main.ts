/** The page: the reader, the three views, and what they share. */

import { placeOf, showPlace } from "./address";
import { AgreementView } from "./agreement_view";
import { getStudy, type SavedEvent } from "./api";
import { CheckView } from "./check_view";
import { button, el, setText } from "./dom";
import { listenToKeys, showHelp, type Group } from "./keys";
import { LabelView } from "./label_view";
import { askReader, knownReader } from "./reader";
import { Review } from "./review";
import { viewOf } from "./seen_changes";
import { SlideList } from "./slide_list";
import { StatusBar } from "./status_bar";
import { startTheme, switchTheme } from "./theme";
import { TypeColours } from "./type_colours";
import { UndoButtons } from "./undo_buttons";
import type { View } from "./view";

class Page {
  private readonly check: CheckView;
  private readonly label: LabelView;
  private readonly agreement: AgreementView;
  private readonly undo: UndoButtons;
  private readonly slides: SlideList;
  private readonly status: StatusBar;
  private readonly tabs = new Map<View, HTMLElement>();
  private readonly readerButton: HTMLButtonElement;
  private front: View;

  constructor(private readonly review: Review) {
    this.check = new CheckView(review);
    this.label = new LabelView(review, (cell) => this.showOnSlide(cell));
    const colours = new TypeColours(review.study.classes.map(({ name }) => name));
    this.agreement = new AgreementView(colours, (slide, cell) => void this.showCell(slide, cell));
    this.undo = new UndoButtons(review, () => this.check.adjustment.finish(), (events, row) => this.showChanges(events, row));
    this.slides = new SlideList(review);
    this.status = new StatusBar(review);
    this.front = this.check;
    this.readerButton = button(review.reader, () => void this.changeReader(), { class: "reader", title: "Change the reader" });
    const views = el("div", { class: "views" }, this.slides.element, this.check.element, this.label.element, this.agreement.element);
    document.body.append(this.header(), views, this.status.element);
    review.counted.listen(() => this.showPace());
    listenToKeys(() => this.groups());
    review.opened.listen(() => this.keepPlace());
    window.addEventListener("hashchange", () => void this.goToPlace());
    this.showView(this.viewNamed(placeOf(window.location.hash).view));
  }

  /** Open the slide and the view of the page's address; without them, the first slide that can be shown. */
  async goToPlace(): Promise<void> {
    const { slides } = this.review.study;
    const { slide, view } = placeOf(window.location.hash);
    const named = slides.find(({ name }) => name === slide);
    const open = named ?? slides.find(({ problem }) => !problem) ?? slides[0];
    if (this.viewNamed(view) !== this.front) this.showView(this.viewNamed(view));
    if (open && open.name !== this.review.slide?.name) await this.review.open(open.name);
  }

  private viewNamed(name: string | null): View {
    return [this.label, this.agreement].find(({ title }) => title.toLowerCase() === name) ?? this.check;
  }

  private keepPlace(): void {
    const slide = this.review.slide?.name ?? placeOf(window.location.hash).slide;
    showPlace({ slide, view: this.front.title.toLowerCase() });
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
      ...this.undo.elements,
      el("span", { class: "gap" }),
      el("span", { class: "reader-label" }, "Reader"),
      this.readerButton,
      button("Light / dark", switchTheme, {}),
      button("?", () => showHelp(this.groups()), { title: "Keys and mouse (?)", "aria-label": "Keys and mouse" }),
    );
  }

  private groups(): Group[] {
    const { review } = this;
    const slides = [
      { keys: ["["], help: "Previous slide", run: () => void review.openNeighbour(-1) },
      { keys: ["]"], help: "Next slide", run: () => void review.openNeighbour(1) },
      { keys: ["W"], help: "Next slide with work left", run: () => this.slides.openNext() },
    ];
    const everywhere: Group = {
      title: "Everywhere",
      commands: [
        ...(this.front === this.agreement ? [] : slides),
        { keys: ["Ctrl+Z"], help: "Undo", run: () => void this.undo.run("undo") },
        { keys: ["Ctrl+Shift+Z", "Ctrl+Y"], help: "Redo", run: () => void this.undo.run("redo") },
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
    this.keepPlace();
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

  /** Show changes of undo or redo: the view in which they are seen, and in it the first changed cell. */
  private showChanges(events: readonly SavedEvent[], row: number | undefined): void {
    const name = viewOf(events);
    if (!name) return;
    const view = name === "label" ? this.label : this.check;
    if (view !== this.front) this.showView(view);
    if (row !== undefined) void view.reveal(row);
  }

  private async showCell(slide: string, cell: string): Promise<void> {
    const { review } = this;
    if (review.slide?.name !== slide) await review.open(slide);
    this.showView(this.check);
    const row = review.cells?.find(cell);
    if (row === undefined) return;
    review.selection.only(row);
    this.check.slide.whenOpen(() => this.check.slide.zoomTo(row));
  }

  private async changeReader(): Promise<void> {
    const { reader, study } = this.review;
    const name = await askReader(reader, study.readers);
    if (!name || name === reader) return;
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
    await new Page(review).goToPlace();
  } catch (error) {
    document.body.append(el("p", { class: "fatal", role: "alert" }, `The review cannot be shown: ${(error as Error).message}`));
  }
}

void start();
