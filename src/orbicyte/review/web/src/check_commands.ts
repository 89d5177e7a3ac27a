/** Keys of Check. */

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
      { keys: ["K", "Enter"], says: "Keep, and go on", run: (key) => (key === "Enter" && view.adding ? view.placeGhost() : view.mark("kept")) },
      { keys: ["X", "Delete"], says: "Reject, and go on", run: () => view.mark("rejected") },
      { keys: ["U"], says: "Back to unchecked", run: () => view.mark("unchecked") },
      { keys: ["A"], says: "Add a cell: click, or place it with the arrows and Enter", run: () => view.add() },
      { keys: ["+", "="], says: "Larger", run: () => view.adjustment.resizeBy(1) },
      { keys: ["-"], says: "Smaller", run: () => view.adjustment.resizeBy(-1) },
    ],
    mouse: [
      ["Double click", "Add a cell, on a free place of the slide"],
      ["Drag the chosen cell", "Move it"],
      ["Drag its rim", "Change its size"],
      ["Alt + wheel", "Change its size"],
    ],
  };
}

function walk(view: CheckView): Group {
  return {
    title: "Go through the crops",
    commands: [
      { keys: Object.keys(ARROWS), says: "Next crop; with the slide in focus: move the cell by 1 px", run: (key) => view.arrow(...arrow(key), false) },
      { keys: Object.keys(ARROWS).map((key) => `Shift+${key}`), says: "Choose more; on the slide: move by 10 px", run: (key) => view.arrow(...arrow(key), true) },
      { keys: ["N", "J"], says: "Next", run: () => view.grid.step(1, 0, false) },
      { keys: ["P", "Shift+J"], says: "Previous", run: () => view.grid.step(-1, 0, false) },
      { keys: ["PageDown"], says: "A screen on", run: () => view.grid.page(1, false) },
      { keys: ["PageUp"], says: "A screen back", run: () => view.grid.page(-1, false) },
      { keys: ["Home"], says: "First", run: () => view.goTo(0) },
      { keys: ["End"], says: "Last", run: () => view.goTo(-1) },
      { keys: ["Space"], says: "Choose or leave out the current one", run: () => view.toggleChosen() },
      { keys: ["Ctrl+A"], says: "Choose all that are shown", run: () => view.chooseAll() },
      { keys: ["R"], says: "Filter and sort anew", run: () => view.sort() },
      { keys: ["Escape"], says: "Stop adding; choose nothing", run: () => view.escape() },
    ],
    mouse: [
      ["Click, Shift, Ctrl", "Choose one, up to here, one more"],
      ["Drag", "Choose all crops in the rectangle"],
      ["Double click", "Zoom to the cell"],
    ],
  };
}

function slide(view: CheckView): Group {
  return {
    title: "Slide",
    commands: [
      { keys: ["S"], says: "Arrow keys to the slide", run: () => view.slide.viewer.canvas.focus() },
      { keys: ["G"], says: "Arrow keys to the crops", run: () => view.grid.element.focus() },
      { keys: ["Z"], says: "Zoom to the cell", run: () => view.zoomToCurrent() },
      { keys: ["0"], says: "Whole slide", run: () => view.slide.whole() },
      { keys: ["Ctrl+ArrowUp"], says: "Nearer", run: () => view.slide.zoomBy(1.5) },
      { keys: ["Ctrl+ArrowDown"], says: "Farther", run: () => view.slide.zoomBy(1 / 1.5) },
      { keys: ["O"], says: "Outline that was found", run: () => view.toggleOutline() },
    ],
    mouse: [
      ["Drag", "Pan"],
      ["Wheel", "Zoom"],
      ["Click a cell", "Choose it; Ctrl: one more"],
    ],
  };
}
