/** The slide, with its cells drawn over it. */

import OpenSeadragon from "openseadragon";

import { tilePath, type SlideInfo } from "./api";
import type { Cells } from "./cells";
import { beforeFrame, el } from "./dom";
import { CURRENT_INK } from "./marks";
import { Overlay } from "./overlay";
import { ScaleBar } from "./scale_bar";
import type { Selection } from "./selection";
import { viewBox, type ViewBox } from "./view_box";

const SMALLEST_LEVEL = 8;
const NEAR_PX = 110;
const GLIDE_VIEWS = 1.5;

export class SlideView {
  readonly element = el("div", { class: "slide" });
  readonly overlay: Overlay;
  readonly viewer: OpenSeadragon.Viewer;
  readonly redraw = beforeFrame(() => this.draw());
  private readonly scaleBar = new ScaleBar();
  private slide: SlideInfo | null = null;
  private cells: Cells | null = null;

  constructor(selection: Selection) {
    this.overlay = new Overlay(selection);
    this.viewer = OpenSeadragon({
      element: this.element,
      drawer: "canvas",
      showNavigationControl: false,
      showNavigator: true,
      navigatorPosition: "BOTTOM_RIGHT",
      navigatorSizeRatio: 0.16,
      navigatorMaintainSizeRatio: true,
      navigatorAutoFade: false,
      navigatorBorderColor: "#4a515e",
      navigatorDisplayRegionColor: CURRENT_INK,
      gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
      gestureSettingsPen: { clickToZoom: false, dblClickToZoom: true },
      gestureSettingsTouch: { clickToZoom: false, dblClickToZoom: true },
      animationTime: 0.35,
      springStiffness: 9,
      maxZoomPixelRatio: 4,
      minZoomImageRatio: 0.7,
      visibilityRatio: 0.3,
      zoomPerScroll: 1.35,
      imageLoaderLimit: 6,
      imageSmoothingEnabled: true,
    });
    this.viewer.canvas.append(this.overlay.canvas);
    this.element.append(this.scaleBar.element);
    this.ownKeys();
    for (const event of ["update-viewport", "open", "resize"] as const)
      this.viewer.addHandler(event, () => this.draw());
    selection.changed.listen(this.redraw);
  }

  /** Show another slide, whole. */
  open(slide: SlideInfo | null): void {
    this.slide = slide;
    this.show(null);
    if (!slide || slide.problem) {
      this.viewer.close();
      return;
    }
    const { name, width_px: width, height_px: height, tile_px: tileSize } = slide;
    const maxLevel = Math.ceil(Math.log2(Math.max(width, height)));
    const minLevel = Math.min(SMALLEST_LEVEL, maxLevel);
    const getTileUrl = (level: number, x: number, y: number): string => tilePath(name, level, x, y);
    const tileSource = { width, height, tileSize, tileOverlap: 0, minLevel, maxLevel, getTileUrl };
    this.viewer.open({ tileSource });
  }

  /** Draw `cells` over the open slide. */
  show(cells: Cells | null): void {
    this.cells = cells;
    this.overlay.open(cells, this.slide?.width_px ?? 1, this.slide?.height_px ?? 1, this.slide?.mpp ?? 1);
    this.redraw();
  }

  /** Redraw after cells have changed. */
  refresh(): void {
    this.overlay.stale();
    this.redraw();
  }

  get view(): ViewBox | null {
    return this.slide && this.viewer.isOpen() ? viewBox(this.viewer, this.slide.width_px) : null;
  }

  /** From CSS pixels of the view to level-0 pixels. */
  place(point: { x: number; y: number }): { x: number; y: number } | null {
    const view = this.view;
    return view && { x: view.left + point.x / view.scale, y: view.top + point.y / view.scale };
  }

  /** Centre a point: move smoothly if it is near, else jump. */
  centre(x: number, y: number): void {
    const { slide, view } = this;
    if (!slide || !view) return;
    const far = Math.hypot(x - view.left - view.width / 2, y - view.top - view.height / 2) > GLIDE_VIEWS * view.width;
    const { viewport } = this.viewer;
    viewport.zoomTo(viewport.getZoom(true), undefined, true); // a zoom in progress would shift the centre
    viewport.panTo(new OpenSeadragon.Point(x / slide.width_px, y / slide.width_px), far);
  }

  /** Centre a cell and zoom in until it is easy to judge. */
  zoomTo(cell: number): void {
    const { cells, slide } = this;
    if (!cells || !slide || !this.viewer.isOpen()) return;
    const size = this.viewer.viewport.getContainerSize();
    const scale = Math.min(2, NEAR_PX / cells.diameter[cell]!);
    const [width, height] = [size.x / scale, size.y / scale];
    const [left, top] = [cells.x[cell]! - width / 2, cells.y[cell]! - height / 2];
    const unit = slide.width_px;
    this.viewer.viewport.fitBounds(new OpenSeadragon.Rect(left / unit, top / unit, width / unit, height / unit), true);
  }

  /** Call `work` now, or when the slide is loaded. */
  whenOpen(work: () => void): void {
    if (this.viewer.isOpen()) work();
    else this.viewer.addOnceHandler("open", work);
  }

  /** Centre a cell; zoom in if cells are too small to be distinguished. */
  follow(cell: number): void {
    if (!this.cells || !this.view) return;
    if (this.view.scale * this.cells.diameter[cell]! < 24) this.zoomTo(cell);
    else this.centre(this.cells.x[cell]!, this.cells.y[cell]!);
  }

  zoomBy(factor: number): void {
    if (this.viewer.isOpen()) this.viewer.viewport.zoomBy(factor).applyConstraints();
  }

  whole(): void {
    if (this.viewer.isOpen()) this.viewer.viewport.goHome();
  }

  private draw(): void {
    const view = this.view;
    this.scaleBar.element.hidden = !view;
    if (!view) return;
    this.element.dataset["scale"] = view.scale.toFixed(4);
    this.overlay.draw(view);
    this.scaleBar.draw(this.slide!.mpp / view.scale);
  }

  /** Switch off OpenSeadragon's keys: the page has its own. */
  private ownKeys(): void {
    this.viewer.addHandler("canvas-key", (event) => {
      event.preventDefaultAction = true;
    });
    this.viewer.canvas.tabIndex = 0;
    this.viewer.canvas.setAttribute("role", "application");
    this.viewer.canvas.setAttribute("aria-label", "Slide: S, then arrow keys move the selected cell");
    if (this.viewer.navigator) this.viewer.navigator.element.tabIndex = -1;
  }
}
