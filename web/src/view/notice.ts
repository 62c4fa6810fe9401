import { element, part } from "./element";

/** What the whole page has to say: no network, a busy server, a missing key. One at a time. */
export class Notice {
  readonly #place = part("notice");

  show(title: string, detail: string, action?: { label: string; run: () => void }): void {
    const button = action && element("button", { type: "button", textContent: action.label });
    button?.addEventListener("click", () => action?.run());
    this.#place.replaceChildren(
      element("div", { className: "notice" }, element("p", {}, element("strong", {}, title), " ", detail), button),
    );
  }

  clear(): void {
    this.#place.replaceChildren();
  }
}
