// What goes wrong is told in words, and what passes is waited for.

import { readFileSync } from "node:fs";
import { assert, assertAccessible, listen, pick, picture, tile, url, walk } from "./browser.mjs";

const expected = [/status of (503|400|500)/, /ERR_INTERNET_DISCONNECTED|ERR_FAILED/];

await walk(async (page) => {
  await page.goto(url);
  const heard = await listen(page);

  // No image: refused with its reason, in the gallery, in the announcer and in detail.
  await pick(page, "notes.txt");
  const notes = await tile(page, "notes.txt", "rejected");
  await notes.getByText("This is no image of a format that is taken").waitFor();
  await page.waitForFunction(() => globalThis.heard.some((text) => text.startsWith("notes.txt: This is no image")));
  assert.match((await heard()).at(-1), /1 image not taken/);
  await notes.getByRole("link").click();
  const dialog = page.getByRole("dialog", { name: "notes.txt" });
  await dialog.locator(".problem").getByText("This is no image").waitFor();
  await dialog.getByText("There is no picture to show").waitFor();
  await assertAccessible(page, "a refused image in detail");
  await dialog.getByRole("button", { name: "Close" }).click();

  // Busy: waited for as long as the server asks, and said.
  let refusals = 0;
  await page.route("**/v1/uploads", (route) => {
    refusals += 1;
    if (refusals > 1) return route.fallback();
    const body = JSON.stringify({ code: "busy", title: "Too much to do at the moment", detail: "come again later" });
    return route.fulfill({ status: 503, headers: { "Retry-After": "1" }, contentType: "application/problem+json", body });
  });
  const asked = Date.now();
  await pick(page, "portrait.jpg");
  await page.getByRole("alert").getByText("Too much to do at the moment").waitFor();
  await tile(page, "portrait.jpg", "ready");
  assert.ok(Date.now() - asked >= 1000, "it came back too early");
  assert.equal(refusals, 2);
  await page.getByRole("alert").getByText("Too much").waitFor({ state: "detached" });
  await page.unroute("**/v1/uploads");

  // A refusal that does not pass: its words, and another attempt by hand.
  await page.route("**/in/*", (route) => route.fulfill({
    status: 400, contentType: "application/problem+json",
    body: JSON.stringify({ code: "checksum_mismatch", title: "The body does not have the checksum", detail: "it has another" }),
  }), { times: 1 });
  await pick(page, "clear.png");
  const clear = page.locator("li.tile").filter({ hasText: "clear.png" });
  await clear.getByText("It has another.").waitFor();
  await assertAccessible(page, "a failed upload");
  await clear.getByRole("button", { name: "Try again: clear.png" }).click();
  await tile(page, "clear.png", "ready");
  const { images } = await (await fetch(`${url}/v1/images`)).json();
  const [again, first] = images.filter((image) => image.filename === "clear.png" || image.status === "erased");
  assert.deepEqual([again.status, first.status], ["ready", "erased"], "the image that was given up is taken back");

  // An answer that was lost: the bytes had come, and the image is not lost.
  await page.route("**/in/*", async (route) => {
    const body = readFileSync(picture("second.jpg"));
    const answer = await fetch(route.request().url(), { method: "PUT", headers: { "Content-Type": "image/jpeg" }, body });
    assert.equal(answer.status, 200);
    await route.abort("failed");
  }, { times: 1 });
  const refused = page.waitForResponse((response) => response.status() === 412);
  await pick(page, "second.jpg");
  await refused;
  await tile(page, "second.jpg", "ready");

  // Offline: said, and it goes on by itself.
  await page.context().setOffline(true);
  await page.getByRole("alert").getByText("You are offline").waitFor();
  await pick(page, "third.jpg");
  await page.locator("li.tile").filter({ hasText: "third.jpg" }).waitFor();
  await page.context().setOffline(false);
  await tile(page, "third.jpg", "ready");
  await page.getByRole("alert").getByText("You are offline").waitFor({ state: "detached" });
}, { expected: [...expected, /412/] });
