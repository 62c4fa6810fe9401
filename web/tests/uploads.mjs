// Images come in by the picker, by a drop and by a paste; their progress is seen, and their
// thumbhash before any variant.

import { readFileSync } from "node:fs";
import { assert, listen, pick, picture, tile, url, walk } from "./browser.mjs";

await walk(async (page) => {
  // Variants wait until the placeholder was looked at.
  let release;
  const released = new Promise((resolve) => (release = resolve));
  await page.route("**/v/**", async (route) => {
    await released;
    await route.continue();
  });
  await page.goto(url);
  await page.getByText("Nothing here yet").waitFor();
  const heard = await listen(page);

  // By the picker. The upload is slow enough to be seen.
  const network = await page.context().newCDPSession(page);
  await network.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 400_000 });
  await page.evaluate(() => {
    globalThis.progress = [];
    new MutationObserver(() => {
      const bar = document.querySelector("progress");
      if (bar && globalThis.progress.at(-1) !== bar.value) globalThis.progress.push(bar.value);
    }).observe(document.body, { subtree: true, childList: true, attributes: true });
  });
  await pick(page, "landscape.jpg");
  const landscape = await tile(page, "landscape.jpg", "ready");
  const progress = await page.evaluate(() => globalThis.progress);
  const between = progress.filter((value) => value > 0 && value < 100);
  assert.ok(between.length >= 2, `progress was seen at ${progress}`);
  assert.deepEqual(progress, [...progress].sort((a, b) => a - b), "progress goes up");
  assert.equal(await page.locator("progress").count(), 0, "and is gone at the end");
  await network.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });

  // Thumbhash first, then the small variant.
  const blur = landscape.locator("img.blur");
  assert.match(await blur.getAttribute("src"), /^data:image\/png;base64,/);
  assert.ok(await blur.evaluate((image) => image.complete && image.naturalWidth > 16), "the placeholder is a picture");
  const small = landscape.locator("img.picture");
  assert.equal(await small.evaluate((image) => image.naturalWidth), 0, "no variant has come yet");
  release();
  await landscape.locator("img.picture.loaded").waitFor();
  assert.equal(await small.getAttribute("data-variant"), "small");
  // The tile has more room than 200 pixels, and then shows a variant that fills it.
  await page.waitForFunction((image) => image.naturalWidth >= image.clientWidth, await small.elementHandle());

  // Each batch has its summary before the next begins: two that overlap are summed up as one.
  const summed = (text) => page.waitForFunction((text) => globalThis.heard.includes(text), text);
  await summed("1 image ready");

  // By a drop, two at once; the curtain shows while they hang above the page.
  const files = ["portrait.jpg", "clear.png"].map((name) => [name, readFileSync(picture(name)).toString("base64")]);
  const transfer = await page.evaluateHandle((files) => {
    const transfer = new DataTransfer();
    for (const [name, text] of files) {
      const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
      transfer.items.add(new File([bytes], name, { type: name.endsWith("png") ? "image/png" : "image/jpeg" }));
    }
    return transfer;
  }, files);
  await page.dispatchEvent("#intake", "dragenter", { dataTransfer: transfer });
  await page.getByText("Drop to upload").waitFor();
  await page.dispatchEvent("#intake", "drop", { dataTransfer: transfer });
  await page.getByText("Drop to upload").waitFor({ state: "hidden" });
  await tile(page, "portrait.jpg", "ready");
  await tile(page, "clear.png", "ready");

  await summed("2 images ready");

  // By a paste.
  await page.evaluate((text) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], "pasted.png", { type: "image/png" }));
    document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true }));
  }, readFileSync(picture("clear.png")).toString("base64"));
  await tile(page, "pasted.png", "ready");

  assert.equal(await page.locator("#state").innerText(), "4 images");
  // The summary is the last thing of an upload, and may still be on its way.
  await page.waitForFunction(() => globalThis.heard.filter((text) => /ready$/.test(text)).length >= 3);
  const said = await heard();
  for (const text of ["Uploading 1 image", "1 image ready", "Uploading 2 images", "2 images ready"]) {
    assert.ok(said.includes(text), `${text} is announced: ${said}`);
  }

  // The gallery survives a reload, the newest first.
  await page.reload();
  await tile(page, "landscape.jpg", "ready");
  const names = await page.locator(".tile .name").allInnerTexts();
  assert.deepEqual([names.length, names[0], names[3]], [4, "pasted.png", "landscape.jpg"]);
});
