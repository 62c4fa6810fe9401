// A server with keys: the page asks, a wrong key is told so, the right one lasts as long as the tab.

import { assert, assertAccessible, pick, tile, url, walk } from "./browser.mjs";

const KEY = process.env.PAGE_KEY;

await walk(async (page) => {
  await page.goto(url);
  const dialog = page.getByRole("dialog", { name: "This server asks for a key" });
  await dialog.waitFor();
  const field = dialog.getByLabel("API key");
  assert.ok(await field.evaluate((input) => input === document.activeElement));
  await assertAccessible(page, "the question for a key");

  // Not now: said, and asked again.
  await dialog.getByRole("button", { name: "Not now" }).click();
  await page.getByRole("alert").getByText("An API key is needed").waitFor();
  await page.getByRole("button", { name: "Enter a key" }).click();

  await field.fill("dk_wrong");
  await page.keyboard.press("Enter");
  await dialog.getByRole("alert").getByText("The API key is not valid").waitFor();
  assert.equal(await field.getAttribute("aria-invalid"), "true");
  assert.equal(await page.evaluate(() => sessionStorage.length), 0, "a wrong key is not kept");
  await assertAccessible(page, "a wrong key");

  await field.fill(KEY);
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "hidden" });
  await page.getByText("Nothing here yet").waitFor();
  await pick(page, "landscape.jpg");
  await tile(page, "landscape.jpg", "ready");

  await page.reload();
  await tile(page, "landscape.jpg", "ready");
  assert.equal(await dialog.count(), 0, "the tab knows the key");
  assert.deepEqual(await page.evaluate(() => [Object.values({ ...sessionStorage }), localStorage.length, document.cookie]), [[KEY], 0, ""]);

  await page.getByRole("button", { name: "Forget key" }).click();
  await dialog.waitFor();
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
}, { expected: [/status of 401/] });
