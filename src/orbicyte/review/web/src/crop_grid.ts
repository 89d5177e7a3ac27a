/** A grid of thousands of crops, of which only those in view are elements of the page. */

import { cropPath } from "./api";
import type { CellList } from "./cell_list";
import type { Cells } from "./cells";
import { beforeFrame, el, setText } from "./dom";
import { DragSelect } from "./drag_select";
import { Tiling } from "./tiling";
import type { Selection } from "./selection";

const SPARE_ROWS = 2;
const SETTLED_MS = 70;
const FAST_PX_MS = 2.5;
const FRESH_PER_FRAME = 2;

let made = 0;

/**
 * How a grid looks. `mark`: CSS class of a crop; `caption`: text below it; `spoken`: text for screen readers.
 *
 * `colour`: of the caption's edge; `target_px`: distance of the corners that mark the cell. Without them there are none.
 */
export interface Look {
  label: string;
  crop_px: number;
  caption_px: number;
  um: () => number;
  mark: (cells: Cells, cell: number) => string;
  caption: (cells: Cells, cell: number) => string;
  spoken: (cells: Cells, cell: number) => string;
  colour?: (cells: Cells, cell: number) => string;
  target_px?: (cells: Cells, cell: number) => number;
}

interface Slot {
  element: HTMLElement;
  picture: HTMLImageElement;
  caption: HTMLElement;
  source: string;
}

export class CropGrid {
  readonly element: HTMLElement;
  private readonly space = el("div", { class: "grid-space" });
  private readonly empty = el("p", { class: "grid-empty" });
  private readonly tiling: Tiling;
  private readonly slots = new Map<number, Slot>();
  private readonly spare: Slot[] = [];
  private readonly loaded = new Set<string>();
  private readonly draw = beforeFrame(() => this.drawNow());
  private cells: Cells | null = null;
  private settled = 0;
  private fast = false;
  private fresh = 0;
  private seen = { at: 0, top: 0 };

  constructor(
    private readonly look: Look,
    private readonly list: CellList,
    private readonly selection: Selection,
    open: (cell: number) => void,
  ) {
    this.tiling = new Tiling(look.crop_px, look.crop_px + look.caption_px);
    this.element = el(
      "div",
      { class: "grid", role: "listbox", tabindex: "0", "aria-label": look.label, "aria-multiselectable": "true" },
      this.space,
      this.empty,
    );
    this.element.style.setProperty("--crop", `${look.crop_px}px`);
    this.element.style.setProperty("--caption", `${look.caption_px}px`);
    this.element.addEventListener("scroll", () => this.scrolled(), { passive: true });
    new ResizeObserver(() => this.resized()).observe(this.element);
    new DragSelect(this.element, this.space, this.tiling, list, selection, open);
    selection.changed.listen(() => this.draw());
  }

  /**
   * Show the list again, now of `cells`, from the top or at the current scroll position.
   *
   * Without `cells`, show the `problem`, or that they are loading; `none` is shown if the list is empty.
   */
  show(cells: Cells | null, problem: string | null, none: string, keepPlace = false): void {
    this.cells = cells;
    if (!keepPlace) this.element.scrollTop = 0;
    const loading = !cells && problem === null;
    this.element.ariaBusy = String(loading);
    setText(this.empty, problem ?? (loading ? "Loading" : none));
    this.resized();
  }

  /** Redraw after cells have changed. */
  refresh(): void {
    this.tiling.count = this.list.order.length;
    this.space.style.height = `${this.tiling.height}px`;
    this.draw();
  }

  /** The position of the first crop that is wholly in view. */
  get firstInView(): number {
    const { tiling } = this;
    return Math.min(tiling.count, Math.ceil(this.element.scrollTop / tiling.pitchY) * tiling.columns);
  }

  /** Scroll so that `cell` is in view, if it is in the list. */
  reveal(cell: number): void {
    const at = this.list.place.get(cell);
    if (at === undefined) return;
    const top = this.tiling.top(at);
    const { scrollTop, clientHeight } = this.element;
    const inView = top >= scrollTop && top + this.tiling.pitchY <= scrollTop + clientHeight;
    if (!inView) this.element.scrollTop = top - (clientHeight - this.tiling.pitchY) / 2;
    this.draw();
  }

  /** Go `across` columns and `down` rows from the current cell. */
  step(across: number, down: number, extend: boolean): void {
    const at = this.selection.current === null ? undefined : this.list.place.get(this.selection.current);
    const next = at === undefined ? 0 : at + across + down * this.tiling.columns;
    this.goTo(Math.max(0, Math.min(this.list.order.length - 1, next)), extend);
  }

