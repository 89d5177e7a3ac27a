// Lengths and magnifications of the scale bar, and the pace of a reader.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Pace } from "../../../src/orbicyte/review/web/src/pace.ts";
import { lengthText, magnification, niceLength } from "../../../src/orbicyte/review/web/src/scale_bar.ts";

test("the bar has the largest length of 1, 2 or 5 that is not longer than asked", () => {
  const found = [0.9, 1, 4.99, 5, 19.9, 20, 130, 4200].map((most) => Number(niceLength(most).toPrecision(6)));
  assert.deepEqual(found, [0.5, 1, 2, 5, 10, 20, 100, 2000]);
});

test("lengths have their unit", () => {
  assert.deepEqual([0.5, 20, 2000].map((um) => lengthText(um)), ["0.5 µm", "20 µm", "2 mm"]);
  assert.equal(lengthText(12.34, 1), "12.3 µm");
});

test("0.25 µm per pixel is the magnification of a 40× objective", () => {
  assert.equal(magnification(0.25), "40×");
  assert.equal(magnification(4), "2.5×");
});

function paced(...times) {
  const pace = new Pace();
  for (const [at, cells] of times) pace.add(cells, at);
  return pace;
}

test("one cell every two seconds is 30 per minute, whatever the breaks", () => {
  const times = [0, 2, 4, 6, 8, 10].map((second) => [1000 * second, 1]);
  assert.equal(paced(...times).perMinute, 30);
  const later = [200, 202, 204].map((second) => [1000 * second, 1]);
  assert.equal(paced(...times, ...later).perMinute, 30);
  assert.equal(paced(...times).text(60), "30 cells per minute, about 2 min left on this slide");
});

test("few decisions have no pace, and decisions about many cells are not part of it", () => {
  assert.equal(paced([0, 1], [2000, 1]).perMinute, null);
  assert.equal(paced([0, 1], [1000, 500], [2000, 1]).perMinute, null);
  assert.equal(paced([0, 1], [2000, 1]).text(9), "");
});
