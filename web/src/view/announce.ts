/** What is said within this time is said together: a region speaks its latest text only. */
const TOGETHER = 100;

let texts: string[] = [];

/** Says something to those who do not see it. */
export function announce(text: string): void {
  if (texts.length === 0) setTimeout(speak, TOGETHER);
  texts.push(text);
}

/**
 * Everything outside an open dialog is inert, and kept from screen readers, so the topmost dialog's
 * own region speaks.
 */
function speak(): void {
  const text = texts.join(". ");
  texts = [];
  const regions = document.querySelectorAll<HTMLElement>("dialog[open] [data-announcer], body > [data-announcer]");
  const dialogs = [...regions].filter((region) => region.closest("dialog") !== null);
  const region = dialogs.at(-1) ?? regions[0];
  // The same text twice is a change, too.
  if (region !== undefined) region.textContent = region.textContent === text ? `${text}\u00a0` : text;
}
