// Everything with the keyboard alone: the page is walked through, and each stop can be seen.

import { assert, pick, picture, tile, url, walk } from "./browser.mjs";

await walk(async (page) => {
  // From the first listener on, Chromium asks us for files; one that comes with the key may be too late.
  page.on("filechooser", () => {});
  await page.goto(url);
  await pick(page, "landscape.jpg");
  await tile(page, "landscape.jpg", "ready");
  await page.reload();
  await tile(page, "landscape.jpg", "ready");

  const here = () => page.evaluate(() => {
    const at = document.activeElement;
    const outline = getComputedStyle(at).outlineStyle !== "none";
    return { name: at.getAttribute("aria-label") ?? at.textContent.trim(), outline };
  });
  const tab = async (expected) => {
    await page.keyboard.press("Tab");
    const { name, outline } = await here();
    assert.equal(name, expected);
    assert.ok(outline, `${name} shows that it has the focus`);
  };
  await tab("Skip to the images");
  await tab("Add images");
  // A file is chosen by the keyboard, too.
  const chooser = page.waitForEvent("filechooser");
  await page.keyboard.press("Enter");
  await (await chooser).setFiles(picture("portrait.jpg"));
  await tile(page, "portrait.jpg", "ready");
  await tab("choose files");
  await tab("portrait.jpg");
  await tab("landscape.jpg");

  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "landscape.jpg" });
  await dialog.waitFor();
  assert.equal((await here()).name, "landscape.jpg", "reading begins at the title");
  await tab("Newer image");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog", { name: "portrait.jpg" }).waitFor();
  // The first has none that is newer, so that button is passed over.
  await tab("Older image");
  await page.keyboard.press("Enter");
  await dialog.waitFor();
  await tab("Newer image");
  await tab("Close");
  await tab("Picture at its true pixels");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  const chosen = await page.evaluate(() => document.activeElement.closest("[data-key]").dataset.key);
  await page.keyboard.press("Space");
  assert.equal(await page.evaluate(() => document.activeElement.closest("[data-key]").dataset.key), chosen, "choosing keeps the place");
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-pressed")), "true");
  const [name, format] = chosen.split(".");
  await dialog.locator(`.stage img[data-variant="${name}"][data-format="${format}"]`).waitFor();
  // To the last stop, and erased.
  for (let stops = 0; (await here()).name !== "Erase…"; stops += 1) {
    assert.ok(stops < 30, "there is no way to Erase");
    await page.keyboard.press("Tab");
  }
  await page.keyboard.press("Enter");
  await page.getByRole("alertdialog").waitFor();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelectorAll(".tile").length === 1);
  assert.equal((await here()).name, "portrait.jpg");

  // Nothing moves for those who asked for calm.
  await page.emulateMedia({ reducedMotion: "reduce" });
  const moves = await page.locator(".frame").first().evaluate((frame) => getComputedStyle(frame).transitionDuration);
  assert.ok(moves.split(", ").every((time) => time === "0s"), moves);
});
