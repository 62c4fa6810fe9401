// A long file goes by parts; what breaks off is sent again, part by part, with URLs that are good again.

import { writeFileSync } from "node:fs";
import { assert, pick, picture, tile, url, walk } from "./browser.mjs";

const [WIDTH, HEIGHT] = [6000, 5600];

/** A BMP of 24 bits: 100.8 MB of stripes, which is longer than what is sent at once. */
function long() {
  const row = WIDTH * 3;
  const file = Buffer.alloc(54 + row * HEIGHT);
  file.write("BM");
  file.writeUInt32LE(file.length, 2);
  file.writeUInt32LE(54, 10);
  file.writeUInt32LE(40, 14);
  file.writeInt32LE(WIDTH, 18);
  file.writeInt32LE(HEIGHT, 22);
  file.writeUInt16LE(1, 26);
  file.writeUInt16LE(24, 28);
  for (let y = 0; y < HEIGHT; y += 1) file.fill(y >> 4, 54 + y * row, 54 + (y + 1) * row);
  return file;
}

writeFileSync(picture("long.bmp"), long());

await walk(async (page) => {
  const sent = [];
  const signed = [];
  await page.route("**/u/**", async (route) => {
    const number = Number(new URL(route.request().url()).pathname.split("/").at(-1));
    sent.push(number);
    // The third breaks off, and comes the second time.
    if (number === 3 && sent.filter((other) => other === 3).length === 1) await route.abort("connectionreset");
    else await route.continue();
  });
  page.on("request", (request) => {
    if (request.url().endsWith("/parts")) signed.push(request.url());
  });
  await page.goto(url);
  await pick(page, "long.bmp");
  const long = await tile(page, "long.bmp", "ready");
  await long.locator("img.picture.loaded").waitFor();
  assert.deepEqual(sent, [1, 2, 3, 3, 4, 5, 6, 7]);
  assert.equal(signed.length, 1, "its URL was signed again");
}, { expected: [/net::ERR_CONNECTION_RESET/] });
