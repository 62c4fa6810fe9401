/**
 * Says something to those who do not see it. Everything outside an open dialog is inert, and kept
 * from screen readers, so the topmost dialog's own region speaks.
 */
export function announce(text: string): void {
  const regions = document.querySelectorAll<HTMLElement>("dialog[open] [data-announcer], body > [data-announcer]");
  const dialogs = [...regions].filter((region) => region.closest("dialog") !== null);
  const region = dialogs.at(-1) ?? regions[0];
  if (region === undefined) return;
  // The same text twice is a change, too.
  region.textContent = region.textContent === text ? `${text}\u00a0` : text;
}
