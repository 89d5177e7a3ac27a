// The place in the page's address, the order of slides, how many cells are shown, and names of readers that are probably one person's.
import assert from "node:assert/strict";
import { test } from "node:test";

import { getStudy } from "../../../src/orbicyte/review/web/src/api.ts";
import { shownOf } from "../../../src/orbicyte/review/web/src/crop_words.ts";
import { hashOf, placeOf } from "../../../src/orbicyte/review/web/src/address.ts";
import { similarReader, tidied } from "../../../src/orbicyte/review/web/src/reader_name.ts";

test("a place is read from the address as it was written, whatever the slide's name", () => {
  for (const slide of ["D1", "Żółć & co #2", "a=b&view=label", "李 小龙/1", "100 %"])
    for (const view of ["check", "label"]) assert.deepEqual(placeOf(hashOf({ slide, view })), { slide, view });
});

test("an address without a place has none", () => {
  assert.deepEqual(placeOf(""), { slide: null, view: null });
  assert.deepEqual(placeOf("#view=label"), { slide: null, view: "label" });
});

test("names that differ in case, spaces or Unicode form are offered as one", () => {
  const readers = ["Ada", "Zoë Müller"];
  assert.equal(similarReader("ada", readers), "Ada");
  assert.equal(similarReader("zoe\u0308  MU\u0308LLER", readers), "Zoë Müller");
  assert.equal(tidied("  Zoe\u0308   M "), "Zoë M");
});

test("a known name and other names are taken as they are", () => {
  assert.equal(similarReader("Ada", ["Ada", "ada"]), undefined);
  assert.equal(similarReader("Adam", ["Ada"]), undefined);
  assert.equal(similarReader("Ada", []), undefined);
});

test("a gallery that is cut says so", () => {
  assert.equal(shownOf(500, 1203), "first 500 of 1,203");
  assert.equal(shownOf(10, 10), "10");
});

test("slides are in the order of the numbers in their names", async () => {
  const slides = ["D1", "D10", "D11", "D2", "C3"].map((name) => ({ name }));
  globalThis.fetch = async () => new Response(JSON.stringify({ id: "study", slides }));
  assert.deepEqual((await getStudy()).slides.map(({ name }) => name), ["C3", "D1", "D2", "D10", "D11"]);
});
