// The watchers of browser.mjs see what they are for: otherwise no other script could fail.

import { assert, faults, launch, pick, tile, url, visit } from "./browser.mjs";

const browser = await launch();
try {
  const seen = await visit(browser, async (page) => {
    await page.goto(url);
    await page.getByText("Nothing here yet").waitFor();
    // The page's policy keeps both from happening: they are tried, and that is seen.
    await page.evaluate(() => fetch("https://elsewhere.invalid/").catch(() => {}));
    const ran = await page.evaluate(() => {
      const script = document.createElement("script");
      try {
        script.textContent = "globalThis.ran = true";
      } catch {
        return "trusted types refuse it";
      }
      document.body.append(script);
      return globalThis.ran;
    });
    assert.equal(ran, "trusted types refuse it");
    await page.evaluate(() => console.error("a planted error"));
    assert.deepEqual(await faults(page), []);
    await page.evaluate(() => document.querySelector("main").append(document.createElement("button")));
    assert.match((await faults(page)).join(), /button-name/);
    await page.evaluate(() => document.documentElement.style.setProperty("--muted", "#d8d4cf"));
    assert.match((await faults(page)).join(), /color-contrast/);
  });
  assert.ok(seen.errors.some((text) => text.includes("a planted error")), `${seen.errors}`);
  assert.ok(seen.errors.some((text) => /Content Security Policy/.test(text)), `${seen.errors}`);
  await visit(browser, async (page) => {
    await page.goto(url);
    await pick(page, "landscape.jpg");
    // By another name of this machine everything is of that origin: nothing leads back to the first.
    const origin = url.replace("127.0.0.1", "localhost");
    const other = await visit(browser, async (page) => {
      await page.goto(origin);
      await pick(page, "portrait.jpg");
      const portrait = await tile(page, "portrait.jpg", "ready");
      await portrait.locator(".picture.loaded").waitFor();
    }, { origin });
    assert.deepEqual(other, { errors: [], foreign: [] });
    // And a watcher that supposes another origin sees every request.
    const foreign = await visit(browser, (page) => page.goto(origin));
    assert.ok(foreign.foreign.length >= 3, `${foreign.foreign}`);
  });
} finally {
  await browser.close();
}
