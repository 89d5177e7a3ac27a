// Bundles the page into dist/: index.html, and assets/ with one script, one style sheet, the icon and the licences.
import { build } from "esbuild";
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";

await rm("dist", { recursive: true, force: true });
await build({
  entryPoints: { page: "src/main.ts", style: "src/style.css" },
  bundle: true,
  minify: true,
  target: ["chrome111", "firefox113", "safari16.4"],
  legalComments: "none", // they are in LICENSES.txt
  outdir: "dist/assets",
  logLevel: "warning",
});
await mkdir("dist/assets", { recursive: true });
await copyFile("src/icon.svg", "dist/assets/icon.svg");
const licence = await readFile("node_modules/openseadragon/LICENSE.txt", "utf8");
await writeFile("dist/assets/LICENSES.txt", `The slide is shown by OpenSeadragon.\n\n${licence}`);
await copyFile("src/index.html", "dist/index.html"); // last: its date shows that the build is complete
