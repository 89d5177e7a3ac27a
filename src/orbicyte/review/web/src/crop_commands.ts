/** The keys of a grid of crops, the same in Check and in Label. */

import type { CellList } from "./cell_list";
import type { CropGrid } from "./crop_grid";
import type { Group } from "./keys";
import type { Selection } from "./selection";

export const ARROWS: Readonly<Record<string, [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

export interface Crops {
  readonly grid: CropGrid;
  readonly list: CellList;
  /** Filter and sort again. */
  sort: () => void;
  /** What the arrow keys do; `held`: with Shift. */
  arrow: (across: number, down: number, held: boolean) => void;
  escape: () => void;
}

export function cropCommands(crops: Crops, selection: Selection, words: { arrows: string; held: string; open: string }): Group {
  const { grid, list } = crops;
  const toggle = (): void => {
    if (selection.current !== null) selection.toggle(selection.current);
  };
  const direction = (key: string): [number, number] => ARROWS[key.replace("Shift+", "")]!;
  const all = (): void => selection.set(list.order, selection.current ?? list.order[0] ?? null);
  return {
    title: "Crops",
    commands: [
      { keys: Object.keys(ARROWS), help: words.arrows, run: (key) => crops.arrow(...direction(key), false) },
      { keys: Object.keys(ARROWS).map((key) => `Shift+${key}`), help: words.held, run: (key) => crops.arrow(...direction(key), true) },
      { keys: ["N", "J"], help: "Next", run: () => grid.step(1, 0, false) },
      { keys: ["P", "Shift+J"], help: "Previous", run: () => grid.step(-1, 0, false) },
      { keys: ["PageDown"], help: "One page down", run: () => grid.page(1, false) },
      { keys: ["PageUp"], help: "One page up", run: () => grid.page(-1, false) },
      { keys: ["Home"], help: "First", run: () => grid.goTo(0) },
      { keys: ["End"], help: "Last", run: () => grid.goTo(list.order.length - 1) },
      { keys: ["Space"], help: "Select or deselect the current crop", run: toggle },
      { keys: ["Ctrl+A"], help: "Select all crops shown", run: all },
      { keys: ["R"], help: "Refresh: filter and sort again", run: () => crops.sort() },
      { keys: ["Escape"], help: "Stop moving, adding or measuring; otherwise clear the selection", run: () => crops.escape() },
    ],
    mouse: [
      ["Click, with Shift, with Ctrl", "Select one, a range, one more"],
      ["Drag", "Select all crops in the rectangle"],
      ["Double click", words.open],
    ],
  };
}
