/** The keys of the Check view. */

import type { CheckView } from "./check_view";
import type { Group } from "./keys";

const ARROWS: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

function arrow(key: string): [number, number] {
  return ARROWS[key.replace("Shift+", "")]!;
}

export function checkCommands(view: CheckView): Group[] {
  return [decide(view), walk(view), slide(view)];
}

function decide(view: CheckView): Group {
  return {
    title: "Decide",
    commands: [
      { keys: ["K", "Enter"], help: "Keep, then next", run: (key) => (key === "Enter" && view.adding ? view.placeGhost() : view.mark("kept")) },
      { keys: ["X", "Delete"], help: "Reject, then next", run: () => view.mark("rejected") },
      { keys: ["U"], help: "Reset to unchecked", run: () => view.mark("unchecked") },
      { keys: ["A"], help: "Add a cell: click, or place it with the arrows and Enter", run: () => view.add() },
      { keys: ["+", "="], help: "Larger", run: () => view.adjustment.resizeBy(1) },
      { keys: ["-"], help: "Smaller", run: () => view.adjustment.resizeBy(-1) },
    ],
    mouse: [
      ["Double click", "Add a cell where there is none"],
      ["Drag the selected cell", "Move it"],
      ["Drag its outer circle", "Change its size"],
      ["Alt + wheel", "Change its size"],
    ],
  };
}

function walk(view: CheckView): Group {
  return {
    title: "Crops",
    commands: [
      { keys: Object.keys(ARROWS), help: "Next crop; if the slide has the focus: move the cell by 1 px", run: (key) => view.arrow(...arrow(key), false) },
      { keys: Object.keys(ARROWS).map((key) => `Shift+${key}`), help: "Select more; on the slide: move by 10 px", run: (key) => view.arrow(...arrow(key), true) },
      { keys: ["N", "J"], help: "Next", run: () => view.grid.step(1, 0, false) },
      { keys: ["P", "Shift+J"], help: "Previous", run: () => view.grid.step(-1, 0, false) },
      { keys: ["PageDown"], help: "One page down", run: () => view.grid.page(1, false) },
      { keys: ["PageUp"], help: "One page up", run: () => view.grid.page(-1, false) },
      { keys: ["Home"], help: "First", run: () => view.goTo(0) },
      { keys: ["End"], help: "Last", run: () => view.goTo(-1) },
      { keys: ["Space"], help: "Select or deselect the current crop", run: () => view.toggleSelected() },
      { keys: ["Ctrl+A"], help: "Select all crops shown", run: () => view.selectAll() },
      { keys: ["R"], help: "Refresh: filter and sort again", run: () => view.sort() },
      { keys: ["Escape"], help: "Stop adding; clear the selection", run: () => view.escape() },
    ],
    mouse: [
      ["Click, with Shift, with Ctrl", "Select one, a range, one more"],
      ["Drag", "Select all crops in the rectangle"],
      ["Double click", "Zoom to the cell"],
    ],
  };
}

function slide(view: CheckView): Group {
  return {
    title: "Slide",
    commands: [
      { keys: ["S"], help: "Use the arrow keys on the slide", run: () => view.slide.viewer.canvas.focus() },
      { keys: ["G"], help: "Use the arrow keys on the crops", run: () => view.grid.element.focus() },
      { keys: ["Z"], help: "Zoom to the cell", run: () => view.zoomToCurrent() },
      { keys: ["0"], help: "Whole slide", run: () => view.slide.whole() },
      { keys: ["Ctrl+ArrowUp"], help: "Zoom in", run: () => view.slide.zoomBy(1.5) },
      { keys: ["Ctrl+ArrowDown"], help: "Zoom out", run: () => view.slide.zoomBy(1 / 1.5) },
      { keys: ["O"], help: "Show the detected outline", run: () => view.toggleOutline() },
    ],
    mouse: [
      ["Drag", "Pan"],
      ["Wheel", "Zoom"],
      ["Click a cell", "Select it; with Ctrl: one more"],
    ],
  };
}
