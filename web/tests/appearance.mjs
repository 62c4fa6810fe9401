// From 360 pixels to wide, light and dark: nothing runs out of the page, and axe finds nothing.

import { assert, assertAccessible, launch, pick, tile, url, visit } from "./browser.mjs";

const browser = await launch();
const backgrounds = new Set();

/** Nothing sticks out sideways: not the page, and nothing in the dialog. */
async function assertFits(page, state) {
  const [wide, have] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(wide <= have, `${state}: ${wide} px wide in ${have}`);
  const out = await page.evaluate(() =>
    [...document.querySelectorAll("body *, dialog *")].filter((element) => {
      const box = element.getBoundingClientRect();
      return box.width > 1 && !element.closest(".stage, .skip") && (box.right > innerWidth + 1 || box.left < -1);
    }).map((element) => element.outerHTML.slice(0, 120)));
  assert.deepEqual(out, [], state);
}

async function look(colorScheme, width) {
  const seen = await visit(browser, async (page) => {
    const state = (name) => `${name}, ${colorScheme}, ${width} px`;
    await page.goto(url);
    await tile(page, "landscape.jpg", "ready");
    await page.locator(".picture.loaded").first().waitFor();
    backgrounds.add(await page.evaluate(() => getComputedStyle(document.body).backgroundColor));
    await assertFits(page, state("the gallery"));
    await assertAccessible(page, state("the gallery"));
    await (await tile(page, "landscape.jpg", "ready")).getByRole("link").click();
    await page.getByRole("dialog").waitFor();
    await page.locator(".stage img").evaluate((image) => image.decode());
    await assertFits(page, state("a detail"));
    await assertAccessible(page, state("a detail"));
  }, { colorScheme, viewport: { width, height: 740 } });
  assert.deepEqual(seen, { errors: [], foreign: [] });
}

try {
  for (const colorScheme of ["light", "dark"]) {
    const seen = await visit(browser, async (page) => {
      await page.goto(url);
      if (colorScheme === "light") {
        await page.getByText("Nothing here yet").waitFor();
        await assertAccessible(page, "the empty page");
        await pick(page, "landscape.jpg", "portrait.jpg", "clear.png", "notes.txt");
        await tile(page, "clear.png", "ready");
        await tile(page, "notes.txt", "rejected");
      }
    }, { colorScheme });
    assert.deepEqual(seen, { errors: [], foreign: [] });
    for (const width of [360, 1600]) await look(colorScheme, width);
  }
  assert.equal(backgrounds.size, 2, "light and dark differ");
} finally {
  await browser.close();
}
