// Takes the pictures of README.md, for `./dev screenshots`, which starts a server with an empty data
// folder and says where in DARKROOM_ENDPOINT. The scenes are drawn, and described by exiftool.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launch } from "./browser.mjs";
import { drawScene } from "./scenes.mjs";

const endpoint = process.env.DARKROOM_ENDPOINT;
const docs = new URL("../../docs/", import.meta.url).pathname;

const SCENES = [
  ["lagoon.jpg", 1600, 1067], ["first-light.jpg", 1600, 900], ["ridge.jpg", 1067, 1600], ["evening.jpg", 1800, 1012],
  ["blue-hour.jpg", 1500, 1000], ["dunes.jpg", 1600, 1067], ["quiet.jpg", 1200, 1200], ["north.jpg", 1067, 1500],
  ["mist.jpg", 1800, 1000], ["valley.jpg", 1600, 1067], ["harbour.jpg", 1600, 1067], ["far.jpg", 1300, 1000],
];
const CAMERA = [
  "-Make=Lumen", "-Model=Lumen One", "-LensModel=Lumen 23mm F2", "-ExposureTime=1/125", "-FNumber=5.6", "-ISO=200", "-FocalLength=23",
  "-DateTimeOriginal=2026:06:21 05:12:30", "-OffsetTimeOriginal=+02:00", "-GPSLatitude=60.14671", "-GPSLatitudeRef=N",
  "-GPSLongitude=24.90677", "-GPSLongitudeRef=E", "-GPSAltitude=12", "-GPSAltitudeRef=0", "-Artist=Drawn by a script", "-overwrite_original", "-q",
];

const folder = mkdtempSync(join(tmpdir(), "darkroom-screenshots-"));
const browser = await launch();
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, colorScheme: "light" });
  const files = [];
  for (const [index, [name, width, height]] of SCENES.entries()) {
    const path = join(folder, name);
    writeFileSync(path, Buffer.from(await page.evaluate(drawScene, { seed: index + 7, width, height }), "base64"));
    execFileSync("exiftool", [...CAMERA, path]);
    files.push(path);
  }
  await page.goto(endpoint);
  await page.locator("#files").setInputFiles(files);
  await page.waitForFunction((count) => document.querySelectorAll(".picture.loaded").length === count, files.length);
  await page.reload();
  await page.waitForFunction((count) => document.querySelectorAll(".picture.loaded").length === count, files.length);
  await take(page, "page-gallery.webp");
  await page.getByRole("link", { name: "evening.jpg" }).click();
  await page.locator(".stage img").evaluate((image) => image.decode());
  await take(page, "page-detail.webp");
} finally {
  await browser.close();
  rmSync(folder, { recursive: true });
}

/** Chromium compresses its own picture, on a page that is not ours. */
async function take(page, name) {
  // What fades in has arrived, and nothing is under the pointer.
  await page.mouse.move(0, 0);
  await page.waitForTimeout(800);
  const shot = (await page.screenshot()).toString("base64");
  const blank = await page.context().browser().newPage();
  const webp = await blank.evaluate(async (shot) => {
    const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${shot}`)).blob());
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    canvas.getContext("2d").drawImage(bitmap, 0, 0);
    const bytes = new Uint8Array(await (await canvas.convertToBlob({ type: "image/webp", quality: 0.86 })).arrayBuffer());
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  }, shot);
  await blank.close();
  writeFileSync(join(docs, name), Buffer.from(webp, "base64"));
}
