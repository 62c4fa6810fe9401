// An image in detail: variants at true pixels, metadata, copies, the way back, erasure.

import { assert, assertAccessible, listen, pick, record, tile, url, walk } from "./browser.mjs";

const permissions = ["clipboard-read", "clipboard-write"];

await walk(async (page) => {
  await page.goto(url);
  await pick(page, "landscape.jpg", "portrait.jpg");
  const landscape = await tile(page, "landscape.jpg", "ready");
  await tile(page, "portrait.jpg", "ready");
  await landscape.getByRole("link").click();
  const dialog = page.getByRole("dialog", { name: "landscape.jpg" });
  await dialog.waitFor();
  const id = /#\/images\/([\w-]+)$/.exec(page.url())[1];
  const { variants, source } = await record(id);
  assert.equal(variants.length, 6);

  // Each variant at true pixels, with its size in pixels and bytes.
  for (const { name, format, width, height } of variants) {
    const item = dialog.locator(`[data-key="${name}.${format}"]`);
    await item.locator(".choose").click();
    const image = dialog.locator(`.stage img[data-variant="${name}"][data-format="${format}"]`);
    await image.evaluate((image) => image.decode());
    const [natural, shown] = await image.evaluate((i) => [[i.naturalWidth, i.naturalHeight], [i.clientWidth, i.clientHeight]]);
    assert.deepEqual(natural, [width, height], `${name}.${format} has the pixels of its record`);
    assert.deepEqual(shown, [width, height], `${name}.${format} is shown pixel for pixel`);
    assert.match(await item.innerText(), new RegExp(`${width} × ${height} px · [\\d.]+ (KB|bytes)`));
    assert.equal(await item.locator(".choose").getAttribute("aria-pressed"), "true");
  }

  // What the file says of itself, and what is known of the original.
  const fact = (name) => dialog.getByRole("row").filter({ has: page.getByRole("rowheader", { name, exact: true }) }).getByRole("cell").innerText();
  assert.equal(await fact("Camera"), "Lumen One");
  assert.equal(await fact("Taken"), "June 21, 2026, 05:12 (UTC+02:00)");
  assert.equal(await fact("Exposure"), "1/125 s · f/1.9 · ISO 100 · 4.2 mm");
  assert.equal(await fact("Position"), "60.14671° N, 24.90677° E");
  assert.equal(await fact("Format"), "JPEG");
  assert.equal(await fact("Size"), `${source.width.toLocaleString("en")} × ${source.height.toLocaleString("en")} px`);
  assert.equal(await fact("SHA-256"), source.sha256);

  // A URL is copied, and that is said: in the dialog, for everything else is inert.
  const heard = await listen(page);
  const copy = dialog.getByRole("button", { name: "Copy URL: URL of small, WebP" });
  await copy.click();
  await page.waitForFunction(() => globalThis.heard.length > 0);
  assert.deepEqual(await heard(), ["Copied: URL of small, WebP"]);
  await dialog.getByRole("button", { name: "Copied: URL of small, WebP" }).getByText("Copied").waitFor();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assert.equal(copied, variants.find((v) => v.name === "small" && v.format === "webp").url);
  // Without a clipboard, as on plain HTTP, the selection is copied.
  await page.evaluate(() => Object.defineProperty(navigator, "clipboard", { value: undefined, configurable: true }));
  await dialog.getByRole("button", { name: "Copy URL: URL of large, JPEG" }).click();
  await page.waitForFunction(() => globalThis.heard.at(-1).startsWith("Copied: URL of large"));
  await page.evaluate(() => delete navigator.clipboard);
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), variants.find((v) => v.name === "large" && v.format === "jpeg").url);
  await assertAccessible(page, "a detail");

  // It is the URL's: a reload opens it, Back closes it, Escape too, and the keyboard is where it was.
  await page.reload();
  await dialog.waitFor();
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => location.hash === "");
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), "landscape.jpg");
  await page.keyboard.press("Enter");
  await dialog.waitFor();
  // One that is not there is told of, also where it is asked for before the browser says that the last is closed.
  await page.evaluate(() => addEventListener("hashchange", () => (location.hash = "#/images/01930000-0000-7000-8000-000000000000"), { once: true }));
  await page.goBack();
  await dialog.waitFor({ state: "hidden" });
  await page.getByRole("alert").getByText("There is no such image").waitFor();

  // Erased only when it is confirmed.
  await (await tile(page, "landscape.jpg", "ready")).getByRole("link").click();
  const question = page.getByRole("alertdialog", { name: "Erase landscape.jpg?" });
  await dialog.getByRole("button", { name: "Erase…" }).click();
  await question.waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Keep it");
  await assertAccessible(page, "the question");
  await page.keyboard.press("Enter");
  assert.equal((await record(id)).status, "ready");
  await dialog.getByRole("button", { name: "Erase…" }).click();
  await question.getByRole("button", { name: "Erase for good" }).click();
  await dialog.waitFor({ state: "hidden" });
  await page.waitForFunction(() => document.querySelectorAll(".tile").length === 1);
  assert.equal((await record(id)).status, "erased");
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), "portrait.jpg");
}, { permissions, expected: [/404 .*01930000/] });
