// The page of the cloud home: what it uploads goes to the bucket by a presigned URL, which is another
// origin. Driven by pipeline/cloud/tests/behaviour/clients.rs.

import { assert, launch, pick, tile, url, visit } from "./browser.mjs";

const { PAGE_KEY: key, PAGE_OBJECTS: objects } = process.env;

const browser = await launch();
try {
  const puts = [];
  const seen = await visit(
    browser,
    async (page) => {
      page.on("response", (response) => {
        const request = response.request();
        if (request.method() === "PUT") puts.push([new URL(request.url()).origin, response.status()]);
      });
      await page.goto(url);
      const dialog = page.getByRole("dialog", { name: "This server asks for a key" });
      await dialog.getByLabel("API key").fill(key);
      await page.keyboard.press("Enter");
      await page.getByText("Nothing here yet").waitFor();
      await pick(page, "landscape.jpg", "second.jpg");
      for (const name of ["landscape.jpg", "second.jpg"]) {
        const ready = await tile(page, name, "ready");
        await ready.locator("img.picture.loaded").waitFor();
      }
      // The gallery as the next visitor meets it.
      await page.reload();
      await (await tile(page, "landscape.jpg", "ready")).locator("img.picture.loaded").waitFor();
    },
    { expected: [/status of 401/] },
  );
  assert.deepEqual(seen.errors, []);
  assert.notEqual(objects, url);
  assert.deepEqual(puts, [[objects, 200], [objects, 200]]);
  assert.deepEqual([...new Set(seen.foreign.map((there) => new URL(there).origin))], [objects]);
} finally {
  await browser.close();
}
