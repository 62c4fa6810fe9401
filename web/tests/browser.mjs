// Debian's Chromium on the page, with watchers: what a script did not expect to happen fails it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Where the server is, and where the pictures lie that tests/page has drawn. */
export const { PAGE_URL: url, PAGE_PICTURES: pictures } = process.env;
export const picture = (name) => `${pictures}/${name}`;

/** Runs a walk in a browser of its own, and holds what the watchers saw against nothing. */
export async function walk(steps, options = {}) {
  const browser = await launch();
  try {
    const seen = await visit(browser, steps, options);
    assert.deepEqual(seen, { errors: [], foreign: [] });
  } finally {
    await browser.close();
  }
}

export function launch() {
  // Root has no sandbox in Debian's Chromium, and CI is root; the page is our own.
  const args = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"];
  // A name of another host, on this machine.
  if (process.env.PAGE_RESOLVE) args.push(`--host-resolver-rules=${process.env.PAGE_RESOLVE}`);
  return chromium.launch({ executablePath: process.env.PAGE_CHROMIUM ?? "/usr/bin/chromium", args });
}

/** Runs a walk in a context of its own; answers what the watchers saw. */
export async function visit(browser, steps, { expected = [], origin = url, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  // A machine that compiles beside the tests is slow, not broken.
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  const seen = { errors: [], foreign: [] };
  page.on("console", (message) => {
    const text = `${message.text()} ${message.location().url}`;
    if (["error", "warning"].includes(message.type()) && !expected.some((known) => known.test(text))) seen.errors.push(text);
  });
  page.on("pageerror", (error) => seen.errors.push(String(error)));
  page.on("request", (request) => {
    const there = new URL(request.url());
    if (there.protocol !== "data:" && there.origin !== new URL(origin).origin) seen.foreign.push(request.url());
  });
  try {
    await steps(page);
  } catch (error) {
    const text = await page.locator("body").innerText().catch(String);
    console.error("the page said:", seen, text.replace(/\s*\n\s*/g, " | "));
    throw error;
  }
  await context.close();
  return seen;
}

/** Accessibility faults of the page as it is now, as axe finds them; an empty list is clean. */
export async function faults(page) {
  // What is fading in has not its own contrast yet.
  await page.evaluate(() => Promise.all(document.getAnimations().filter((a) => a instanceof CSSTransition).map((a) => a.finished)));
  // Evaluated by the debugger: the page's own policy would not let it in.
  await page.evaluate(AXE);
  const { violations, passes } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  assert.ok(passes.length > 10, "axe looked at next to nothing");
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.target} ${node.failureSummary}`).join("; ")}`);
}

export async function assertAccessible(page, state) {
  assert.deepEqual(await faults(page), [], state);
}

/** Files as a person would choose them: the button first. */
export async function pick(page, ...names) {
  const chooser = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: "Add images" }).click();
  await (await chooser).setFiles(names.map(picture));
}

/** The tile of an image, once it is in a state. */
export async function tile(page, name, state) {
  const found = page.locator(`li.tile[data-status="${state}"]`).filter({ has: page.locator(".name", { hasText: name }) });
  await found.first().waitFor();
  return found.first();
}

/** What the announcers say from now on; `heard` is theirs in the page, too. */
export async function listen(page) {
  await page.evaluate(() => {
    globalThis.heard = [];
    const last = new Map();
    const hear = (first) => {
      for (const region of document.querySelectorAll("[data-announcer]")) {
        const text = region.textContent.trim();
        if (last.get(region) === text) continue;
        last.set(region, text);
        if (text !== "" && !first) globalThis.heard.push(text);
      }
    };
    hear(true);
    new MutationObserver(() => hear(false)).observe(document.body, { subtree: true, childList: true, characterData: true });
  });
  return () => page.evaluate(() => globalThis.heard);
}

export async function record(id, headers = {}) {
  const answer = await fetch(`${url}/v1/images/${id}`, { headers });
  assert.equal(answer.status, 200);
  return answer.json();
}

export { assert };
