// The mode in which the arrow keys move a cell, and where undo shows its changes.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Moving } from "../../../src/orbicyte/review/web/src/moving.ts";
import { rowsOf, viewOf } from "../../../src/orbicyte/review/web/src/seen_changes.ts";
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

test("undone labels are seen in Label, all else in Check, and what has not changed nowhere", () => {
  const seen = (...after) => viewOf(after.map((fields) => ({ after: fields })));
  assert.equal(seen({ label: null }), "label");
  assert.equal(seen({}, { label: "blast" }), "label");
  assert.equal(seen({ status: "unchecked" }), "check");
  assert.equal(seen({ x_px: 1, y_px: 2 }, {}), "check");
  assert.equal(seen({}, {}), null);
});

test("the first cell that was decided is shown first, of those on the open slide", () => {
  const cells = { slide: "a", find: (id) => (id === "new" ? undefined : Number(id)) };
  const rows = (kind, ...ids) => rowsOf(ids.map((cell) => ({ kind, cell, slide: cell === "9" ? "b" : "a" })), cells);
  assert.deepEqual(rows("undo", "9", "3", "new", "2", "1"), [1, 2, 3]);
  assert.deepEqual(rows("redo", "1", "2", "9", "3", "3"), [1, 2, 3]);
});
