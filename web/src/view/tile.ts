import type { Problem } from "../api/problem";
import { reachable } from "../api/reachable";
import { type ImageRecord, isMade, type Made, nameOf } from "../api/record";
import { element } from "./element";
import { placeholder } from "./placeholder";
import { bytes, headline, sentence, status } from "./words";

/** One image of the gallery, from the moment its file was chosen. */
export class Tile {
  readonly root = element("li", { className: "tile" });
  readonly #frame = element("a", { className: "frame" });
  readonly #caption = element("p", { className: "caption" });
  readonly #name: string;
  #record: ImageRecord | null = null;
  #blur: HTMLImageElement | null = null;
  #picture: HTMLImageElement | null = null;
  #bar: HTMLProgressElement | null = null;

  constructor(name: string) {
    this.#name = name;
    this.root.append(this.#frame, this.#caption);
    this.#label("Waiting to upload");
  }

  get record(): ImageRecord | null {
    return this.#record;
  }

  focus(): void {
    this.#frame.focus();
  }

  /** So much of the file was sent. */
  progress(sent: number, total: number): void {
    if (this.#bar === null) {
      this.#bar = element("progress", { max: 100, aria: { label: `Upload of ${this.#name}` } });
      this.#frame.after(this.#bar);
    }
    this.#bar.value = total === 0 ? 100 : (100 * sent) / total;
    this.#label(sent < total ? `${bytes(sent)} of ${bytes(total)}` : "Developing…");
  }

  /** The upload did not get through. */
  fail(problem: Problem, retry: () => void, dismiss: () => void): void {
    this.#bar?.remove();
    this.#bar = null;
    const again = element("button", { type: "button", textContent: "Try again", aria: { label: `Try again: ${this.#name}` } });
    const away = element("button", { type: "button", textContent: "Dismiss", aria: { label: `Dismiss ${this.#name}` } });
    const trouble = this.#trouble(problem);
    const note = element("div", { className: "trouble" }, ...trouble, element("div", { className: "actions" }, again, away));
    again.addEventListener("click", () => {
      note.remove();
      retry();
    });
    away.addEventListener("click", dismiss);
    this.root.append(note);
    this.#label("Not uploaded");
  }

  /** Shows an image as its record has it. */
  show(record: ImageRecord): void {
    this.#record = record;
    const { source } = record;
    this.root.dataset.id = record.image_id;
    this.root.dataset.status = record.status;
    this.#frame.href = `#/images/${record.image_id}`;
    if (source !== null) {
      this.root.style.setProperty("--ratio", String(Math.min(2.4, Math.max(0.6, source.width / source.height))));
    }
    if (record.status !== "pending") {
      this.#bar?.remove();
      this.#bar = null;
    }
    this.#showBlur(record);
    this.#showPicture(record);
    this.#showTrouble(record);
    this.#label(record.status === "ready" ? null : status(record.status), record);
  }

  #showBlur(record: ImageRecord): void {
    if (record.placeholder === null || this.#blur !== null) return;
    this.#frame.style.backgroundColor = record.placeholder.color;
    const url = placeholder(record.placeholder.thumbhash);
    if (url === null) return;
    this.#blur = element("img", { className: "blur", src: url, alt: "" });
    this.#frame.prepend(this.#blur);
  }

  /** The smallest variant first; then, where the tile has more room, one that fills it. */
  #showPicture(record: ImageRecord): void {
    const made = record.variants.filter(isMade);
    const [smallest] = bySize(made);
    if (smallest === undefined || record.status === "processing" || this.#picture !== null) return;
    const picture = element("img", { className: "picture", alt: "", decoding: "async", loading: "lazy", data: { variant: smallest.name } });
    this.#picture = picture;
    picture.addEventListener("load", () => {
      picture.classList.add("loaded");
      this.#sharpen(picture, made);
    }, { once: true });
    picture.src = reachable(smallest.url);
    this.#frame.append(picture);
  }

  #sharpen(picture: HTMLImageElement, made: Made[]): void {
    const wanted = this.#frame.clientWidth * devicePixelRatio;
    if (picture.naturalWidth >= wanted) return;
    const sizes = bySize(made);
    const better = sizes.find((variant) => variant.width >= wanted) ?? sizes.at(-1);
    if (better === undefined || better.width <= picture.naturalWidth) return;
    // Decoded beside the one that is seen, so that nothing flickers. Without it, the small one stays.
    const next = element("img", { src: reachable(better.url) });
    next.decode().then(() => Object.assign(picture, { src: next.src }), () => {});
  }

  #showTrouble(record: ImageRecord): void {
    if (record.problem === null || record.status === "processing") return;
    this.root.querySelector(".trouble")?.remove();
    this.root.append(element("div", { className: "trouble" }, ...this.#trouble(record.problem)));
  }

  #trouble(problem: Problem | NonNullable<ImageRecord["problem"]>): HTMLElement[] {
    const reason = element("strong", {}, headline(problem));
    return [element("p", {}, reason), element("p", { className: "muted", textContent: sentence(problem.detail) })];
  }

  #label(state: string | null, record: ImageRecord | null = this.#record): void {
    const name = record === null ? this.#name : nameOf(record);
    this.#frame.setAttribute("aria-label", state === null ? name : `${name}: ${state}`);
    if (record === null) this.#frame.setAttribute("role", "group");
    else this.#frame.removeAttribute("role");
    this.#caption.replaceChildren(
      element("span", { className: "name", textContent: name }),
      ...(state === null ? [] : [element("span", { className: "state", textContent: state })]),
    );
  }
}

/** From small to large; of one size the format with the smaller files. */
function bySize(made: Made[]): Made[] {
  return [...made].sort((a, b) => a.width * a.height - b.width * b.height || a.bytes - b.bytes);
}
