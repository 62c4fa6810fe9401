// News of many images. Streams that end before their image is final, as the cloud's do after 25 s, are resumed with the
// id that was seen last; and whole batches get through the few streams and uploads at a time,
// and are listed page by page.

import { assert, pick, tile, url, walk } from "./browser.mjs";

await walk(async (page) => {
  const resumed = [];
  await page.route("**/v1/images/*/events", async (route) => {
    const last = (await route.request().headerValue("last-event-id")) ?? null;
    resumed.push(last);
    const id = /images\/([^/]+)\//.exec(route.request().url())[1];
    const record = (status) => JSON.stringify({
      image_id: id, status, visibility: "public", created_at: "2026-11-23T08:00:00Z", filename: "landscape.jpg", tags: {},
      source: null, variants: [], placeholder: null, metadata: null, problem: null,
    });
    const stream = (body) => route.fulfill({ contentType: "text/event-stream", body });
    // Cut off within an event, whose id was therefore never seen.
    if (resumed.length === 1) return stream(`: hello\r\nretry: 20\r\nid: 3\r\nevent: status\r\ndata: ${record("processing")}\r\n\r\nid: 4\nevent: status\ndata: {`);
    if (resumed.length === 2) return stream(`event: status\nid: 5\ndata: ${record("processing")}\n\n`);
    return route.continue();
  });
  await page.goto(url);
  await pick(page, "landscape.jpg");
  await tile(page, "landscape.jpg", "ready");
  assert.deepEqual(resumed, [null, "3", "5"]);
  await page.unroute("**/v1/images/*/events");

  let [sending, most] = [0, 0];
  await page.route("**/in/*", async (route) => {
    sending += 1;
    most = Math.max(most, sending);
    await new Promise((resolve) => setTimeout(resolve, 40));
    await route.continue();
    sending -= 1;
  });
  const names = Array.from({ length: 12 }, (_, index) => `many-${index}.jpg`);
  await pick(page, ...names);
  for (const name of names) await tile(page, name, "ready");
  assert.ok(most >= 2 && most <= 4, `${most} were sent at a time`);
  await page.locator("#summary", { hasText: "12 images ready" }).waitFor();

  // Pages of five: the button is gone with the last, and the keyboard goes on at the first that is new.
  await page.route("**/v1/images?limit=50*", (route) => route.continue({ url: route.request().url().replace("limit=50", "limit=5") }));
  await page.reload();
  const more = page.getByRole("button", { name: "Show more" });
  for (const [count, state] of [[5, "The newest 5 images"], [10, "The newest 10 images"], [13, "13 images"]]) {
    await page.locator("#state", { hasText: state }).waitFor();
    assert.equal(await page.locator(".tile").count(), count);
    if (count < 13) await more.click();
  }
  assert.ok(await more.isHidden());
  const names13 = await page.locator(".tile .name").allInnerTexts();
  assert.equal(new Set(names13).size, 13);
  await page.waitForFunction((name) => document.activeElement.ariaLabel === name, names13[10]);
});
