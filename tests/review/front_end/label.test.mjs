// Filters and progress of Label, the colours of types and the corners around the cell in question.
import assert from "node:assert/strict";
import { test } from "node:test";

import { toLabel } from "../../../src/orbicyte/review/web/src/cell_list.ts";
import { Cells } from "../../../src/orbicyte/review/web/src/cells.ts";
import { progressOf } from "../../../src/orbicyte/review/web/src/progress.ts";
import { target_px } from "../../../src/orbicyte/review/web/src/target.ts";
import { TypeColours } from "../../../src/orbicyte/review/web/src/type_colours.ts";

const FILTER = { show: "all", predicted: "any", by: new Set() };

/** Six cells in a row; the last is rejected. */
function row() {
  const all = (value) => Array.from({ length: 6 }, () => value);
  return new Cells("a", 700, 100, {
    seq: 0,
    id: ["0", "1", "2", "3", "4", "5"],
    x_px: [100, 200, 300, 400, 500, 600],
    y_px: all(50),
    diameter_px: all(40),
    score: all(0.9),
    status: [0, 1, 0, 0, 0, 2],
    uncertainty: all(0),
    label: ["blast", null, "other", null, "blast", "blast"],
    predicted: ["blast", "blast", null, "lymphocyte", "lymphocyte", "blast"],
    probability: all(0.5),
    out_of_distribution: [false, true, false, false, true, true],
    added: all(false),
  });
}

function shown(filter) {
  return toLabel(row(), { ...FILTER, ...filter }, "position", ["blast", "lymphocyte"]);
}

test("cells are filtered by label, predicted type and distribution, and rejected ones are left out", () => {
  assert.deepEqual(shown({}), [0, 1, 2, 3, 4]);
  assert.deepEqual(shown({ show: "unlabelled" }), [1, 3]);
  assert.deepEqual(shown({ show: "labelled" }), [0, 2, 4]);
  assert.deepEqual(shown({ show: "as:blast" }), [0, 4]);
  assert.deepEqual(shown({ predicted: "as:lymphocyte" }), [3, 4]);
  assert.deepEqual(shown({ predicted: "out_of_distribution" }), [1, 4]);
});

test("a rejected cell is neither to be labelled nor counted as labelled", () => {
  assert.deepEqual(progressOf(row()), { total: 6, checked: 2, kept: 5, labelled: 3 });
});

test("both lists apply at once", () => {
  assert.deepEqual(shown({ show: "unlabelled", predicted: "as:lymphocyte" }), [3]);
});

test("the cells that another reader labelled are those of the given ids", () => {
  assert.deepEqual(shown({ show: "by:Bo", by: new Set(["3", "2", "5", "unknown"]) }), [2, 3]);
});

test("forty types have forty colours, and a label that is no type has none", () => {
  const types = Array.from({ length: 40 }, (_, at) => `type ${at}`);
  const colours = new TypeColours(types);
  assert.equal(new Set(types.map((type) => colours.of(type))).size, 40);
  assert.equal(colours.of("other"), "transparent");
  assert.equal(colours.of(null), "transparent");
});

test("the corners are around the cell and inside the picture", () => {
  assert.ok(Math.abs(target_px(10, 24, 142) - (1.2 * 10 * 142) / 24) < 1e-9);
  assert.equal(target_px(100, 24, 142), 138);
});
