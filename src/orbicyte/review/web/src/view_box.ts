/** The part of the slide in view: from level-0 pixels to CSS pixels of the view, and back. */

import type OpenSeadragon from "openseadragon";

export interface ViewBox {
  left: number;
  top: number;
  width: number;
  height: number;
  /** CSS pixels per level-0 pixel. */
  scale: number;
}

/** The part that `viewer` shows in this frame, also during a movement, of a slide `width_px` wide. */
export function viewBox(viewer: OpenSeadragon.Viewer, width_px: number): ViewBox {
  const bounds = viewer.viewport.getBounds(true);
  const size = viewer.viewport.getContainerSize();
  return {
    left: bounds.x * width_px,
    top: bounds.y * width_px,
    width: bounds.width * width_px,
    height: bounds.height * width_px,
    scale: size.x / (bounds.width * width_px),
  };
}
