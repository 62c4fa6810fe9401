import type { Problem } from "../api/problem";
import { element } from "./element";
import { headline, sentence } from "./words";

/** Asks for an API key, and stays open until the server has taken one. */
export class KeyDialog {
  readonly #dialog: HTMLDialogElement;
  readonly #input: HTMLInputElement;
  readonly #error: HTMLElement;
  readonly #submit: HTMLButtonElement;
  #answer: ((key: string | null) => void) | null = null;

  constructor() {
    this.#input = element("input", {
      id: "key", type: "password", required: true, autocomplete: "off", spellcheck: false,
      aria: { describedby: "key-error key-hint" },
    });
    this.#error = element("p", { id: "key-error", className: "error", role: "alert" });
    this.#submit = element("button", { type: "submit", className: "primary", textContent: "Use this key" });
    const later = element("button", { type: "button", textContent: "Not now" });
    const form = element(
      "form", {},
      element("h2", { id: "key-title", textContent: "This server asks for a key" }),
      element("p", { id: "key-hint", className: "muted" }, "It is kept in this tab only. ", element("code", {}, "darkroom keys create"), " makes one."),
      element("label", { htmlFor: "key", textContent: "API key" }),
      this.#input, this.#error,
      element("div", { className: "actions" }, this.#submit, later),
    );
    this.#dialog = element("dialog", { className: "small", aria: { labelledby: "key-title" } }, form);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const key = this.#input.value.trim();
      if (key !== "") this.#settle(key);
    });
    later.addEventListener("click", () => this.#dialog.close());
    this.#dialog.addEventListener("close", () => this.#settle(null));
    document.body.append(this.#dialog);
  }

  ask(problem: Problem): Promise<string | null> {
    const refused = problem.code === "key_invalid";
    this.#error.textContent = refused ? `${headline(problem)}. ${sentence(problem.detail)}` : "";
    this.#input.ariaInvalid = String(refused);
    this.#submit.disabled = false;
    if (!this.#dialog.open) {
      this.#input.value = "";
      this.#dialog.showModal();
    }
    this.#input.focus();
    this.#input.select();
    return new Promise((resolve) => (this.#answer = resolve));
  }

  accepted(): void {
    this.#dialog.close();
  }

  #settle(key: string | null): void {
    this.#submit.disabled = key !== null;
    this.#answer?.(key);
    this.#answer = null;
  }
}
