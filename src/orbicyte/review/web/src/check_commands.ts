/** The keys of the Check view. */

import type { CheckView } from "./check_view";
import { cropCommands } from "./crop_commands";
import type { Group } from "./keys";

const ZOOM = 1.5;

export function checkCommands(view: CheckView): Group[] {
  const words = {
    arrows: "Next crop; after S: move the cell by 1 px",
    held: "Select more; after S: move the cell by 10 px",
    open: "Zoom to the cell",
  };
  return [decide(view), cropCommands(view, view.review.selection, words), slide(view)];
}

function decide(view: CheckView): Group {
  return {
    title: "Decide",
    commands: [
      { keys: ["K", "Enter"], help: "Keep, then next", run: (key) => view.accept(key) },
      { keys: ["X"], help: "Reject (not a cell), then next", run: () => view.mark("rejected") },
      { keys: ["Backspace", "Delete"], help: "Reset to unchecked", run: () => view.mark("unchecked") },
      { keys: ["A"], help: "Add a cell: click, or place it with the arrows and Enter", run: () => view.add() },
      { keys: ["S"], help: "Move the cell with the arrow keys, until Esc", run: () => view.move() },
      { keys: ["."], help: "Larger", run: () => view.adjustment.resizeBy(1) },
      { keys: [","], help: "Smaller", run: () => view.adjustment.resizeBy(-1) },
    ],
    mouse: [
      ["Shift + drag the selected cell", "Move it"],
      ["Shift + drag its circle", "Change its size"],
      ["Alt + wheel", "Change its size"],
    ],
  };
}

function slide(view: CheckView): Group {
  return {
    title: "Slide",
    commands: [
      { keys: ["G"], help: "Use the arrow keys on the crops", run: () => view.toCrops() },
      { keys: ["+", "="], help: "Zoom in", run: () => view.slide.zoomBy(ZOOM) },
      { keys: ["-"], help: "Zoom out", run: () => view.slide.zoomBy(1 / ZOOM) },
      { keys: ["Z"], help: "Zoom to the cell", run: () => view.zoomToCurrent() },
      { keys: ["0"], help: "Whole slide", run: () => view.slide.whole() },
      { keys: ["M"], help: "Measure: drag on the slide", run: () => view.measure() },
      { keys: ["D"], help: "Show the detected outline", run: () => view.toggleOutline() },
    ],
    mouse: [
      ["Drag", "Pan"],
      ["Wheel, double click", "Zoom"],
      ["Click a cell", "Select it; with Ctrl: one more"],
    ],
  };
}