  goTo(at: number, extend = false): void {
    const cell = this.list.order[at];
    if (cell === undefined) return;
    if (extend) this.selection.extend(this.list.order, this.list.place, cell);
    else this.selection.only(cell);
    this.reveal(cell);
  }

  /** Go one page up or down. */
  page(direction: number, extend: boolean): void {
    const rows = Math.max(1, Math.floor(this.element.clientHeight / this.tiling.pitchY));
    this.step(0, direction * rows, extend);
  }

  private scrolled(): void {
    const [now, top] = [performance.now(), this.element.scrollTop];
    this.fast = Math.abs(top - this.seen.top) > FAST_PX_MS * (now - this.seen.at);
    this.seen = { at: now, top };
    this.draw();
    window.clearTimeout(this.settled);
    this.settled = window.setTimeout(() => {
      this.settled = 0;
      this.fast = false;
      this.draw();
    }, SETTLED_MS);
  }

  private resized(): void {
    this.tiling.fit(this.element.clientWidth);
    this.recycle(() => true);
    this.refresh();
  }

  private drawNow(): void {
    const { scrollTop, clientHeight } = this.element;
    const [first, last] = this.tiling.range(scrollTop, clientHeight, this.fast ? 0 : SPARE_ROWS);
    this.recycle((at) => at < first || at >= last);
    this.empty.hidden = this.list.order.length > 0;
    if (!this.cells) return;
    this.fresh = FRESH_PER_FRAME;
    for (let at = first; at < last; at++) this.fill(at, this.list.order[at]!, this.cells);
    for (const slot of this.spare) slot.element.hidden = true;
    const current = this.selection.current;
    const at = current === null ? undefined : this.list.place.get(current);
    const slot = at === undefined ? undefined : this.slots.get(at);
    if (slot) set(this.element, "aria-activedescendant", slot.element.id);
    else this.element.removeAttribute("aria-activedescendant");
  }

  private recycle(leaves: (at: number) => boolean): void {
    for (const [at, slot] of this.slots) {
      if (!leaves(at)) continue;
      this.slots.delete(at);
      this.spare.push(slot);
    }
  }

  private fill(at: number, cell: number, cells: Cells): void {
    let slot = this.slots.get(at);
    if (!slot) {
      slot = this.spare.pop() ?? this.slot();
      this.slots.set(at, slot);
      slot.element.hidden = false;
      slot.element.style.transform = `translate(${this.tiling.left(at)}px, ${this.tiling.top(at)}px)`;
    }
    const selected = this.selection.has(cell);
    const current = this.selection.current === cell;
    set(slot.element, "class", `crop ${this.look.mark(cells, cell)}${selected ? " selected" : ""}${current ? " current" : ""}`);
    setText(slot.caption, this.look.caption(cells, cell));
    this.picture(slot, cells, cell);
    if (this.look.colour) style(slot, "--type", this.look.colour(cells, cell));
    if (this.look.target_px) style(slot, "--target", `${Math.round(this.look.target_px(cells, cell))}px`);
    if (this.settled) return; // attributes without visible effect can wait until scrolling ends
    set(slot.element, "aria-selected", String(selected));
    set(slot.element, "aria-label", this.look.spoken(cells, cell));
    set(slot.element, "aria-posinset", String(at + 1));
    set(slot.element, "data-cell", cells.id[cell]!);
  }

  /** While scrolling, load few new crops per frame; while scrolling fast, none, as they would come too late. */
  private picture(slot: Slot, cells: Cells, cell: number): void {
    const version = cells.cropVersion[cell]!;
    const px = Math.min(384, Math.round(this.look.crop_px * window.devicePixelRatio));
    const source = version && cropPath(cells.slide, cells.id[cell]!, px, this.look.um(), version);
    if (slot.source === source) return;
    const wait = !this.loaded.has(source) && (this.fast || (this.settled > 0 && this.fresh-- <= 0));
    if (wait && !this.fast) this.draw();
    slot.source = wait ? "" : source;
    if (slot.source) slot.picture.src = source;
    else slot.picture.removeAttribute("src");
  }

  private slot(): Slot {
    const picture = el("img", { alt: "", decoding: "async", draggable: "false" });
    const caption = el("span", { class: "caption" });
    const element = el("div", { role: "option", id: `crop-${++made}` }, picture, el("span", { class: "badge" }), caption);
    if (this.look.target_px) element.append(el("i", { class: "target" }));
    picture.addEventListener("load", () => this.loaded.add(picture.getAttribute("src") ?? ""));
    this.space.append(element);
    return { element, picture, caption, source: "" };
  }
}

function set(element: Element, name: string, value: string): void {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

function style({ element }: Slot, name: string, value: string): void {
  if (element.style.getPropertyValue(name) !== value) element.style.setProperty(name, value);
}
