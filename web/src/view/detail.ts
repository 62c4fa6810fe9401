import type { Client } from "../api/client";
import { Problem } from "../api/problem";
import { type ImageRecord, nameOf } from "../api/record";
import { announce } from "./announce";
import { copyButton } from "./copy";
import { element } from "./element";
import { confirmErasure } from "./erase";
import { facts } from "./facts";
import type { Gallery } from "./gallery";
import { Variants } from "./variants";
import { headline, sentence } from "./words";

const PATH = /^#\/images\/([\w-]+)$/;

/** One image with all that is known of it. It is open while the URL names it. */
export class Detail {
  readonly #title = element("h2", { id: "detail-title", tabIndex: -1 });
  readonly #problem = element("div", { className: "problem" });
  readonly #facts = element("div");
  readonly #tools = element("div", { className: "tools" });
  readonly #variants = new Variants();
  readonly #back = element("button", { type: "button", textContent: "‹", title: "Newer", aria: { label: "Newer image" } });
  readonly #forth = element("button", { type: "button", textContent: "›", title: "Older", aria: { label: "Older image" } });
  readonly #dialog: HTMLDialogElement;
  #id: string | null = null;
  #shown = "";
  /** Closings by this page whose event is still to come: another image may be open by then. */
  #awaited = 0;

  constructor(
    readonly client: Client,
    readonly gallery: Gallery,
    readonly refused: (problem: Problem) => void,
  ) {
    const close = element("button", { type: "button", textContent: "Close" });
    this.#dialog = element(
      "dialog", { className: "detail", aria: { labelledby: "detail-title" } },
      element("header", {}, this.#title, element("div", { className: "actions" }, this.#back, this.#forth, close)),
      element(
        "div", { className: "columns" },
        this.#variants.stage,
        element("div", { className: "side" }, this.#problem, this.#variants.list, this.#facts, this.#tools),
      ),
      element("div", { className: "unseen", role: "status", data: { announcer: "" } }),
    );
    document.body.append(this.#dialog);
    close.addEventListener("click", () => this.#close());
    this.#dialog.addEventListener("close", () => {
      if (this.#awaited > 0) this.#awaited -= 1;
      else this.#closed();
    });
    this.#back.addEventListener("click", () => this.#step(-1));
    this.#forth.addEventListener("click", () => this.#step(1));
    window.addEventListener("hashchange", () => this.route());
  }

  /** Opens and closes as the URL says. */
  route(): void {
    const id = PATH.exec(location.hash)?.[1];
    if (id === undefined) this.#close();
    else if (id !== this.#id) void this.#open(id);
  }

  /** Shows news of the open image. */
  update(record: ImageRecord): void {
    if (record.image_id === this.#id) this.#show(record);
  }

  async #open(id: string): Promise<void> {
    this.#id = id;
    this.#shown = "";
    this.#variants.forget();
    try {
      // Anew each time: the signed URLs of an older record may have ended.
      const known = this.gallery.record(id);
      if (known !== null) this.#reveal(known);
      const record = await this.client.image(id);
      if (this.#id !== id) return;
      this.gallery.show(record);
      // Only where it was not shown before: it may have been closed meanwhile.
      if (known === null) this.#reveal(record);
      else this.#show(record);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (this.#id !== id) return;
      this.#close();
      this.refused(error);
    }
  }

  #reveal(record: ImageRecord): void {
    this.#title.textContent = nameOf(record);
    // Open before its variants are shown: which of them fits can be told only then.
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#title.focus();
    this.#show(record);
  }

  #show(record: ImageRecord): void {
    // The same once more would only take the keyboard's place away.
    const text = JSON.stringify(record);
    if (text === this.#shown) return;
    this.#shown = text;
    const name = nameOf(record);
    this.#title.textContent = name;
    document.title = `${name} – Darkroom`;
    const { problem } = record;
    this.#problem.replaceChildren(
      ...(problem === null ? [] : [element("p", {}, element("strong", {}, headline(problem))), element("p", { textContent: sentence(problem.detail) })]),
    );
    this.#problem.hidden = problem === null;
    this.#variants.show(record);
    this.#facts.replaceChildren(facts(record));
    this.#showTools(record);
    this.#back.disabled = this.gallery.neighbour(record.image_id, -1) === null;
    this.#forth.disabled = this.gallery.neighbour(record.image_id, 1) === null;
  }

  #showTools(record: ImageRecord): void {
    // News of the image must not take the focus away.
    if (this.#tools.dataset.id === record.image_id) return;
    this.#tools.dataset.id = record.image_id;
    const erase = element("button", { type: "button", className: "danger", textContent: "Erase…" });
    erase.addEventListener("click", () => void this.#erase(record));
    this.#tools.replaceChildren(copyButton("link to this view", location.href, "Copy link to this view"), erase);
  }

  async #erase(record: ImageRecord): Promise<void> {
    const name = nameOf(record);
    if (!(await confirmErasure(name))) return;
    try {
      await this.client.erase(record.image_id);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      announce(`${name} was not erased: ${headline(error)}`);
      this.#problem.replaceChildren(element("p", { role: "alert", textContent: `Not erased. ${headline(error)}. ${sentence(error.detail)}` }));
      this.#problem.hidden = false;
      return;
    }
    this.#close();
    this.gallery.remove(record.image_id);
    announce(`${name} was erased`);
  }

  #step(step: 1 | -1): void {
    const next = this.#id === null ? null : this.gallery.neighbour(this.#id, step);
    if (next === null) return;
    // In the place of this image: the way back leads to the gallery.
    history.replaceState(null, "", `#/images/${next}`);
    this.route();
  }

  #close(): void {
    if (this.#dialog.open) {
      this.#awaited += 1;
      this.#dialog.close();
    }
    this.#closed();
  }

  /** Closed by us, or by the browser, as with Escape. */
  #closed(): void {
    const id = this.#id;
    this.#id = null;
    document.title = "Darkroom";
    if (PATH.test(location.hash)) history.replaceState(null, "", location.pathname + location.search);
    if (id !== null) this.gallery.focus(id);
  }
}
