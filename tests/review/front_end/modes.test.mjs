// The mode in which the arrow keys move a cell.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Moving } from "../../../src/orbicyte/review/web/src/moving.ts";
import { Selection } from "../../../src/orbicyte/review/web/src/selection.ts";

test("only the current cell is moved, until another is selected or none", () => {
  const selection = new Selection();
  const told = [];
  const moving = new Moving(selection, () => told.push(moving.active));
  assert.equal(moving.start(), false);
  for (const leave of [() => selection.only(4), () => selection.toggle(4), () => selection.clear(), () => moving.stop()]) {
    selection.set([1, 2, 3], 2);
    assert.equal(moving.start(), true);
    assert.deepEqual(selection.cells, [2]);
    selection.only(2); // a click on the same cell
    assert.equal(moving.active, true);
    leave();
    assert.equal(moving.active, false);
  }
  assert.deepEqual(told, Array(4).fill([true, false]).flat());
});
